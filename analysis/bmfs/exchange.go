// SPDX-License-Identifier: Apache-2.0

package bmfs

import "slices"

// improve changes a selection by one column at a time, by adding, dropping or replacing one,
// always with the largest decrease of the criterion, until no change lowers it. A path can't do
// that: a column taken first because it stood for two causes at once stays when both of them
// are in.
//
//	Miller, Subset Selection in Regression, 2nd ed., Chapman & Hall 2002,
//	section 3.6 (sequential replacement).
func (e *ebic) improve(s []int) []int {
	for value := e.criterion(s, e.d.basisOf(s).rss()); ; {
		next, lower := e.bestChange(s)
		if lower > value-roundingGain {
			return s
		}
		s, value = next, lower
	}
}

// roundingGain is a decrease of the criterion that may be rounding: smaller changes could
// cycle.
const roundingGain = 1e-9

// bestChange returns the selection with the smallest criterion among those that differ from s
// by one change.
func (e *ebic) bestChange(s []int) (best []int, value float64) {
	best, value = s, e.criterion(s, e.d.basisOf(s).rss())
	consider := func(to []int, rss float64) {
		if v := e.criterion(to, rss); v < value {
			best, value = to, v
		}
	}
	if len(s) < e.limit {
		if j, rss := e.bestColumn(e.d.basisOf(s), s); j >= 0 {
			consider(append(slices.Clone(s), j), rss)
		}
	}
	for i := range s {
		rest := without(s, i)
		b := e.d.basisOf(rest)
		consider(rest, b.rss())
		if j, rss := e.bestColumn(b, s); j >= 0 {
			consider(append(slices.Clone(rest), j), rss)
		}
	}
	return best, value
}

// bestColumn returns the column outside s that leaves the smallest residual beside a basis, -1
// if there is none. The gain of column c is (c'r)^2 over its squared norm outside the span, and
// r is orthogonal to the span already: two products with all columns at once instead of
// projecting each.
func (e *ebic) bestColumn(b *basis, s []int) (at int, rss float64) {
	outside, dots := make([]float64, e.d.p), make([]float64, e.d.p)
	for j, norm := range e.norm {
		outside[j] = norm * norm
	}
	for _, q := range b.q {
		mul(dots, e.d.x, q)
		for j, v := range dots {
			outside[j] -= v * v
		}
	}
	mul(dots, e.d.x, b.resid)
	at = -1
	most := 0.0
	for j, v := range dots {
		if outside[j] <= nearCopy*nearCopy*e.norm[j]*e.norm[j] || slices.Contains(s, j) {
			continue
		}
		if g := v * v / outside[j]; g > most {
			at, most = j, g
		}
	}
	return at, b.rss() - most
}
