// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"maps"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/forecast"
	"github.com/culprit-dev/culprit/analysis/order"
)

// MethodPeers is the method of a finding from comparing a KPI with its peers. Its amounts are
// in the KPI's unit.
const MethodPeers = "peers"

// Limits for comparing the move of a series with that of the KPI.
const (
	stillLevel     = 0.02  // relative move that counts as none, as for a total
	movedAlong     = 0.5   // of the KPI's move, from which on a peer moved along
	stayedPut      = 0.25  // of the KPI's move, up to which a peer stayed
	minNoise       = 3.0   // multiple of its own noise from which on a series moved
	levelFloor     = 0.001 // of the KPI, added to all levels, so that going from nothing to next to nothing is no move
	mostAlike      = 0.75  // of the series must move along for all to count as moving alike
	mostOfGroup    = 0.9   // of the series of a label value must move along for it to be the place
	minRecentSteps = 12    // recent steps (an hour) needed to know the range of a series
	maxUnclear     = 0.25  // of the series may be unclear
)

// peers are a KPI and its siblings, each compared with its own past: sizes may differ widely,
// as those of volumes do.
type peers struct {
	breakdown *Breakdown
	own       int // leaf of the KPI
	expected  []float64
	made      forecast.Forecast
	relative  []float64 // move of each, relative to the KPI's
	course    []course
	still     bool // the KPI did not move
}

// course says whether a series moved as the KPI did.
type course int

const (
	stayed course = iota
	along
	unclear // it moved less, or noise hides whether it did
)

// newPeers compares the levels of a breakdown; nil if they can't be compared.
func newPeers(b *Breakdown) *peers {
	if b == nil || !b.Levels || b.Own == nil || b.Denominator != nil || len(b.Leaves) < 2 {
		return nil
	}
	made, err := forecast.Additive(b.Numerator, 0)
	own := slices.IndexFunc(b.Leaves, func(leaf []string) bool { return has(b.Labels, leaf, b.Own) })
	if err != nil || own < 0 {
		return nil
	}
	p := &peers{breakdown: b, own: own, made: made, expected: made.Expected}
	p.compare()
	return p
}

// actual returns the level of a leaf in the incident.
func (p *peers) actual(i int) float64 { return finite(p.breakdown.Numerator.Actual[i]) }

// compare classifies the move of each series.
func (p *peers) compare() {
	move := p.distance()
	own := move(p.own)
	noise := p.noise()
	hidden := func(i int, move float64) bool {
		return p.usual(i) || math.Abs(move) < minNoise*noise(i) && !p.outside(i)
	}
	p.still = math.Abs(own) < stillLevel || hidden(p.own, own)
	p.relative, p.course = make([]float64, len(p.expected)), make([]course, len(p.expected))
	if own == 0 {
		return
	}
	for i := range p.relative {
		m := move(i)
		p.relative[i] = m / own
		switch {
		case i == p.own, p.relative[i] >= movedAlong && !hidden(i, m):
			p.course[i] = along
		case p.relative[i] <= stayedPut, hidden(i, m) && math.Abs(own) >= minNoise*noise(i):
			p.course[i] = stayed
		default:
			p.course[i] = unclear
		}
	}
}

// distance returns the deviation of a leaf from its forecast: as a log ratio, because sizes
// differ, or as a difference if values are negative.
func (p *peers) distance() func(i int) float64 {
	little := levelFloor * max(p.expected[p.own], p.actual(p.own))
	below := little <= 0
	for i, e := range p.expected {
		below = below || e < 0 || p.actual(i) < 0
	}
	if below {
		largest := max(math.Abs(p.expected[p.own]), math.Abs(p.actual(p.own)), math.SmallestNonzeroFloat64)
		return func(i int) float64 { return (p.actual(i) - p.expected[i]) / largest }
	}
	return func(i int) float64 { return math.Log((p.actual(i) + little) / (p.expected[i] + little)) }
}

// noise returns the usual step-to-step variation of a leaf, on the scale of distance for small
// moves.
func (p *peers) noise() func(i int) float64 {
	return func(i int) float64 {
		steps := p.recent(i)
		if len(steps) < 3 {
			return 0
		}
		middle := order.Median(steps)
		if middle == 0 {
			return 0
		}
		return order.RobustSD(residuals(steps)) / math.Abs(middle) / math.Sqrt2
	}
}

// outside says whether a leaf left its recent range by more than the width of that range. With
// few events, most steps are 0, and noise measured as a ratio would hide any move.
func (p *peers) outside(i int) bool {
	steps := p.recent(i)
	if len(steps) < minRecentSteps {
		return false
	}
	low, high := slices.Min(steps), slices.Max(steps)
	return p.actual(i) > high+(high-low) || p.actual(i) < low-(high-low)
}

