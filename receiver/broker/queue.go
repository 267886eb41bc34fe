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

// Publish puts a job into the queue and returns when it is safe there. While a
// job is in the queue, waiting or in work, another one with its id is the same
// job: Publish returns [ErrExists], which is as good as nil, and the queue is as
// it was. That is judged where the queue is, for all replicas alike, and
// outlives a restart. When the job has ended its id is free again.
//
// Any other error is [ErrFull], [ErrTooLarge], [ErrKey] or, for every other reason,
// [ErrUnavailable]. A context without a deadline gets one of five seconds; in a
// cluster of twelve, in which it has chosen another leader if it lost one.
func (b *Broker) Publish(ctx context.Context, id string, body []byte) error {
	key, err := legalKey(id)
	if err != nil {
		return fmt.Errorf("job %.40q…: %w", id, err)
	}
	if err := b.writable(); err != nil {
		return err
	}
	msg := nats.NewMsg(subject + "." + key) // one subject an id, so that the queue can tell whether it has the job
	msg.Data = body
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(msg.Header)) // of who publishes, for the handler
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

// electing is how long a cluster that has lost a leader may take to choose
// another: its nodes wait for up to nine seconds before they stand for it.
const electing = 12 * time.Second

// publishOnce stores a message, unless the queue has one of its subject. While
// such a one is still on its way to the replicas it is too early to tell. What a
// leader that is gone has not answered is sent to the next one: if it was stored
// all the same, the queue has it.
func (b *Broker) publishOnce(ctx context.Context, msg *nats.Msg) error {
	start := time.Now()
	for {
		err := b.publishTo(ctx, msg)
		wait := 10 * time.Millisecond
		switch {
		case refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequence):
			return ErrExists
		case b.unanswered(ctx, err) && time.Since(start) < electing: // also of a caller with more time
			wait = 100 * time.Millisecond
		case !refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequenceConstant):
			return err
		}
		if !pauseFor(ctx, wait) {
			return ctx.Err()
		}
	}
}

// pauseFor returns false if ctx ends before.
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

// unanswered says whether a request of a cluster has met no leader, and may be
// made again.
func (b *Broker) unanswered(ctx context.Context, err error) bool {
	return b.opt.replicas() > 1 && ctx.Err() == nil && b.closing.Err() == nil &&
		(errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders))
}

func refusedWith(err error, code jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == code
}

// writable returns an error if it is known that no write can succeed.
func (b *Broker) writable() error {
	if b.closing.Err() != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
	}
	if why := b.sick.Load(); why != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, *why)
	}
	return nil
}

// explain adds to a refusal what the server says of itself: a stream that met
// a write error does not answer, and "deadline exceeded" helps nobody.
func (b *Broker) explain(err error) error {
	if !errors.Is(err, ErrUnavailable) || b.closing.Err() != nil {
		return err
	}
	if why := b.Healthy(); why != nil {
		return fmt.Errorf("%w: %w", err, why)
	}
	return err
}

// withElection bounds a write if nothing else does: by five seconds, and in a
// cluster by the time that it takes to choose another leader.
func (b *Broker) withElection(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok || b.opt.replicas() == 1 {
		return withDeadline(ctx)
	}
	return context.WithTimeout(ctx, electing)
}

// withDeadline bounds a request by five seconds if nothing else does.
func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, 5*time.Second)
}

// Stats is the state of the work queue.
type Stats struct {
	Pending  int           // jobs that no handler has had yet
	InFlight int           // jobs with a handler, or waiting for another attempt
	Bytes    int64         // on disk, of both
	Oldest   time.Duration // age of the oldest of both; 0 if there is none
}

// Stats asks for the state of the work queue.
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
	s.Pending = max(0, int(state.Msgs)-s.InFlight) // what the consumer counts lags behind what was published
	if state.Msgs > 0 {
		s.Oldest = max(0, time.Since(state.FirstTime))
	}
	return s, nil
}
