package receiver

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// publisher writes incidents back: to Grafana and to the recovery webhooks. It
// gathers what changes within a second, so that a storm of a thousand alerts
// in one group is told in a few messages and not in a thousand.
//
// What it has not written when the daemon stops, the reconcile loop of the
// next start finds, because the incident says what was sent.
type publisher struct {
	live    func() *live
	store   *store
	metrics *metrics
	log     *slog.Logger
	pause   time.Duration

	wake chan struct{}
	mu   sync.Mutex
	due  map[string]bool // incident ids
}

func newPublisher(live func() *live, s *store, m *metrics, log *slog.Logger) *publisher {
	return &publisher{
		live: live, store: s, metrics: m, log: log, pause: time.Second,
		wake: make(chan struct{}, 1), due: map[string]bool{},
	}
}

// notify says that an incident has changed, or is to be told again.
func (p *publisher) notify(id string) {
	p.mu.Lock()
	p.due[id] = true
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run publishes until ctx ends, and then once more what is due. A round that
// has begun is finished: each write has its own time limit.
func (p *publisher) run(ctx context.Context) {
	working := context.WithoutCancel(ctx)
	for {
		select {
		case <-ctx.Done():
			p.round(working)
			return
		case <-p.wake:
			p.round(working)
		}
		select {
		case <-ctx.Done():
		case <-time.After(p.pause):
		}
	}
}

// parallelIncidents is how many incidents are written at a time.
const parallelIncidents = 4

func (p *publisher) round(ctx context.Context) {
	p.mu.Lock()
	due := p.due
	p.due = map[string]bool{}
	p.mu.Unlock()
	var g errgroup.Group
	g.SetLimit(parallelIncidents)
	for id := range due {
		g.Go(func() error {
			p.publish(ctx, id)
			return nil
		})
	}
	_ = g.Wait()
}

// publish writes an incident back, unless what it says was written already.
func (p *publisher) publish(ctx context.Context, id string) {
	inc, ok := p.store.incidentByID(id)
	content := digest(inc)
	reports := p.store.members(id)
	if !ok || len(reports) == 0 || inc.Published == content {
		return
	}
	sent := send(ctx, p.live().incidentSinks, sink.Message{
		Report: reports[0], Incident: inc, Resolved: !inc.Open(),
	}, p.metrics)
	if unsent(sent) {
		content = ""
	}
	merged, _ := mergeSent(inc.Sent, sent)
	if err := p.store.recordSent(ctx, id, merged, content); err != nil {
		p.log.Error("What became of an incident's write-backs can't be stored", "incident", id, "err", err)
	}
}

// unsent says whether a write-back failed and is worth another try.
func unsent(sent []report.Sent) bool {
	for _, s := range sent {
		if s.Status == report.SentFailed && s.Retryable {
			return true
		}
	}
	return false
}