// usual says whether at least one in ten recent steps was as far out as now, as for a rare
// event that is at 0.
func (p *peers) usual(i int) bool {
	steps := p.recent(i)
	as := 0
	for _, step := range steps {
		if now := p.actual(i); now >= p.expected[i] && step >= now || now <= p.expected[i] && step <= now {
			as++
		}
	}
	return len(steps) >= minRecentSteps && 10*as >= len(steps)
}

// recent returns the known steps of a leaf before the incident.
func (p *peers) recent(i int) []float64 {
	var steps []float64
	for _, step := range p.breakdown.Numerator.Recent {
		if i < len(step) && present(step[i]) {
			steps = append(steps, step[i])
		}
	}
	return steps
}

// count returns how many series have a course.
func (p *peers) count(state course) int {
	n := 0
	for _, m := range p.course {
		if m == state {
			n++
		}
	}
	return n
}

// alike says whether most series moved as the KPI did.
func (p *peers) alike() bool {
	return !p.still && float64(p.count(along)) >= max(2, mostAlike*float64(len(p.course)))
}

// known says whether few enough series are unclear.
func (p *peers) known() bool {
	return !p.still && float64(p.count(unclear)) <= maxUnclear*float64(len(p.course))
}

// place returns the smallest label set of a leaf for which nearly all selected series moved
// along, and how many it selects.
func (p *peers) place(leaf int) (set map[string]string, selected int) {
	labels := p.breakdown.labelsByRank()
	for size := 1; size <= len(labels) && set == nil; size++ {
		for _, names := range subsets(labels, size) {
			these := p.values(leaf, names)
			if all, with := p.group(these); float64(with) >= mostOfGroup*float64(all) && all > selected {
				set, selected = these, all
			}
		}
	}
	return set, selected
}

// group counts the series that a set selects, and those of them that moved along.
func (p *peers) group(set map[string]string) (all, with int) {
	for i, leaf := range p.breakdown.Leaves {
		if has(p.breakdown.Labels, leaf, set) {
			all++
			if p.course[i] == along {
				with++
			}
		}
	}
	return all, with
}

// values returns a leaf's values of some labels.
func (p *peers) values(leaf int, names []string) map[string]string {
	set := map[string]string{}
	for i, name := range p.breakdown.Labels {
		if slices.Contains(names, name) {
			set[name] = p.breakdown.Leaves[leaf][i]
		}
	}
	return set
}

// mostPlaces is how many places of series that moved together are named.
const mostPlaces = 3

// places returns the places of the KPI and of what moved along, and how many series they
// select. It returns only the KPI's if there are too many.
func (p *peers) places() (sets []map[string]string, selected int) {
	first, n := p.place(p.own)
	sets, selected = []map[string]string{first}, n
	for i, leaf := range p.breakdown.Leaves {
		in := func(set map[string]string) bool { return has(p.breakdown.Labels, leaf, set) }
		if p.course[i] != along || slices.ContainsFunc(sets, in) {
			continue
		}
		if len(sets) == mostPlaces {
			return sets[:1], n
		}
		set, more := p.place(i)
		sets, selected = append(sets, set), selected+more
	}
	return sets, selected
}

// same returns other sets of equal size that select the same series.
func (p *peers) same(set map[string]string) []map[string]string {
	var sets []map[string]string
	all, _ := p.group(set)
	for _, names := range subsets(p.breakdown.labelsByRank(), len(set)) {
		other := p.values(p.own, names)
		both := maps.Clone(set)
		maps.Copy(both, other)
		n, _ := p.group(other)
		if m, _ := p.group(both); n == all && m == all && !maps.Equal(set, other) {
			sets = append(sets, other)
		}
	}
	return sets
}

// uniqueLabels returns the labels that the leaves are not split by, for which the KPI's own leaf has
// one value that no other leaf has.
func (b *Breakdown) uniqueLabels() []map[string]string {
	var sets []map[string]string
	for _, name := range byRank(slices.Sorted(maps.Keys(b.Here))) {
		if values := b.Here[name]; len(values) == 1 {
			sets = append(sets, map[string]string{name: values[0]})
		}
	}
	return sets
}

// placed adds to a set found within a KPI the labels that identify the KPI, unless it already
// does.
func (t Target) placed(set map[string]string) map[string]string {
	if t.Beside == nil {
		return set
	}
	for name, v := range set {
		if slices.Contains(t.Beside.Here[name], v) {
			return set
		}
	}
	maps.Copy(set, t.within)
	return set
}

// subsets returns all choices of size names, in order.
func subsets(names []string, size int) [][]string {
	if size == 0 {
		return [][]string{nil}
	}
	var all [][]string
	for i := range names {
		for _, rest := range subsets(names[i+1:], size-1) {
			all = append(all, append([]string{names[i]}, rest...))
		}
	}
	return all
}
