// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
)

// together is the time, in seconds, within which changes in one place are one event: a rollout,
// the restarts it causes, and the message of the tool that did it.
const together = 300

// mostAtOnce bounds the events in one place that a change is compared with.
const mostAtOnce = 32

// FromAlert is the source of a change that is the beginning of another alert.
const FromAlert = "alert"

// AlertBegan is the title for the beginning of an alert.
func AlertBegan(name string) string { return "alert " + name + " began" }

// event is one change, as reported by one or several sources.
type event struct {
	Change
	parts []Change // all reports of it, in order of time
	place place
	like  string // identifies earlier events of the same kind in the same place
}

// eventsOf merges reports of the same change, in order of time. Reports without a time are
// dropped.
func eventsOf(list []Change) []*event {
	sorted := slices.DeleteFunc(slices.Clone(list), func(c Change) bool { return math.IsNaN(c.At) || math.IsInf(c.At, 0) })
	slices.SortFunc(sorted, compare)
	var events []*event
	latest := map[string][]*event{} // by place
	for _, c := range sorted {
		p := placeOf(c.Labels)
		near := slices.DeleteFunc(latest[p.name], func(e *event) bool { return c.At-e.parts[0].At >= together })
		near = near[max(0, len(near)-mostAtOnce):]
		i := slices.IndexFunc(near, func(e *event) bool { return e.sameAs(c, p) })
		if i < 0 {
			e := &event{Change: c, parts: []Change{c}, place: p}
			events, near = append(events, e), append(near, e)
		} else {
			near[i].add(c)
		}
		latest[p.name] = near
	}
	return events
}

// compare orders changes by time; the remaining keys make the result independent of the input
// order.
func compare(a, b Change) int {
	if a.At != b.At {
		return cmp.Compare(a.At, b.At)
	}
	return cmp.Or(
		cmp.Compare(a.Title, b.Title), strings.Compare(textOf(a.Labels), textOf(b.Labels)),
		cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Until, b.Until), cmp.Compare(a.URL, b.URL),
	)
}

func textOf(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(name + "\x00" + labels[name] + "\x00")
	}
	return b.String()
}

// sameAs says whether a change in the same place is this event: not if both name different
// results, or if only one is an alert.
func (e *event) sameAs(c Change, p place) bool {
	switch {
	case (c.Source == FromAlert) != (e.Source == FromAlert), e.place.apart(p):
		return false
	case p.workload == "" || c.Source == FromAlert:
		return c.Title == e.Title && c.To == e.To
	}
	return c.To == "" || e.To == "" || c.To == e.To
}

// add keeps the more informative of two reports, which has a page, or from what to what. The
// event begins with the earliest report.
func (e *event) add(c Change) {
	e.parts = append(e.parts, c)
	at, labels := e.At, maps.Clone(c.Labels)
	reaction := e.Reaction || c.Reaction
	until, guessed, symptom := max(e.Until, c.Until), e.Guessed && c.Guessed, e.Symptom && c.Symptom
	if c.information() > e.information() {
		labels = e.Labels
		e.Change, c = c, e.Change
	}
	e.At, e.Until, e.Guessed, e.Symptom, e.Reaction, e.URL = at, until, guessed, symptom, reaction, cmp.Or(e.URL, c.URL)
	e.From, e.To = cmp.Or(e.From, c.From), cmp.Or(e.To, c.To)
	e.Series, e.Extent, e.Undone = cmp.Or(e.Series, c.Series), cmp.Or(e.Extent, c.Extent), e.Undone || c.Undone
	e.Labels = maps.Clone(e.Labels)
	for name, value := range labels { // what only the other report knows
		if _, ok := e.Labels[name]; !ok && value != "" && name != "pod" && name != "instance" {
			if e.Labels == nil {
				e.Labels = map[string]string{}
			}
			e.Labels[name] = value
		}
	}
	e.place = placeOf(e.Labels)
}

// information ranks a report by its information.
func (c Change) information() (n int) {
	for i, text := range []string{c.URL, c.Title, c.From, c.To} {
		if text != "" {
			n += 1 << i
		}
	}
	return n
}

// kind returns what was done, without numbers, versions and hashes, which differ each time.
func (e *event) kind() string {
	words := strings.FieldsFunc(strings.ToLower(e.Title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' })
	words = slices.DeleteFunc(words, func(w string) bool { return strings.ContainsFunc(w, unicode.IsDigit) })
	return strings.Join(words, " ")
}
