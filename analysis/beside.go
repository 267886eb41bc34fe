// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"maps"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/forecast"
	"github.com/culprit-dev/culprit/analysis/order"
)

// MethodPeers is the method of a finding for which a KPI was compared with others
// like it. Its amounts are in the unit of the KPI.
const MethodPeers = "peers"

// Limits of what it means that one series moved as another did.
const (
	stillLevel = 0.02  // relative move that is none, as of a total
	asFar      = 0.5   // of the move of the KPI, from which on another one moved along
	notAsFar   = 0.25  // of it, up to which another one stayed
	beyond     = 3.0   // times its own noise, from which on a series moved
	ofLargest  = 0.001 // share of the KPI that is added to all levels, so that from nothing to next to nothing is no move
	allAlike   = 0.75  // of the series, that move along where all are said to
	allOfGroup = 0.9   // of the series of a label value, that move along where its place is it
	leastKnown = 12    // recent steps, an hour, that tell what a series reaches
	mostOpen   = 0.25  // of the series, of which it may not be known whether they moved
)

// peers are a KPI and the series beside it, each compared with its own past:
// they may be of very different size, as a small volume beside a large one.
type peers struct {
	breakdown *Breakdown
	own       int // the leaf that is the KPI, or that the KPI is
	expected  []float64
	made      forecast.Forecast
	far       []float64 // how far each moved, in parts of the move of the KPI
	course    []course
	still     bool // the KPI did not move
}

// course is whether a series moved as the KPI did.
type course int

const (
	stayed course = iota
	along
	unclear // it moved less, or its noise hides whether it did
)

// newPeers compares the levels of a breakdown; nil if that can't be done.
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

// actual is the level of a leaf in the incident.
func (p *peers) actual(i int) float64 { return finite(p.breakdown.Numerator.Actual[i]) }

// compare measures how far each has moved.
func (p *peers) compare() {
	move := p.distance()
	own := move(p.own)
	noise := p.noise()
	hidden := func(i int, move float64) bool {
		return p.usual(i) || math.Abs(move) < beyond*noise(i) && !p.outside(i)
	}
	p.still = math.Abs(own) < stillLevel || hidden(p.own, own)
	p.far, p.course = make([]float64, len(p.expected)), make([]course, len(p.expected))
	if own == 0 {
		return
	}
	for i := range p.far {
		m := move(i)
		p.far[i] = m / own
		switch {
		case i == p.own, p.far[i] >= asFar && !hidden(i, m):
			p.course[i] = along
		case p.far[i] <= notAsFar, hidden(i, m) && math.Abs(own) >= beyond*noise(i):
			p.course[i] = stayed
		default:
			p.course[i] = unclear
		}
	}
}

// distance returns how far a leaf went from what was expected: on a scale of
// factors, since each has its own size, or, where values are below zero, as they are.
func (p *peers) distance() func(i int) float64 {
	little := ofLargest * max(p.expected[p.own], p.actual(p.own))
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

// noise returns how far a leaf usually goes within minutes, as distance measures
// it for small moves.
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

// outside says whether a leaf went farther beyond all that it recently was than that
// is apart. Of few events most steps have none, and their noise, by factors, would hide
// whatever comes.
func (p *peers) outside(i int) bool {
	steps := p.recent(i)
	if len(steps) < leastKnown {
		return false
	}
	low, high := slices.Min(steps), slices.Max(steps)
	return p.actual(i) > high+(high-low) || p.actual(i) < low-(high-low)
}

// usual says whether a leaf was as far as now in one of ten recent steps, as what has
// few events is at nothing.
func (p *peers) usual(i int) bool {
	steps := p.recent(i)
	as := 0
	for _, step := range steps {
		if now := p.actual(i); now >= p.expected[i] && step >= now || now <= p.expected[i] && step <= now {
			as++
		}
	}
	return len(steps) >= leastKnown && 10*as >= len(steps)
}

// recent are the steps of a leaf before the incident.
func (p *peers) recent(i int) []float64 {
	var steps []float64
	for _, step := range p.breakdown.Numerator.Recent {
		if i < len(step) && present(step[i]) {
			steps = append(steps, step[i])
		}
	}
	return steps
}

// count is how many are in a state.
func (p *peers) count(state course) int {
	n := 0
	for _, m := range p.course {
		if m == state {
			n++
		}
	}
	return n
}

// alike says that most moved as the KPI did.
func (p *peers) alike() bool {
	return !p.still && float64(p.count(along)) >= max(2, allAlike*float64(len(p.course)))
}

// known says whether of enough others it is known that they stayed.
func (p *peers) known() bool {
	return !p.still && float64(p.count(unclear)) <= mostOpen*float64(len(p.course))
}

// place are the fewest labels of a leaf by which all that is selected moved along,
// and how many that are.
func (p *peers) place(leaf int) (set map[string]string, selected int) {
	labels := p.breakdown.byTelling()
	for size := 1; size <= len(labels) && set == nil; size++ {
		for _, names := range subsets(labels, size) {
			these := p.values(leaf, names)
			if all, with := p.group(these); float64(with) >= allOfGroup*float64(all) && all > selected {
				set, selected = these, all
			}
		}
	}
	return set, selected
}

// group counts the series that have the values of a set, and those of them that
// moved along.
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

// values are a leaf's values of some labels.
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

// places are those of the KPI and of what moved along, if they are few, and how
// many series they select.
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

// same are other sets of as few labels that select the same series as a set does.
func (p *peers) same(set map[string]string) []map[string]string {
	var sets []map[string]string
	all, _ := p.group(set)
	for _, names := range subsets(p.breakdown.byTelling(), len(set)) {
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

// alone are the labels below those of the leaves of which the KPI's own leaf has
// one value, that no other has.
func (b *Breakdown) alone() []map[string]string {
	var sets []map[string]string
	for _, name := range byTelling(slices.Sorted(maps.Keys(b.Here))) {
		if values := b.Here[name]; len(values) == 1 {
			sets = append(sets, map[string]string{name: values[0]})
		}
	}
	return sets
}

// placed adds to a set that was found inside of a KPI the labels that tell which
// KPI, unless it tells that by itself.
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

// subsets are all choices of so many names, in their order.
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
