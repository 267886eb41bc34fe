// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// audit checks the jobs of the queue before any is handled, and reports those that are lost.
// JetStream counts a job that it can't read as pending, but never delivers it.
func (b *Broker) audit(ctx context.Context) error {
	if b.opt.replicas() > 1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, salvageFor)
	defer cancel()
	if err := b.putBack(ctx, streamName); err != nil {
		return fmt.Errorf("putting jobs back into the queue: %w", err)
	}
	jobs, info, err := b.subjects(ctx, streamName)
	if err != nil {
		return fmt.Errorf("reading the queue: %w", err)
	}
	stream, err := b.streamOf(ctx, streamName)
	if err != nil {
		return fmt.Errorf("reading the queue: %w", err)
	}
	held, unreadable := map[uint64]version{}, uint64(0)
	for subject := range jobs {
		if _, ok := last(ctx, stream, subject); ok {
			held[hashOf(subject)] = version{}
		} else {
			unreadable++
		}
	}
	known := b.sequence(streamName, info)
	b.reportLost(streamName, known.missing(held, unreadable, info.State.LastSeq))
	if unreadable > 0 {
		if err := b.salvage(ctx, streamName, between(info.State.FirstSeq, info.State.LastSeq)); err != nil {
			b.opt.Logger.Error("The damaged queue can't be rewritten", "err", err)
		}
	}
	b.saveSequences(0) // from here on jobs complete
	return b.auditConsumer(ctx)
}

// auditConsumer recreates the consumer unless it knows every job. No handler of the last run is
// alive, so every job must be pending or redelivered.
func (b *Broker) auditConsumer(ctx context.Context) error {
	stats, err := b.Stats(ctx)
	if err != nil {
		return err
	}
	info, err := b.ask(ctx, streamName)
	if err != nil || uint64(stats.Pending+stats.InFlight) == info.State.Msgs {
		return err
	}
	if err := b.link.Load().js.DeleteConsumer(ctx, streamName, consumerName); err != nil {
		return err
	}
	b.reportForgotten(fmt.Errorf("%d jobs wait and %d are handed out, of %d", stats.Pending, stats.InFlight, info.State.Msgs))
	return b.makeQueue(ctx)
}

// last reads the last message of a subject. ok is false only if the server has one that it can't
// read; other errors leave it true.
func last(ctx context.Context, stream jetstream.Stream, subject string) (msg *jetstream.RawStreamMsg, ok bool) {
	err := retryUnanswered(ctx, func(try context.Context) (err error) {
		msg, err = stream.GetLastMsgForSubject(try, subject)
		return err
	})
	return msg, !errors.Is(err, jetstream.ErrMsgNotFound)
}

// missing is how many jobs are lost.
func (m mark) missing(held map[uint64]version, unreadable, last uint64) (gone uint64) {
	if !m.Ended {
		return unreadable + m.estimateLost(last)
	}
	for h := range decodeHeld(m.Live) {
		if _, there := held[h]; !there {
			gone++
		}
	}
	return gone
}
