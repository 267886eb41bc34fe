// SPDX-License-Identifier: Apache-2.0

package judge

import "math"

// Leaves is the number of leaves that have any volume.
func (t *Table) Leaves() int { return len(t.leaf) }

// Spread is the standard deviation of the total that the noise of the leaves
// adds up to. Where that is fitted with a model, it is of the middle of its grid.
func (t *Table) Spread() float64 { return t.spread(t.grid[len(t.grid)/2].Noise) }

func (t *Table) spread(n Noise) float64 {
	var s float64
	for i, m := range t.m {
		s += t.variance(n, i, m)
	}
	return math.Sqrt(s)
}

// centreBins is how many steps of d, from −2 to 2, [Table.Centre] tells apart.
const centreBins = 4000

// Centre is the factor of the middle leaf by weight, to a thousandth: that of
// all, if less than half of the table has another.
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

// Sets spells out choices of label values that a search has made, in its order:
// a leaf belongs to the first that has it. from is how many it chose from.
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

// Apart gives sets the leaves that belong to those that are left out no more: of
// each leaf the first that has it.
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

// under tells whether a leaf has the values of a set.
func (t *Table) under(s *Set, i int) bool {
	for k, d := range s.Dims {
		if t.codes[d][i] != s.Codes[k] {
			return false
		}
	}
	return true
}
