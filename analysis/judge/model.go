// SPDX-License-Identifier: Apache-2.0

package judge

import "math"

// Set is a choice of label values, and the leaves that it explains.
type Set struct {
	Dims  []int   // labels, ascending
	Codes []int32 // their values

	leaves []int32 // of the table, not taken by an earlier set
	full   []int32 // all leaves of the table with these values
	price  float64
}

// fit is a model with its best-fitting noise.
type fit struct {
	cost  float64
	noise *noise
	rest  []int32   // leaves of the background
	back  float64   // d of the background; 0: it stood still
	d     []float64 // of each set

	values [][]sums // for a large table: label → value → sums of the background
}

// fit returns the cheapest model of some sets: with the noise that minimises the cost, and with
// a moving background if that is worth its price.
func (t *Table) fit(sets []Set) fit {
	group := make([]int, len(t.leaf))
	prices := 0.0
	for j := len(sets) - 1; j >= 0; j-- {
		for _, i := range sets[j].leaves {
			group[i] = j + 1
		}
		prices += sets[j].price
	}
	var best fit
	for k := range t.grid {
		if f := t.fitAt(&t.grid[k], group, len(sets)); k == 0 || f.cost+prices < best.cost {
			best = f
			best.cost += prices
		}
	}
	best.rest = make([]int32, 0, len(group))
	for i, g := range group {
		if g == 0 {
			best.rest = append(best.rest, int32(i))
		}
	}
	return best
}

// fitAt returns the model for one noise, without the price of its sets. Group 0 is the
// background.
func (t *Table) fitAt(n *noise, group []int, sets int) fit {
	b, c := make([]float64, sets+1), make([]float64, sets+1)
	out := fit{noise: n, cost: n.logs + n.prior, d: make([]float64, sets)}
	for i, g := range group {
		wd := n.w[i] * t.d[i]
		b[g] += n.w[i]
		c[g] += wd
		out.cost += wd * t.d[i]
	}
	for j := range sets {
		if b[j+1] > 0 {
			out.cost -= c[j+1] * c[j+1] / b[j+1]
			out.d[j] = c[j+1] / b[j+1]
		}
	}
	if b[0] > 0 && c[0]*c[0]/b[0] > backgroundPrice {
		out.cost -= c[0]*c[0]/b[0] - backgroundPrice
		out.back = c[0] / b[0]
	}
	return out
}

// sums are the terms of some leaves for one noise.
type sums struct {
	n, own  int     // leaves, and those of the judged set
	w, c, z float64 // Σw, Σwd, Σwd²
}

func (s *sums) add(w, d float64) {
	s.n++
	s.w += w
	s.c += w * d
	s.z += w * d * d
}

func (s *sums) join(o sums) {
	s.n += o.n
	s.w += o.w
	s.c += o.c
	s.z += o.z
}

// sums adds up leaves.
func (t *Table) sums(n *noise, leaves []int32) sums {
	var s sums
	for _, i := range leaves {
		s.add(n.w[i], t.d[i])
	}
	return s
}

// gain returns the deviance explained by one common d.
func (s sums) gain() float64 {
	if s.w <= 0 {
		return 0
	}
	return s.c * s.c / s.w
}

// homogeneity returns the share of their own deviance that one d explains, corrected for noise.
func (s sums) homogeneity() float64 {
	q := s.gain()
	return min(max((q-1)/max(s.z-float64(s.n-1), q, math.SmallestNonzeroFloat64), 0), 1)
}
