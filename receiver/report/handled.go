// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"
	"time"
)

// Handled is what Alertmanager did with an alert, as its event recorder tells: whom
// it notified, and what kept it from that. It says when people were told and never
// why the alert fires, so it is no cause. It is looked up when a report is read,
// and not kept with it.
type Handled struct {
	What    What      `json:"what"`
	First   time.Time `json:"first"` // both moments were observed; nothing is claimed of what lies between
	Last    time.Time `json:"last"`
	Times   int       `json:"times,omitempty"`   // notifications
	By      string    `json:"by"`                // the receiver and its integration; who made the silence; the inhibition rule
	Comment string    `json:"comment,omitempty"` // of the silence
	Until   time.Time `json:"until,omitzero"`    // to which the silence was set. That it was ended before is not recorded
	Source  string    `json:"source,omitempty"`  // fingerprint of the alert that inhibited it
	Alert   string    `json:"alert,omitempty"`   // its name, if there is a report about it
}

// What is what Alertmanager did.
type What string

// What it can be.
const (
	Notified  What = "notified"
	Silenced  What = "silenced"
	Inhibited What = "inhibited"
)

const (
	maxHandledText = 300       // bytes
	maxHandled     = 20        // of one report
	handledBefore  = time.Hour // what muted an alert just before it began tells why people hear of it now
)

// Bounded makes single, short lines of the texts, which others have written.
func (h Handled) Bounded() Handled {
	h.By, h.Comment = cut(clean(h.By), maxHandledText), cut(clean(h.Comment), maxHandledText)
	return h
}

// HandledIn chooses from all that was done with an alert what was done in the time
// of its report, in the order in which it began. Notifications of one receiver are
// one.
func HandledIn(r Report, all []Handled) (list []Handled) {
	for _, h := range all {
		from := r.Alert.StartsAt
		if h.What != Notified {
			from = from.Add(-handledBefore)
		}
		if h, ok := h.within(from, r.ResolvedAt); ok {
			list = addHandled(list, h)
		}
	}
	slices.SortFunc(list, func(a, b Handled) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.What, b.What), cmp.Compare(a.By, b.By), cmp.Compare(a.Source, b.Source))
	})
	return list[max(0, len(list)-maxHandled):]
}

// within keeps those of the two moments that lie in a time; to is nil while it lasts.
func (h Handled) within(from time.Time, to *time.Time) (Handled, bool) {
	in := func(t time.Time) bool { return !t.Before(from) && (to == nil || !t.After(*to)) }
	switch {
	case !in(h.First) && !in(h.Last):
		return h, false
	case !in(h.First):
		h.First = h.Last
	case !in(h.Last):
		h.Last = h.First
	}
	return h, true
}

// addHandled counts a notification among those of the same receiver.
func addHandled(list []Handled, h Handled) []Handled {
	at := slices.IndexFunc(list, func(l Handled) bool { return h.What == Notified && l.What == Notified && l.By == h.By })
	if at < 0 {
		return append(list, h)
	}
	known := &list[at]
	known.Times += h.Times
	if h.First.Before(known.First) {
		known.First = h.First
	}
	if h.Last.After(known.Last) {
		known.Last = h.Last
	}
	return list
}
