// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/propagation"
)

// Job is one unit of work.
type Job struct {
	ID         string
	Body       []byte
	Deliveries int       // starts at 1
	EnqueuedAt time.Time // when the queue stored it
}

// Handler handles a job. nil completes the job, an error requests a retry.
type Handler func(ctx context.Context, job Job) error

// Consume hands jobs to the handler, up to workers concurrently, until ctx ends. A job whose
// handler fails or panics is retried after RetryMin, doubled each time up to RetryMax; after
// MaxDeliveries attempts it goes to OnDead. While a handler runs its job is not redelivered,
// however long it takes.
//
// When ctx ends Consume takes no more jobs, and returns nil when the running handlers are done.
// Their context ends DrainTimeout later; what they have not finished by then is redelivered. If the
// broker is closed Consume returns [ErrClosed].
func (b *Broker) Consume(ctx context.Context, workers int, handle Handler) error {
	if workers < 1 {
		panic("broker: Consume needs at least one worker")
	}
	work, cancel := b.graceful(ctx)
	defer cancel()
	errs := make([]error, workers)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() { errs[i] = b.worker(ctx, work, handle) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// graceful returns the context of handlers, which ends DrainTimeout after ctx.
func (b *Broker) graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(b.opt.DrainTimeout, cancel)
		context.AfterFunc(work, func() { timer.Stop() })
	})
	return work, func() { stop(); cancel() }
}

// worker handles jobs sequentially. It requests the next only when it is free, so that no job's
// AckWait runs while it waits behind another.
func (b *Broker) worker(ctx, work context.Context, handle Handler) error {
	for ctx.Err() == nil {
		err := b.pull(ctx, work, handle)
		if b.closing.Err() != nil {
			return ErrClosed
		}
		if err == nil || ctx.Err() != nil {
			return nil
		}
		b.waiting("the work queue: " + err.Error())
		select {
		case <-ctx.Done():
		case <-b.closing.Done():
		case <-time.After(min(b.opt.RetryMin, pullAgain)):
		}
	}
	return nil
}

// pull opens the queue and handles jobs until ctx ends (nil) or reading fails.
func (b *Broker) pull(ctx, work context.Context, handle Handler) error {
	try, cancel := context.WithTimeout(ctx, attempt/2)
	defer cancel()
	cons, err := b.link.Load().js.Consumer(try, streamName, consumerName)
	if err != nil {
		return fmt.Errorf("consumer %s: %w", consumerName, err)
	}
	msgs, err := cons.Messages(jetstream.PullMaxMessages(1), jetstream.PullExpiry(pullExpiry), jetstream.PullHeartbeat(pullHeartbeat))
	if err != nil {
		return fmt.Errorf("reading the queue: %w", err)
	}
	defer msgs.Stop()
	defer context.AfterFunc(ctx, msgs.Drain)()
	for {
		msg, err := msgs.Next()
		switch {
		case err == nil && ctx.Err() != nil: // arrived while stopping
			return msg.Nak()
		case err == nil:
			b.work(work, msg, handle)
		case ctx.Err() != nil && errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return nil
		default:
			return fmt.Errorf("reading the queue: %w", err)
		}
	}
}

const (
	// pullExpiry is the lifetime of one pull request.
	pullExpiry = 10 * time.Second
	// pullHeartbeat is the interval of the leader's heartbeats. After two missed ones the leader is
	// taken for gone and another is asked.
	pullHeartbeat = 1500 * time.Millisecond
	// pullAgain is the pause after the queue could not be read.
	pullAgain = 200 * time.Millisecond
)

// work brings one message to an outcome: acknowledged, put back or dead.
func (b *Broker) work(ctx context.Context, msg jetstream.Msg, handle Handler) {
	job, err := jobOf(msg)
	if err != nil {
		b.opt.Logger.Error("unreadable message in the queue", "err", err)
		_ = msg.Term() // not written by us, so nothing is lost
		return
	}
	if job.Deliveries > b.opt.MaxDeliveries {
		b.settle(job, "dead", b.dead(msg, job, ErrDeadJob))
		return
	}
	err = b.attempt(ctx, msg, job, handle)
	switch {
	case err == nil:
		b.settle(job, "done", acknowledge(msg))
	case ctx.Err() != nil: // cut off by the drain, not the job's fault
		b.settle(job, "put back", msg.Nak())
	case job.Deliveries >= b.opt.MaxDeliveries:
		b.settle(job, "dead", b.dead(msg, job, err))
	default:
		wait := b.backoff(job.Deliveries)
		b.opt.Logger.Warn("job failed, trying again", "id", job.ID, "deliveries", job.Deliveries, "wait", wait, "err", err)
		b.settle(job, "put back", msg.NakWithDelay(wait))
	}
}

// settle logs an outcome that did not reach the queue. The job is then redelivered after AckWait.
func (b *Broker) settle(job Job, what string, err error) {
	if err != nil {
		b.opt.Logger.Warn("the outcome of a job did not reach the queue; the job runs again", "id", job.ID, "outcome", what, "err", err)
	}
}

// acknowledge waits until the queue has recorded the end of the job.
func acknowledge(msg jetstream.Msg) error {
	ctx, cancel := context.WithTimeout(context.Background(), attempt)
	defer cancel()
	return msg.DoubleAck(ctx)
}

// dead passes the job to OnDead, then removes it from the queue. A crash in between repeats OnDead;
// the other order would lose the job.
func (b *Broker) dead(msg jetstream.Msg, job Job, why error) error {
	b.opt.OnDead(job, why)
	return msg.TermWithReason("failed too often")
}

// backoff is the delay after the n-th attempt: RetryMin·2ⁿ⁻¹, at most RetryMax.
func (b *Broker) backoff(n int) time.Duration {
	wait := b.opt.RetryMin
	for ; n > 1 && wait < b.opt.RetryMax; n-- {
		wait *= 2
	}
	return min(wait, b.opt.RetryMax)
}

// attempt runs the handler, prevents redelivery meanwhile, and turns a panic into an error.
func (b *Broker) attempt(ctx context.Context, msg jetstream.Msg, job Job, handle Handler) (err error) {
	done := make(chan struct{})
	var beat sync.WaitGroup
	beat.Go(func() { b.keepAlive(msg, done) })
	defer func() {
		close(done)
		beat.Wait()
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return handle(propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(msg.Headers())), job)
}

// keepAlive tells the queue three times per AckWait that the job is in progress.
func (b *Broker) keepAlive(msg jetstream.Msg, done <-chan struct{}) {
	tick := time.NewTicker(b.opt.AckWait / 3)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if err := msg.InProgress(); err != nil {
				b.opt.Logger.Debug("a job can't be kept from redelivery", "err", err)
			}
		}
	}
}

// jobOf decodes a message.
func jobOf(msg jetstream.Msg) (Job, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return Job{}, err
	}
	key, ok := strings.CutPrefix(msg.Subject(), subject+".")
	if !ok {
		key = msg.Headers().Get(jetstream.MsgIDHeader) // written by an older version
	}
	id, err := decodeKey(key)
	if err != nil {
		return Job{}, err
	}
	return Job{ID: id, Body: msg.Data(), Deliveries: int(meta.NumDelivered), EnqueuedAt: meta.Timestamp}, nil
}
