// SPDX-License-Identifier: Apache-2.0

package judge

import "math"

// Leaves returns the number of leaves with any volume.
func (t *Table) Leaves() int { return len(t.leaf) }

// Spread returns the standard deviation of the total, from the noise of the leaves. If κ is
// fitted with each model, it uses the middle of its grid.
func (t *Table) Spread() float64 { return t.spread(t.grid[len(t.grid)/2].Noise) }

func (t *Table) spread(n Noise) float64 {
	var s float64
	for i, m := range t.m {
		s += t.variance(n, i, m)
	}
	return math.Sqrt(s)
}

// centreBins is the resolution of [Table.Centre], in steps of d from −2 to 2.
const centreBins = 4000

// Centre returns the factor of the weighted median leaf, to a thousandth: that of most leaves,
// if less than half of the table has another.
func (t *Table) Centre() float64 {
	w := t.grid[0].w
	var bins [centreBins + 1]float64
	var all, sum float64
	for i, d := range t.d {
		bins[int(math.Round((min(max(d, -2), 2)+2)/4*centreBins))] += w[i]
		all += w[i]
	}
	if all == 0 {
		return 1
	}
	for k, x := range bins {
		if sum += x; sum >= all/2 {
			return factor(float64(k)/centreBins*4 - 2)
		}
	}
	return 1
}

// Sets builds sets from choices of label values, in order: a leaf belongs to the first choice
// that selects it. from is the number of choices considered.
func (t *Table) Sets(dims [][]int, codes [][]int32, from int) []Set {
	taken := make([]bool, len(t.leaf))
	sets := make([]Set, len(dims))
	for k := range dims {
		s := Set{Dims: dims[k], Codes: codes[k], price: Price(from)}
		for i := range t.leaf {
			if !t.under(&s, i) {
				continue
			}
			s.full = append(s.full, int32(i))
			if !taken[i] {
				s.leaves = append(s.leaves, int32(i))
				taken[i] = true
			}
		}
		sets[k] = s
	}
	return sets
}

// Apart reassigns leaves after sets were dropped: each leaf belongs to the first set that
// selects it.
func (t *Table) Apart(sets []Set) []Set {
	taken := make([]bool, len(t.leaf))
	out := make([]Set, len(sets))
	for k, s := range sets {
		s.leaves = nil
		for _, i := range s.full {
			if !taken[i] {
				s.leaves, taken[i] = append(s.leaves, i), true
			}
		}
		out[k] = s
	}
	return out
}

// under says whether a leaf has the values of a set.
func (t *Table) under(s *Set, i int) bool {
	for k, d := range s.Dims {
		if t.codes[d][i] != s.Codes[k] {
			return false
		}
	}
	return true
}
