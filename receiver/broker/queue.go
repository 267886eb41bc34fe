// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/propagation"
)

// Publish stores a job and returns when it is safe. While the queue has a job with that id, pending
// or in flight, Publish changes nothing and returns [ErrExists], which is as good as nil. The queue
// itself decides this, for all replicas and across restarts. When the job is done its id is free
// again.
//
// Other errors are [ErrFull], [ErrTooLarge], [ErrKey] or, for any other reason, [ErrUnavailable]. A
// context without a deadline gets five seconds; in a cluster twelve, enough to elect a new leader.
func (b *Broker) Publish(ctx context.Context, id string, body []byte) error {
	key, err := legalKey(id)
	if err != nil {
		return fmt.Errorf("job %.40q…: %w", id, err)
	}
	if err := b.writable(); err != nil {
		return err
	}
	msg := nats.NewMsg(subject + "." + key) // one subject per id lets the queue detect duplicates
	msg.Data = body
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(msg.Header)) // the publisher's trace, for the handler
	ctx, cancel := b.withElection(ctx)
	defer cancel()
	err = b.publishOnce(ctx, msg)
	if errors.Is(err, ErrExists) {
		return fmt.Errorf("job %q: %w", id, err)
	}
	if err != nil {
		return fmt.Errorf("job %q: %w", id, b.explain(publishError(err)))
	}
	return nil
}

// electing is how long a cluster may take to replace a lost leader: nodes wait up to nine seconds
// before they stand for election.
const electing = 12 * time.Second

// publishOnce stores a message, unless the queue has one with its subject. While that one is still
// being replicated the answer is unknown. What a lost leader has not answered is sent to the next:
// if it was stored anyway, the queue has it.
func (b *Broker) publishOnce(ctx context.Context, msg *nats.Msg) error {
	start := time.Now()
	for {
		err := b.publishTo(ctx, msg)
		wait := 10 * time.Millisecond
		switch {
		case refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequence):
			return ErrExists
		case b.unanswered(ctx, err) && time.Since(start) < electing: // even if the caller has more time
			wait = 100 * time.Millisecond
		case !refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequenceConstant):
			return err
		}
		if !pauseFor(ctx, wait) {
			return ctx.Err()
		}
	}
}

// pauseFor returns false if ctx ends first.
func pauseFor(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (b *Broker) publishTo(ctx context.Context, msg *nats.Msg) error {
	if b.opt.replicas() > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, attempt)
		defer cancel()
	}
	_, err := b.link.Load().js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithExpectStream(streamName))
	return err
}

// unanswered reports whether a request in a cluster met no leader and may be repeated.
func (b *Broker) unanswered(ctx context.Context, err error) bool {
	return b.opt.replicas() > 1 && ctx.Err() == nil && b.closing.Err() == nil &&
		(errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders))
}

func refusedWith(err error, code jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == code
}

// writable returns an error if writes are known to fail.
func (b *Broker) writable() error {
	if b.closing.Err() != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
	}
	if why := b.unhealthy.Load(); why != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, *why)
	}
	return nil
}

// explain adds the server's health to an error: a stream after a write error doesn't answer, and
// "deadline exceeded" alone helps nobody.
func (b *Broker) explain(err error) error {
	if !errors.Is(err, ErrUnavailable) || b.closing.Err() != nil {
		return err
	}
	if why := b.Healthy(); why != nil {
		return fmt.Errorf("%w: %w", err, why)
	}
	return err
}

// withElection adds a deadline if there is none: five seconds, or in a cluster the time of an
// election.
func (b *Broker) withElection(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok || b.opt.replicas() == 1 {
		return withDeadline(ctx)
	}
	return context.WithTimeout(ctx, electing)
}

// withDeadline adds a deadline of five seconds if there is none.
func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, 5*time.Second)
}

// Stats is the state of the work queue.
type Stats struct {
	Pending  int           // jobs not delivered yet
	InFlight int           // jobs being handled, or waiting for a retry
	Bytes    int64         // size of both on disk
	Oldest   time.Duration // age of the oldest of both; 0 if there is none
}

// Stats reads the state of the work queue.
func (b *Broker) Stats(ctx context.Context) (Stats, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	stream, err := b.link.Load().js.Stream(ctx, streamName)
	if err != nil {
		return Stats{}, fmt.Errorf("asking for the queue: %w", err)
	}
	cons, err := stream.Consumer(ctx, consumerName)
	if err != nil {
		return Stats{}, fmt.Errorf("asking for the queue's consumer: %w", err)
	}
	state := stream.CachedInfo().State
	s := Stats{InFlight: cons.CachedInfo().NumAckPending, Bytes: int64(state.Bytes)}
	s.Pending = max(0, int(state.Msgs)-s.InFlight) // the consumer's count lags behind what was published
	if state.Msgs > 0 {
		s.Oldest = max(0, time.Since(state.FirstTime))
	}
	return s, nil
}
