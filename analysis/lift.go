// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/localize"
)

// Parts of a whole are never negative, but a difference, a temperature or a remaining budget
// may be. To find which part moved, each part is raised by its own minimum, before and in the
// incident alike, and results are lowered again for display. A ratio is raised as a whole, by a
// multiple of its denominator.

// lift is how far the kernels' values are above the real ones.
type lift struct { // additive measure: leaf of the breakdown → amount
	leaves []float64 // ratio: multiple of the denominator
	rate   float64   // of a ratio: times the denominator
}

// liftFactor is the multiple of its minimum by which a part is raised: a part at its minimum in
// the incident must not look vanished.
const liftFactor = 2

// raise raises the parts of l above zero; it returns nil if none is negative. Marginals stay
// as they are, because their totals would differ between labels.
func (l *location) raise() *lift {
	b := l.breakdown
	if len(b.Marginals) > 0 {
		return nil
	}
	num := all(b.Numerator)
	if b.Denominator == nil {
		return l.liftLeaves(num)
	}
	rate := 0.0
	for i, den := range all(*b.Denominator) {
		for leaf := range den {
			if n, d := at(num, i, leaf), den[leaf]; n < 0 && d > 0 {
				rate = max(rate, -liftFactor*n/d)
			}
		}
	}
	if rate == 0 {
		return nil
	}
	raised := *b
	below := all(*b.Denominator)
	raised.Numerator = each(b.Numerator, func(piece, leaf int, v float64) float64 {
		return max(0, v+rate*zeroIfMissing(at(below, piece, leaf)))
	})
	l.breakdown = &raised
	return &lift{rate: rate}
}

func (l *location) liftLeaves(num [][]float64) *lift {
	by := make([]float64, len(l.breakdown.Leaves))
	for _, piece := range num {
		for leaf, v := range piece {
			if v < 0 { // max would propagate NaN
				by[leaf] = max(by[leaf], -liftFactor*v)
			}
		}
	}
	if slices.Max(by) <= 0 {
		return nil
	}
	raised := *l.breakdown
	raised.Numerator = each(raised.Numerator, func(_, leaf int, v float64) float64 { return v + by[leaf] })
	l.breakdown = &raised
	return &lift{leaves: by}
}

// all returns the pieces of a measure, always in the same order.
func all(p Pieces) [][]float64 {
	return slices.Concat([][]float64{p.Actual, p.Day, p.Hour, p.Baseline, p.Forecast}, p.Recent, p.Profile, p.Level)
}

// each returns pieces with every known value mapped by f.
func each(p Pieces, f func(piece, leaf int, v float64) float64) Pieces {
	k := -1
	one := func(piece []float64) []float64 {
		k++
		out := slices.Clone(piece)
		for leaf, v := range out {
			if !math.IsNaN(v) {
				out[leaf] = f(k, leaf, v)
			}
		}
		return out
	}
	many := func(pieces [][]float64) [][]float64 {
		out := slices.Clone(pieces)
		for i := range out {
			out[i] = one(out[i])
		}
		return out
	}
	return Pieces{
		Actual: one(p.Actual), Day: one(p.Day), Hour: one(p.Hour), Baseline: one(p.Baseline), Forecast: one(p.Forecast),
		Recent: many(p.Recent), Profile: many(p.Profile), Level: many(p.Level),
	}
}

// at returns one value of the pieces, 0 if there is none.
func at(pieces [][]float64, i, leaf int) float64 {
	if i >= len(pieces) || leaf >= len(pieces[i]) {
		return 0
	}
	return pieces[i][leaf]
}

func zeroIfMissing(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// liftOf returns the total lift of the selected leaves.
func (l *location) liftOf(selects func(leaf []string) bool) float64 {
	if l.lift == nil {
		return 0
	}
	sum := 0.0
	for i, leaf := range l.breakdown.Leaves {
		if !selects(leaf) {
			continue
		}
		if l.lift.rate == 0 {
			sum += l.lift.leaves[i] * l.scale.Window
			continue
		}
		sum += l.lift.rate * zeroIfMissing(l.breakdown.Denominator.Actual[i]) * l.scale.Window
	}
	return sum
}

// unlift lowers a result to the real values.
func (l *location) unlift(r localize.Result) localize.Result {
	if l.lift == nil {
		return r
	}
	if l.lift.rate > 0 {
		r.RatioBefore, r.RatioNow = r.RatioBefore-l.lift.rate, r.RatioNow-l.lift.rate
	}
	by := l.liftOf(func([]string) bool { return true })
	r.Forecast, r.Actual = r.Forecast-by, r.Actual-by
	r.Causes, r.Dimensions = l.unliftCauses(r.Causes), l.unliftDimensions(r.Dimensions)
	return r
}

func (l *location) unliftCauses(causes []localize.Cause) []localize.Cause {
	causes = slices.Clone(causes)
	for i, c := range causes {
		sets := make([]map[string]string, len(c.Combinations))
		for k, combination := range c.Combinations {
			sets[k] = l.labels(combination)
		}
		by := l.liftOf(func(leaf []string) bool {
			return slices.ContainsFunc(sets, func(set map[string]string) bool { return has(l.breakdown.Labels, leaf, set) })
		})
		causes[i].Forecast, causes[i].Actual, causes[i].Ratio = c.Forecast-by, c.Actual-by, 0
	}
	return causes
}

func (l *location) unliftDimensions(dimensions []localize.Dimension) []localize.Dimension {
	dimensions = slices.Clone(dimensions)
	for i, d := range dimensions {
		dimensions[i].Elements = slices.Clone(d.Elements)
		for k, e := range d.Elements {
			set := map[string]string{l.names[d.Label]: l.value(d.Label, e.ID)}
			by := l.liftOf(func(leaf []string) bool { return has(l.breakdown.Labels, leaf, set) })
			dimensions[i].Elements[k].Forecast, dimensions[i].Elements[k].Actual = e.Forecast-by, e.Actual-by
		}
	}
	return dimensions
}
