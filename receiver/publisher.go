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

// Sink writes causes to one place: annotations, Grafana, webhooks, …
type Sink interface {
	// Send writes one message and returns the outcome for each target. It is retried, so it must be
	// idempotent.
	Send(ctx context.Context, m sink.Message) []report.Sent
}

// outlet is one place to write to, as the configuration names it.
type outlet struct {
	sinkName string // which one of its kind; empty if there is only one
	place    string // which of them; empty: there is only one
	server   string // whose alerts it takes, if each Prometheus server has an outlet of its own
	sink     Sink
	alerts   bool // gets every alert; otherwise every incident

	workers  int           // concurrent sends
	together int           // batch size of one send; 0 means 1
	patience time.Duration // longest backoff
}

// publisher notifies every sink, each from its own [lane]. What is unsent when the daemon stops is
// found in the store at the next start.
type publisher struct {
	alerts, incidents topic
	book              *deliveries
	metrics           *metrics
	log               *slog.Logger

	mu      sync.Mutex
	lanes   map[string]*lane // by name and server
	ctx     context.Context  // parent of all lanes; nil before run
	work    context.Context
	running sync.WaitGroup
}

func newPublisher(incidents aboutIncidents, m *metrics, log *slog.Logger) *publisher {
	return &publisher{
		alerts: aboutAlerts{store: incidents.store, book: incidents.book}, incidents: incidents,
		book: incidents.book, metrics: m, log: log, lanes: map[string]*lane{},
	}
}

// use starts and stops lanes to match a configuration. A lane that stays keeps its queue.
func (p *publisher) use(outlets []outlet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := maps.Clone(p.lanes)
	for _, o := range outlets {
		name := o.name() + " " + o.server
		delete(ended, name)
		if l, ok := p.lanes[name]; ok { // also if the configuration names a place twice
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

// name is that of a place. The outlets of a place share the records of what was delivered.
func (o outlet) name() string {
	if o.place == "" {
		return o.sinkName
	}
	return o.sinkName + " " + o.place
}

func (p *publisher) newLane(o outlet) *lane {
	l := &lane{
		outlet: o, name: o.name(), about: p.incidents, to: o.sink, book: p.book, metrics: p.metrics, log: p.log,
		wake: make(chan struct{}, 1), due: map[string]*item{},
	}
	if o.alerts {
		l.about = p.alerts
	}
	return l
}

// launch starts a lane. The caller holds p.mu.
func (p *publisher) launch(l *lane) {
	ctx, stop := context.WithCancel(p.ctx)
	work, cut := context.WithCancel(p.work)
	l.stop = func() { stop(); cut() }
	p.running.Go(func() {
		defer l.stop()
		l.run(ctx, work)
	})
}

// run sends until ctx ends. Sends in progress may finish until work ends.
func (p *publisher) run(ctx, work context.Context) {
	p.mu.Lock()
	p.ctx, p.work = ctx, work
	for _, l := range p.lanes {
		p.launch(l)
	}
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()
	p.ctx = nil // no more lanes may start
	p.mu.Unlock()
	p.running.Wait()
}

// Publish enqueues a report and its incident in every lane. See [Publisher].
func (p *publisher) Publish(r report.Report, received time.Time) {
	for _, l := range p.all() {
		if l.alerts {
			l.notify(r.ID, received)
		} else {
			l.notify(r.Incident, received)
		}
	}
}

// incident enqueues an incident that has changed.
func (p *publisher) incident(id string) {
	for _, l := range p.all() {
		if !l.alerts {
			l.notify(id, time.Time{})
		}
	}
}

// catchUp enqueues everything that is still unsent.
func (p *publisher) catchUp() {
	for _, l := range p.all() {
		for _, id := range l.about.pending(l.name) {
			l.notify(id, time.Time{})
		}
	}
}

// all returns the lanes, ordered by name.
func (p *publisher) all() []*lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	lanes := make([]*lane, 0, len(p.lanes))
	for _, name := range slices.Sorted(maps.Keys(p.lanes)) {
		lanes = append(lanes, p.lanes[name])
	}
	return lanes
}
