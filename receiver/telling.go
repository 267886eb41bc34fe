// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
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

// tell tells the sink what there is to tell under an id, and notes what became
// of it. asked is how long the server wants to be left alone.
func (l *lane) tell(ctx context.Context, id string, e errand) (_ outcome, asked time.Duration) {
	known := l.book.get(id, l.name)
	m, digest, ok := l.about.message(id, known)
	if !ok {
		return nothing, 0
	}
	to := l.current()
	if b, is := to.(blind); is && !known.Begun {
		if m.Resolved { // it never heard of it
			l.note(ctx, id, func(d *delivery) bool { return d.take(nil, digest, m.Resolved) })
			return nothing, 0
		}
		if b.Tells(m) {
			l.note(ctx, id, func(d *delivery) bool { d.Begun = true; return true })
		}
	}
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	sent := at(l.place, to.Send(sending, m))
	l.count(sent, e)
	if unsent(sent) && ctx.Err() != nil {
		return cut, 0 // that says nothing of the sink; the next start tells it
	}
	l.note(ctx, id, func(d *delivery) bool {
		if d.Took == 0 && slices.ContainsFunc(sent, took) {
			d.Took = time.Since(e.since).Seconds()
		}
		begun := known.Begun || slices.ContainsFunc(sent, arrived)
		changed := d.take(sent, digest, m.Resolved) || d.Begun != begun
		d.Begun = begun
		return changed
	})
	if !unsent(sent) {
		return taken, 0
	}
	for _, s := range sent {
		asked = max(asked, s.After)
	}
	return missed, asked
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
		l.log.Error("The record of a write-back can't be stored; after a restart it is sent again", "sink", l.name, "about", id, "err", err)
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
