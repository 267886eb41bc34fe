// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"
	"time"
)

// Handled is what Alertmanager did with an alert, from its event recorder: whom it notified, and
// what muted the alert. It says when people were notified, not why the alert fires, so it is never
// a cause. It is looked up when a report is read, and not stored with it.
type Handled struct {
	What    What      `json:"what"`
	First   time.Time `json:"first"` // First and Last were observed; nothing is claimed about the time between
	Last    time.Time `json:"last"`
	Times   int       `json:"times,omitempty"`   // number of notifications
	By      string    `json:"by"`                // receiver and integration; author of the silence; or inhibition rule
	Comment string    `json:"comment,omitempty"` // of the silence
	Until   time.Time `json:"until,omitzero"`    // planned end of the silence; that it was ended earlier is not recorded
	Source  string    `json:"source,omitempty"`  // fingerprint of the inhibiting alert
	Alert   string    `json:"alert,omitempty"`   // its name, if it has a report
}

// What is what Alertmanager did.
type What string

// The kinds of facts.
const (
	Notified  What = "notified"
	Silenced  What = "silenced"
	Inhibited What = "inhibited"
)

const (
	maxHandledText = 300       // bytes
	maxHandled     = 20        // per report
	handledBefore  = time.Hour // what muted an alert just before it began explains why people hear of it now
)

// Bounded reduces the texts, which are foreign, to short single lines.
func (h Handled) Bounded() Handled {
	h.By, h.Comment = cut(clean(h.By), maxHandledText), cut(clean(h.Comment), maxHandledText)
	return h
}

// HandledIn selects what was done during a report's alert, in order of its start, with
// notifications of one receiver merged.
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

// within restricts First and Last to a time range; to is nil while it lasts.
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

// addHandled adds an entry, merging notifications of one receiver.
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
