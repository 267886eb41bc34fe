// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"slices"
)

// Expansion is a set of candidates of which several stand for the same original: shifted
// copies, or its excess. Fit and attribute the expanded candidates, and merge those with the
// same origin.
type Expansion struct {
	X      [][]float64
	Origin []int // index of the original of each of X
}

// Lagged returns a copy of every candidate for each lag: at lag k the copy at sample i has the
// value at i-k. A positive lag lets the past explain the target; a negative one, as in the
// published method, allows for a candidate that is recorded late. Samples beyond the ends are
// missing. The copies of one candidate are adjacent, in the order of the lags; without lags
// each candidate is returned as it is.
func Lagged(x [][]float64, lags ...int) Expansion {
	if len(lags) == 0 {
		lags = []int{0}
	}
	var e Expansion
	for j, c := range x {
		for _, k := range lags {
			e.X, e.Origin = append(e.X, shift(c, k)), append(e.Origin, j)
		}
	}
	return e
}

func shift(c []float64, k int) []float64 {
	out := make([]float64, len(c))
	for i := range out {
		if out[i] = math.NaN(); i-k >= 0 && i-k < len(c) {
			out[i] = c[i-k]
		}
	}
	return out
}

// Hinged returns every candidate with its excess over its 90th percentile, to find those that
// act only, or more strongly, near their limit: a queue, a pool, a disk. A candidate without an
// excess stands alone.
func Hinged(x [][]float64) Expansion {
	var e Expansion
	for j, c := range x {
		e.X, e.Origin = append(e.X, c), append(e.Origin, j)
		knee, ok := percentile90(c)
		if !ok {
			continue
		}
		over := make([]float64, len(c))
		for i, v := range c {
			over[i] = v
			if usable(v) {
				over[i] = math.Max(0, v-knee)
			}
		}
		e.X, e.Origin = append(e.X, over), append(e.Origin, j)
	}
	return e
}

// percentile90 returns the linear 90th percentile of the usable values; false if it is their
// maximum.
func percentile90(c []float64) (float64, bool) {
	var s []float64
	for _, v := range c {
		if usable(v) {
			s = append(s, v)
		}
	}
	if len(s) < minRows {
		return 0, false
	}
	slices.Sort(s)
	at := 0.9 * float64(len(s)-1)
	i := int(at)
	knee := s[i] + (at-float64(i))*(s[i+1]-s[i])
	return knee, knee < s[len(s)-1]
}
