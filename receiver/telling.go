// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
	"github.com/culprit-dev/culprit/tracing"
)

const (
	sendTimeout   = 20 * time.Second // one send to one sink
	recordTimeout = 2 * time.Second  // recording one outcome
)

// blindSink can't look up what it has sent. The first send of an incident is therefore recorded
// before it is made: whoever hears of an incident also hears of its end, even after kill -9.
type blindSink interface {
	// Tells reports whether Send would send the message.
	Tells(m sink.Message) bool
}

// selectiveSink takes only some messages: others of the same place take the rest.
type selectiveSink interface {
	Takes(m sink.Message) bool
}

// batchSink sends many messages for the price of one.
type batchSink interface {
	// SendAll returns the outcomes for each message.
	SendAll(ctx context.Context, ms []sink.Message) [][]report.Sent
}

// attempt is an item with the message to send.
type attempt struct {
	item
	at      int // index in the batch
	known   delivery
	message sink.Message
	digest  string
}

// sendBatch sends a batch and records its outcomes. asked is the longest Retry-After of the server.
func (l *lane) sendBatch(ctx context.Context, items []item) (outcomes []outcome, asked time.Duration) {
	outcomes = make([]outcome, len(items)) // nothing, unless set below
	to := l.current()
	var all []attempt
	for i, e := range items {
		t := attempt{item: e, at: i, known: l.book.get(e.id, l.name)}
		if l.prepare(ctx, to, &t) {
			all = append(all, t)
		}
	}
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var noting sync.WaitGroup
	for i, sent := range l.send(sending, to, all) {
		t, sent := all[i], at(l.place, sent)
		for _, s := range sent {
			asked = max(asked, s.After)
		}
		noting.Go(func() { outcomes[t.at] = l.conclude(ctx, t, sent) })
	}
	noting.Wait()
	return outcomes, asked
}

// prepare builds the message. It returns false if there is nothing to send.
func (l *lane) prepare(ctx context.Context, to Sink, t *attempt) (ok bool) {
	if t.message, t.digest, ok = l.about.message(t.id, t.known); !ok {
		return false
	}
	if c, is := to.(selectiveSink); is && !c.Takes(t.message) {
		return false
	}
	b, is := to.(blindSink)
	if !is || t.known.Begun {
		return true
	}
	if t.message.Resolved { // the sink never heard of it
		l.note(ctx, t.id, func(d *delivery) bool { return d.take(nil, t.digest, true) })
		return false
	}
	if b.Tells(t.message) {
		l.note(ctx, t.id, func(d *delivery) bool { d.Begun = true; return true })
	}
	return true
}

// send sends the messages, as a batch if the sink can, each in the trace of its report.
func (l *lane) send(ctx context.Context, to Sink, all []attempt) (sent [][]report.Sent) {
	ms, spans := make([]sink.Message, len(all)), make([]trace.Span, len(all))
	for i, t := range all {
		ms[i] = t.message
		_, spans[i] = tracing.Continue(ctx, t.message.Report.Trace, "send to "+l.sinkName)
	}
	if m, is := to.(batchSink); is && len(ms) > 0 {
		sent = m.SendAll(ctx, ms)
	} else {
		for _, m := range ms {
			sent = append(sent, to.Send(ctx, m))
		}
	}
	for i, span := range spans {
		ended(span, sent[i])
	}
	return sent
}

// conclude records the outcome of one attempt.
func (l *lane) conclude(ctx context.Context, t attempt, sent []report.Sent) outcome {
	l.count(sent, t.item)
	if unsent(sent) && ctx.Err() != nil {
		return interrupted // says nothing about the sink; retried at the next start
	}
	l.note(ctx, t.id, func(d *delivery) bool {
		if d.Took == 0 && slices.ContainsFunc(sent, took) {
			d.Took = time.Since(t.since).Seconds()
		}
		begun := t.known.Begun || slices.ContainsFunc(sent, arrived)
		changed := d.take(sent, t.digest, t.message.Resolved) || d.Begun != begun
		d.Begun = begun
		return changed
	})
	if unsent(sent) {
		return failed
	}
	return accepted
}

// ended ends the span of a message with its outcome.
func ended(span trace.Span, sent []report.Sent) {
	var err error
	for _, s := range sent {
		if s.Status == report.SentFailed {
			err = errors.Join(err, errors.New(s.Error))
		}
	}
	tracing.End(span, err)
}

// at sets the place of outcomes.
func at(place string, sent []report.Sent) []report.Sent {
	for i := range sent {
		sent[i].Place = place
	}
	return sent
}

func took(s report.Sent) bool    { return s.Status == report.SentOK }
func arrived(s report.Sent) bool { return s.Status == report.SentOK || s.Arrived }

// take records the outcomes of a message. It reports whether anything changed.
func (d *delivery) take(sent []report.Sent, digest string, end bool) (changed bool) {
	d.Sent, changed = mergeSent(d.Sent, sent)
	if !unsent(sent) {
		changed = changed || d.Told != digest
		if end && !d.Over {
			d.Ends++
		}
		d.Told, d.Over = digest, end
	}
	return changed
}

// note updates the record of a delivery, even while culprit is stopping.
func (l *lane) note(ctx context.Context, id string, change func(*delivery) bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := l.book.update(ctx, id, l.name, change); err != nil {
		l.log.Error("The record of a write-back can't be stored yet; if culprit restarts before that, the write-back is repeated", "sink", l.name, "about", id, "err", err)
	}
}

func (l *lane) count(sent []report.Sent, e item) {
	for _, s := range sent {
		l.metrics.sends.WithLabelValues(s.Sink, s.Status).Inc()
		if s.Sink == sink.NameAnnotation && s.Status == report.SentOK && !e.received.IsZero() {
			l.metrics.toAnnotation.Observe(time.Since(e.received).Seconds())
		}
	}
}
