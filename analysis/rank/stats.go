// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/culprit-dev/culprit/analysis/order"
)

// medianOf returns the median of a without modifying it; buf is scratch.
func medianOf(a []float64, buf *[]float64) float64 {
	*buf = append((*buf)[:0], a...)
	return order.MedianInPlace(*buf)
}

// medianAbs returns the median of |a|; buf is scratch.
func medianAbs(a []float64, buf *[]float64) float64 {
	*buf = appendAbs((*buf)[:0], a, 0)
	return order.MedianInPlace(*buf)
}

// medianAbsInPlace returns the median of |a|, and modifies a.
func medianAbsInPlace(a []float64) float64 {
	for i, v := range a {
		a[i] = math.Abs(v)
	}
	return order.MedianInPlace(a)
}

// appendAbs appends |v-centre| for each v of a to dst.
func appendAbs(dst, a []float64, centre float64) []float64 {
	for _, v := range a {
		dst = append(dst, math.Abs(v-centre))
	}
	return dst
}

// moments returns mean and population standard deviation of a.
func moments(a []float64) (mean, sd float64) {
	mean = floats.Sum(a) / float64(len(a))
	var ss float64
	for _, v := range a {
		ss += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(ss / float64(len(a)))
}

func maxAbs(a []float64) float64 {
	var m float64
	for _, v := range a {
		if v = math.Abs(v); v > m { // a branch that is seldom taken: faster than max
			m = v
		}
	}
	return m
}

// standardise writes (a-mean)/sd to dst, or 0 if a does not vary: a standard deviation below
// 1e-12 of the size of a is rounding.
func standardise(dst, a []float64) {
	mean, sd := moments(a)
	if sd <= 1e-12*(1+maxAbs(a)) {
		clear(dst)
		return
	}
	for i, v := range a {
		dst[i] = (v - mean) / sd
	}
}

// correlation returns Pearson's r of x and y, 0 when either is constant.
func correlation(x, y []float64) float64 {
	mx, sx := moments(x)
	my, sy := moments(y)
	if sx <= 1e-12*(1+maxAbs(x)) || sy <= 1e-12*(1+maxAbs(y)) {
		return 0
	}
	var s float64
	for i := range x {
		s += (x[i] - mx) * (y[i] - my)
	}
	return s / float64(len(x)) / (sx * sy)
}

// echo returns the larger |correlation| of y with x, and with x one row earlier: a caller may
// show what its callee does a sample later.
func echo(x, y []float64) float64 {
	r := math.Abs(correlation(x, y))
	if n := len(x); n > 3 {
		r = max(r, math.Abs(correlation(x[:n-1], y[1:])))
	}
	return r
}

// lasting returns the largest |a-centre| that two consecutive rows both reach. One sample alone
// is noise, and the statistic hardly depends on the number of rows. A single row is its own
// value; without any it is 0.
func lasting(a []float64, centre float64) float64 {
	if len(a) == 0 {
		return 0
	}
	last := math.Abs(a[0] - centre)
	if len(a) == 1 {
		return last
	}
	var m float64
	for _, v := range a[1:] {
		u := math.Abs(v - centre)
		m = max(m, min(u, last))
		last = u
	}
	return m
}

// decreasing returns the indices sorted by descending score; ties keep the smaller index first.
func decreasing(score []float64) []int {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	sortStable(order, func(i int) float64 { return score[i] })
	return order
}
