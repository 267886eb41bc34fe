// SPDX-License-Identifier: Apache-2.0

package changes

import "slices"

// Part is a label set in which the KPI changed, as found by other methods. Comparing it with
// the other parts is a difference in differences: what all have in common cancels.
type Part struct {
	Labels   []map[string]string // alternatives
	Places   int                 // how many of Labels, from the first on, changed side by side; 0 or 1: all name one place
	Sure     float64             // 0: a guess, 1: likely, 2: certain
	Rollover bool                // it only replaced another one, as in any rollout
	Whose    []map[string]string // each of Labels, extended by implied labels: an instance belongs to one service; nil: Labels
	Others   map[string][]string // label → values that were examined
}

// Fit says how a part relates to a change.
type Fit int

// The ways in which they do.
const (
	Contradicts Fit = iota - 1 // what was changed was examined, and is another part
	Unrelated
	Agrees // what was changed is the part
)

// fits compares a part with what was changed. The version decides most: a part that is the new
// version is the change; one that is the old or a third version is not.
// A change that was also made in parts that did not move does not single this one out, and one
// made in some of several places that moved side by side leaves the others unexplained.
func (e *event) fits(p Part) Fit {
	fit, agreed := Unrelated, 0
	for i, set := range p.Labels {
		switch e.fitsSet(set, p.implied(i), p.Others) {
		case Agrees:
			if agreed++; agreed >= p.Places && !e.wider(p, set) {
				return Agrees
			}
		case Contradicts:
			fit = Contradicts
		}
	}
	return fit
}

// implied returns a set with its implied labels.
func (p Part) implied(i int) map[string]string {
	if i < len(p.Whose) {
		return p.Whose[i]
	}
	return p.Labels[i]
}

func (e *event) fitsSet(set, whose map[string]string, others map[string][]string) Fit {
	here, theirs := 0, placeOf(whose)
	if theirs.same(e.place) && e.otherReplica(whose) {
		return Contradicts
	}
	for label, value := range set {
		changed := e.Labels[label]
		switch {
		case e.To != "" && value == e.To:
			here++
		case e.From != "" && value == e.From, changed != "" && changed != value && label != "pod" && label != "instance":
			return Contradicts
		case changed == value && label != "namespace" && label != "cluster":
			here++
		case e.From != "" && e.To != "" && slices.Contains(others[label], e.From) && slices.Contains(others[label], e.To):
			return Contradicts
		}
	}
	if here > 0 || theirs.workload != "" && theirs.same(e.place) {
		return Agrees
	}
	return Unrelated
}

// wider says that the change was made in a part of the same label, too, that is none of
// those found.
func (e *event) wider(p Part, set map[string]string) bool {
	for label := range set {
		found := func(value string) bool {
			return slices.ContainsFunc(p.Labels, func(set map[string]string) bool { return set[label] == value })
		}
		if slices.ContainsFunc(e.parts, func(c Change) bool { return c.Labels[label] != "" && !found(c.Labels[label]) }) &&
			slices.ContainsFunc(e.parts, func(c Change) bool { return c.Labels[label] == set[label] }) {
			return true
		}
	}
	return false
}
