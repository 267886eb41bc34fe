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
	sendTimeout   = 20 * time.Second // of one message to one sink
	recordTimeout = 2 * time.Second  // of noting what became of it
)

// blind is a sink that can't look up what it has told. Before it tells an
// incident for the first time that is written down, so that whoever was told
// of a fire is also told of its end, kill -9 or not.
type blind interface {
	// Tells says whether Send would tell the message.
	Tells(m sink.Message) bool
}

// many is a sink to which several messages are no more work than one.
type many interface {
	// SendAll sends messages and says of each what became of it.
	SendAll(ctx context.Context, ms []sink.Message) [][]report.Sent
}

// telling is an errand with what there is to tell.
type telling struct {
	errand
	at      int // its place among those that left together
	known   delivery
	message sink.Message
	digest  string
}

// tell tells the sink what there is to tell on errands, and notes what became
// of each. asked is how long the server wants to be left alone.
func (l *lane) tell(ctx context.Context, errands []errand) (outcomes []outcome, asked time.Duration) {
	outcomes = make([]outcome, len(errands)) // nothing, until told otherwise
	to := l.current()
	var all []telling
	for i, e := range errands {
		t := telling{errand: e, at: i, known: l.book.get(e.id, l.name)}
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

// prepare reads what there is to tell. It returns false if that is nothing.
func (l *lane) prepare(ctx context.Context, to Sink, t *telling) (ok bool) {
	if t.message, t.digest, ok = l.about.message(t.id, t.known); !ok {
		return false
	}
	b, is := to.(blind)
	if !is || t.known.Begun {
		return true
	}
	if t.message.Resolved { // it never heard of it
		l.note(ctx, t.id, func(d *delivery) bool { return d.take(nil, t.digest, true) })
		return false
	}
	if b.Tells(t.message) {
		l.note(ctx, t.id, func(d *delivery) bool { d.Begun = true; return true })
	}
	return true
}

// send sends all messages at once, to a sink that can do that, each in the trace of its
// report.
func (l *lane) send(ctx context.Context, to Sink, all []telling) (sent [][]report.Sent) {
	ms, spans := make([]sink.Message, len(all)), make([]trace.Span, len(all))
	for i, t := range all {
		ms[i] = t.message
		_, spans[i] = tracing.Continue(ctx, t.message.Report.Trace, "send to "+l.sinkName)
	}
	if m, is := to.(many); is && len(ms) > 0 {
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

// conclude notes what became of a message.
func (l *lane) conclude(ctx context.Context, t telling, sent []report.Sent) outcome {
	l.count(sent, t.errand)
	if unsent(sent) && ctx.Err() != nil {
		return cut // that says nothing of the sink; the next start tells it
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
		return missed
	}
	return taken
}

// ended ends the span of a message with what became of it.
func ended(span trace.Span, sent []report.Sent) {
	var err error
	for _, s := range sent {
		if s.Status == report.SentFailed {
			err = errors.Join(err, errors.New(s.Error))
		}
	}
	tracing.End(span, err)
}

// at says of outcomes where they were.
func at(place string, sent []report.Sent) []report.Sent {
	for i := range sent {
		sent[i].Place = place
	}
	return sent
}

func took(s report.Sent) bool    { return s.Status == report.SentOK }
func arrived(s report.Sent) bool { return s.Status == report.SentOK || s.Arrived }

// take notes the outcomes of a message. It says whether they tell anything new.
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

// note changes what is known of a delivery, also while culprit stops.
func (l *lane) note(ctx context.Context, id string, change func(*delivery) bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := l.book.update(ctx, id, l.name, change); err != nil {
		l.log.Error("The record of a write-back can't be stored yet; after a restart before it is, the write-back is made again", "sink", l.name, "about", id, "err", err)
	}
}

func (l *lane) count(sent []report.Sent, e errand) {
	for _, s := range sent {
		l.metrics.sends.WithLabelValues(s.Sink, s.Status).Inc()
		if s.Sink == sink.NameAnnotation && s.Status == report.SentOK && !e.received.IsZero() {
			l.metrics.toAnnotation.Observe(time.Since(e.received).Seconds())
		}
	}
}
