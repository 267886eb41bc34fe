// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// Sink writes causes where people look.
type Sink interface {
	// Send writes one message. It is safe to repeat, and it says of each place
	// that it wrote to, or meant to, what became of it.
	Send(ctx context.Context, m sink.Message) []report.Sent
}

// outlet is one place to write to, as the configuration names it.
type outlet struct {
	sinkName string // the kind: annotation, grafana, …
	place    string // which of them; empty: there is only one
	sink     Sink
	alerts   bool // told of every alert, else of every incident

	workers  int           // that tell at a time …
	together int           // … each of so many things at most; 0: one
	patience time.Duration // longest pause after failures
}

// publisher tells every sink what was found, each in a [lane] of its own. What
// is not told when the daemon stops the next start finds in the store.
type publisher struct {
	alerts, incidents topic
	book              *deliveries
	metrics           *metrics
	log               *slog.Logger

	mu      sync.Mutex
	lanes   map[string]*lane
	ctx     context.Context // of all lanes; nil: it doesn't run yet
	work    context.Context
	running sync.WaitGroup
}

func newPublisher(incidents aboutIncidents, m *metrics, log *slog.Logger) *publisher {
	return &publisher{
		alerts: aboutAlerts{store: incidents.store, book: incidents.book}, incidents: incidents,
		book: incidents.book, metrics: m, log: log, lanes: map[string]*lane{},
	}
}

// use makes the lanes those of a configuration. A lane that stays keeps its
// queue; one that is not wanted any more ends.
func (p *publisher) use(outlets []outlet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := maps.Clone(p.lanes)
	for _, o := range outlets {
		name := o.name()
		delete(ended, name)
		if l, ok := p.lanes[name]; ok { // or the configuration names a place twice
			l.replace(o.sink)
			continue
		}
		l := p.newLane(o)
		p.lanes[name] = l
		if p.ctx != nil {
			p.launch(l)
		}
	}
	for name, l := range ended {
		delete(p.lanes, name)
		if l.stop != nil {
			l.stop()
		}
	}
}

func (o outlet) name() string {
	if o.place == "" {
		return o.sinkName
	}
	return o.sinkName + " " + o.place
}

func (p *publisher) newLane(o outlet) *lane {
	l := &lane{
		outlet: o, name: o.name(), about: p.incidents, to: o.sink, book: p.book, metrics: p.metrics, log: p.log,
		wake: make(chan struct{}, 1), due: map[string]*errand{},
	}
	if o.alerts {
		l.about = p.alerts
	}
	return l
}

// launch starts a lane. The caller holds the lock.
func (p *publisher) launch(l *lane) {
	ctx, stop := context.WithCancel(p.ctx)
	work, cut := context.WithCancel(p.work)
	l.stop = func() { stop(); cut() }
	p.running.Go(func() {
		defer l.stop()
		l.run(ctx, work)
	})
}

// run tells until ctx ends; what is on its way then goes on until work ends.
func (p *publisher) run(ctx, work context.Context) {
	p.mu.Lock()
	p.ctx, p.work = ctx, work
	for _, l := range p.lanes {
		p.launch(l)
	}
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()
	p.ctx = nil // no lane begins any more
	p.mu.Unlock()
	p.running.Wait()
}

// Publish tells of a report that is in the store, and of its incident. received
// is when Alertmanager's message came, zero if there was none.
func (p *publisher) Publish(r report.Report, received time.Time) {
	for _, l := range p.all() {
		if l.alerts {
			l.notify(r.ID, received)
		} else {
			l.notify(r.Incident, received)
		}
	}
}

// incident tells of an incident that has changed.
func (p *publisher) incident(id string) {
	for _, l := range p.all() {
		if !l.alerts {
			l.notify(id, time.Time{})
		}
	}
}

// catchUp tells what was missed.
func (p *publisher) catchUp() {
	for _, l := range p.all() {
		for _, id := range l.about.untold(l.name) {
			l.notify(id, time.Time{})
		}
	}
}

// all returns the lanes by name.
func (p *publisher) all() []*lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	lanes := make([]*lane, 0, len(p.lanes))
	for _, name := range slices.Sorted(maps.Keys(p.lanes)) {
		lanes = append(lanes, p.lanes[name])
	}
	return lanes
}
