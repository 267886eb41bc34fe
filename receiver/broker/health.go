package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// checkEvery is how often the broker looks after its server.
const checkEvery = time.Second

// Healthy returns nil if jobs can be published and handled, or else what is
// wrong and what can be done about it.
func (b *Broker) Healthy() error {
	if b.closing.Err() != nil {
		return ErrClosed
	}
	if why := b.sick.Load(); why != nil {
		return *why
	}
	return b.serverHealth()
}

// serverHealth asks the server about itself: a stream that met a write error,
// a cluster without a leader, JetStream switched off.
func (b *Broker) serverHealth() error {
	h := b.server.Load().Healthz(&server.HealthzOptions{})
	if h.Error == "" {
		return nil
	}
	return &Error{What: "the embedded broker is " + h.Status + ": " + h.Error, Hint: b.notReadyHint()}
}

// lookAfter checks the server until Close and repairs what it can.
func (b *Broker) lookAfter() {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.closing.Done():
			return
		case <-tick.C:
			b.check()
		}
	}
}

// check is one round of lookAfter. A single server that is not well has met a
// failed write, after which JetStream does not touch the stream again; with a
// disk that can be written it is restarted. A node of a cluster is restarted
// only if JetStream has switched itself off, for a lack of peers looks like an
// illness, too, and is cured by the peers.
func (b *Broker) check() {
	err := b.serverHealth()
	if err == nil {
		b.recovered()
		return
	}
	srv := b.server.Load()
	if b.opt.replicas() > 1 && srv.JetStreamEnabled() {
		b.setSick(err)
		return
	}
	if full := probeStorage(b.opt.Dir); full != nil {
		b.setSick(full)
		return
	}
	b.setSick(err)
	if err := b.restart(); err != nil {
		b.setSick(fmt.Errorf("restarting the embedded server: %w", err))
	}
}

// setSick notes why writes are refused; the log is told when the reason is new.
func (b *Broker) setSick(err error) {
	if was := b.sick.Swap(&err); was == nil || (*was).Error() != err.Error() {
		b.opt.Logger.Error("broker is not healthy", "err", err)
	}
}

// recovered lets writes in again.
func (b *Broker) recovered() {
	if b.sick.Swap(nil) != nil {
		b.opt.Logger.Info("broker is healthy again")
	}
}

// restart puts a new server on the directory. The connection, and with it
// handlers and watchers, move over by themselves.
func (b *Broker) restart() error {
	old := b.server.Load()
	old.Shutdown()
	old.WaitForShutdown()
	if err := b.startServer(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.closing, 10*attempt)
	defer cancel()
	return b.ensureQueue(ctx)
}
