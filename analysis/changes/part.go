// SPDX-License-Identifier: Apache-2.0

package changes

import "slices"

// Part is a set of labels in which the KPI changed, as it was found by other methods.
// Comparing it with the other parts is a difference in differences: what all of them
// have is taken out.
type Part struct {
	Labels   []map[string]string // any of them
	Sure     float64             // 0: a guess, 1: likely, 2: certain
	Rollover bool                // it only took the place of another one, as each rollout does
	Whose    []map[string]string // of each of Labels, it and what goes without saying: an instance is of one service; nil: Labels
	Others   map[string][]string // the values of each label that were looked at
}

// Fit says how a part and a change go together.
type Fit int

// The ways in which they do.
const (
	Contradicts Fit = iota - 1 // what was changed was looked at, and is another part
	Unrelated
	Agrees // what was changed is the part
)

// fits compares a part with what was changed. Its version tells most: if the new one
// is the part, it is the change; if the old or a third one is, it isn't.
func (e *event) fits(p Part) Fit {
	fit := Unrelated
	for i, set := range p.Labels {
		switch e.fitsSet(set, p.whose(i), p.Others) {
		case Agrees:
			return Agrees
		case Contradicts:
			fit = Contradicts
		}
	}
	return fit
}

// whose is a set with what goes without saying.
func (p Part) whose(i int) map[string]string {
	if i < len(p.Whose) {
		return p.Whose[i]
	}
	return p.Labels[i]
}

func (e *event) fitsSet(set, whose map[string]string, others map[string][]string) Fit {
	here, theirs := 0, placeOf(whose)
	if theirs.same(e.place) && e.another(whose) {
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
