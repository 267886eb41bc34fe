// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// Model is the judgement on some sets: what they are worth, and what the rest did.
type Model struct {
	Cost   float64 // −2 ln likelihood, without constants, and prices
	Noise  Noise   // the best fit
	Spread float64 // standard deviation of the total under that noise
	Sets   []Judged

	Rest       []int32 // leaves that no set explains
	Background float64 // their common factor; 1: they stood still
	Alike      bool    // the background also moved without the heaviest value of each label
}

// Judged is a set and how far it can be trusted.
type Judged struct {
	Set
	Leaves []int32 // leaves that it explains, ascending
	Ratio  float64 // actual / forecast common to its leaves
	Gain   float64 // deviance explained by that
	Gap    float64 // gain over the best rival's, prices included
	Rival  float64 // the best rival's gain as a share of Gain
	R2     float64 // homogeneity: share of its own deviance that one factor explains
	Bar    float64 // its price
	Plain  bool    // no other choice of values could be meant
}

// Judge compares sets, from any search, with all rivals.
//
// A rival is a set that shares leaves with the judged one: a value of another label, a wider or
// a narrower choice. The leaves of the other sets are ignored for it.
func (t *Table) Judge(sets []Set) Model {
	f := t.fit(sets)
	m := Model{
		Cost: f.cost, Noise: f.noise.Noise, Spread: t.spread(f.noise.Noise), Background: factor(f.back),
		Alike: f.back != 0 && t.alike(f), Rest: gather(t.leaf, f.rest),
	}
	more := t.excess(f)
	if !t.isSmall() && len(sets) > 0 {
		for d := range t.codes {
			f.values = append(f.values, t.byValue(d, f.rest, f.noise))
		}
	}
	for j := range sets {
		m.Sets = append(m.Sets, t.judged(&sets[j], f, f.d[j], more))
	}
	return m
}

// wellKnown is the number of leaves from which on bands of size determine the noise well. With
// a few dozen leaves it may be underestimated by half.
const wellKnown = 2000

// medianSquare is the median of the square of a standard normal variate.
const medianSquare = 0.4549

// excess returns by what factor the unexplained leaves vary more than a large table's noise
// model says; 1: they don't.
func (t *Table) excess(f fit) float64 {
	if len(t.leaf) <= Small || len(t.leaf) >= wellKnown || len(f.rest) == 0 {
		return 1
	}
	z := make([]float64, len(f.rest))
	for k, i := range f.rest {
		d := t.d[i] - f.back
		z[k] = f.noise.w[i] * d * d
	}
	return max(1, order.MedianInPlace(z)/medianSquare)
}

// factor converts a deviation to a ratio of actual to forecast.
func factor(d float64) float64 { return (2 + d) / max(2-d, nearlyEqual) }

// judged judges a set. more is the factor from excess.
func (t *Table) judged(s *Set, f fit, d, more float64) Judged {
	own := t.sums(f.noise, s.leaves)
	out := Judged{
		Set: *s, Leaves: gather(t.leaf, s.leaves), Ratio: factor(d),
		Gain: own.gain(), R2: own.homogeneity(), Bar: s.price,
	}
	out.Plain = t.unambiguous(s, f)
	rival := t.rival(s, f) / more
	out.Gain /= more
	out.Gap = out.Gain - rival
	if out.Gain > 0 {
		out.Rival = rival / out.Gain
	}
	return out
}

// rival returns the gain of the best other set that shares leaves with this one.
func (t *Table) rival(s *Set, f fit) float64 {
	if !t.isSmall() {
		return t.closeRivals(s, f)
	}
	near := slices.Concat(s.leaves, f.rest)
	var top float64
	for k := range t.cuboids {
		c := &t.cuboids[k]
		shared := make([]bool, c.size)
		for _, i := range s.leaves {
			shared[c.cell[i]] = true
		}
		parts := make([]sums, c.size)
		for at, i := range near {
			if j := c.cell[i]; shared[j] {
				parts[j].add(f.noise.w[i], t.d[i])
				if at < len(s.leaves) {
					parts[j].own++
				}
			}
		}
		for j := range parts {
			if p := &parts[j]; p.n > 0 && (p.own < p.n || p.own < len(s.leaves)) {
				top = max(top, p.gain()-c.price+s.price)
			}
		}
	}
	return top
}

// minZ is how many standard deviations make a move.
const minZ = 3

// alike says whether the rest visibly moved by one factor: without the heaviest value of each
// label, the remainder moved significantly, and by as much.
func (t *Table) alike(f fit) bool {
	labels := 0
	for d := range t.codes {
		rest := t.withoutHeaviest(d, f)
		if rest == nil {
			continue // a label with one value says nothing
		}
		labels++
		s := t.sums(f.noise, rest)
		if s.w <= 0 || s.gain() < minZ*minZ || math.Abs(s.c/s.w-f.back) > max(math.Abs(f.back)/4, 2/math.Sqrt(s.w)) {
			return false
		}
	}
	return labels > 0
}

// withoutHeaviest returns the leaves of the background without those of the heaviest value. It
// is nil for a label with a single value.
func (t *Table) withoutHeaviest(d int, f fit) []int32 {
	weights, several := make([]float64, t.cards[d]), false
	for _, i := range f.rest {
		weights[t.codes[d][i]] += f.noise.w[i]
	}
	for _, c := range t.codes[d] {
		several = several || c != t.codes[d][0]
	}
	if !several {
		return nil
	}
	heaviest := int32(0)
	for c, w := range weights {
		if w > weights[heaviest] {
			heaviest = int32(c)
		}
	}
	rest := make([]int32, 0, len(f.rest))
	for _, i := range f.rest {
		if t.codes[d][i] != heaviest {
			rest = append(rest, i)
		}
	}
	return rest
}

// Other returns the background as a set, if one choice of values selects all of it and nothing
// besides what the other sets took: of two halves of a swap, the one that the model calls the
// rest.
func (t *Table) Other(sets []Set) (Set, bool) {
	rest := t.fit(sets).rest
	if len(rest) == 0 {
		return Set{}, false
	}
	for k := range t.cuboids {
		c := &t.cuboids[k]
		if slices.ContainsFunc(rest, func(i int32) bool { return c.cell[i] != c.cell[rest[0]] }) {
			continue
		}
		s := Set{Dims: c.dims, leaves: rest, full: rest, price: c.price}
		for _, d := range s.Dims {
			s.Codes = append(s.Codes, t.codes[d][rest[0]])
		}
		return s, true
	}
	return Set{}, false
}
