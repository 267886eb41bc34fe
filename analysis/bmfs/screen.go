// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// screen keeps the limit most promising candidates: those on the forward path, then in turn the
// next one by correlation with the target, which finds those acting alone, by ridge
// coefficient, which finds those masked by others, and by correlation with the residual of the
// path, which finds weak ones. Ridge screening is reliable even among correlated candidates,
// and so is another look at the residual:
//
//	Wang and Leng, High dimensional ordinary least squares projection for
//	screening variables, J. R. Stat. Soc. B 78(3), 2016;
//	Fan and Lv, Sure independence screening for ultrahigh dimensional feature
//	space, J. R. Stat. Soc. B 70(5), 2008, section 4.
//
// It costs O(n^2 p).
func (d *design) screen(limit int) {
	take := make([]bool, d.p)
	left := limit
	enter := func(j int) {
		if !take[j] && left > 0 {
			take[j] = true
			left--
		}
	}
	first, rest := d.forward()
	for _, j := range first {
		enter(j)
	}
	turns := [][]int{
		ranking(d.correlations(d.t)), ranking(d.ridgeWeights()), ranking(d.correlations(rest)),
	}
	for i := 0; left > 0; i++ {
		for _, order := range turns {
			enter(order[i])
		}
	}
	offered := d.distinct(limit)
	d.restrict(take)
	d.kinds = math.Max(1, offered/d.distinct(limit))
}

// forward returns the best prefix of the forward path and its residual.
func (d *design) forward() (s []int, resid []float64) {
	e := newEBIC(d, make([]float64, d.p), float64(d.p))
	p := &path{columns: ranking(make([]float64, d.p))}
	e.start(p)
	_, s = e.walk(p)
	return s, d.basisOf(s).resid
}

// correlations returns the absolute correlations with r, up to its norm.
func (d *design) correlations(r []float64) []float64 {
	c := make([]float64, d.p)
	for j := range c {
		col := d.column(j)
		if norm := floats.Norm(col, 2); norm > 0 {
			c[j] = math.Abs(floats.Dot(col, r)) / norm
		}
	}
	return c
}

// ridgeWeights returns the absolute ridge coefficients times the columns' norms.
func (d *design) ridgeWeights() []float64 {
	w := ridgeSolve(d.x, d.t, 0.1*float64(d.n))
	for j := range w {
		w[j] = math.Abs(w[j]) * floats.Norm(d.column(j), 2)
	}
	return w
}

// ranking returns the indices of v, largest value first; ties keep their order.
func ranking(v []float64) []int {
	order := make([]int, len(v))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return descending(v[a], v[b]) })
	return order
}

// restrict drops the candidates that are not taken.
func (d *design) restrict(take []bool) {
	p := 0
	for j, ok := range take {
		if !ok {
			continue
		}
		copy(d.column(p), d.column(j))
		d.missing[p], d.kept[p] = d.missing[j], d.kept[j]
		d.center[p], d.unit[p] = d.center[j], d.unit[j]
		p++
	}
	d.p = p
	d.x = mat.DenseCopyOf(d.x.Slice(0, p, 0, d.n))
	d.missing, d.kept = d.missing[:p], d.kept[:p]
	d.center, d.unit, d.extra = d.center[:p], d.unit[:p], d.extra[:p]
	d.doubt = d.doubt[:p]
	d.gaps = slices.ContainsFunc(d.missing, func(rows []int) bool { return len(rows) > 0 })
}
