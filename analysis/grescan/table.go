// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// limit is the largest value, whose square still fits a float.
const limit = 1e100

// tinyNegative, times the total, is a rounding error that counts as 0.
const tinyNegative = 1e-9

// ValueError says which leaf has an invalid value.
type ValueError struct {
	Leaf  int
	Value float64
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("leaf %d: value %g is not a number from 0 to %g", e.Leaf, e.Value, limit)
}

// table holds the leaves with any volume, and the terms of their scores.
type table struct {
	codes [][]int32 // label → leaf → value
	cards []int
	dims  []int   // label → the caller's label
	leaf  []int32 // leaf → the caller's leaf

	f, v    []float64 // forecast, actual
	raise   float64   // added to both
	w, d, e []float64 // precision, deviation, v−f
	alive   []bool

	noise        Noise
	change       float64 // Σ(v−f)
	churn        float64 // Σ|v−f|
	sd           float64 // √Σs²: noise of the total
	actual, fore float64 // totals
}

// newTable checks the leaves and drops empty ones, and labels with a single value on the rest.
func newTable(codes [][]int32, cards []int, forecast, actual []float64, opt Options) (*table, error) {
	t := &table{leaf: make([]int32, 0, len(forecast))}
	if err := checkValues(forecast); err != nil {
		return nil, err
	}
	if err := checkValues(actual); err != nil {
		return nil, err
	}
	for i := range forecast {
		if forecast[i] > 0 || actual[i] > 0 {
			t.leaf = append(t.leaf, int32(i))
		}
	}
	t.f, t.v = positive(gather(forecast, t.leaf)), positive(gather(actual, t.leaf))
	for d := range codes {
		column := codes[d]
		if len(t.leaf) < len(column) {
			column = gather(column, t.leaf)
		}
		if several(column) {
			t.codes = append(t.codes, column)
			t.cards = append(t.cards, cards[d])
			t.dims = append(t.dims, d)
		}
	}
	if opt.Noise != nil {
		t.noise = *opt.Noise
	} else {
		t.noise, opt.Median = FitNoise(t.f, t.v, opt.Count)
	}
	t.raise = raise(t.f, opt)
	var errors []float64
	if opt.Errors != nil {
		errors = gather(opt.Errors, t.leaf)
	}
	t.score(errors)
	return t, nil
}

// checkValues accepts values that are finite and not negative beyond rounding.
func checkValues(x []float64) error {
	var sum float64
	for i, v := range x {
		if !(v <= limit && v >= -limit) {
			return &ValueError{i, v}
		}
		sum += max(v, 0)
	}
	for i, v := range x {
		if v < -tinyNegative*sum {
			return &ValueError{i, v}
		}
	}
	return nil
}

// positive replaces negative values by 0.
func positive(x []float64) []float64 {
	for i := range x {
		x[i] = max(x[i], 0)
	}
	return x
}

// raise returns the value added to both sides of every leaf, so that a few events make no large
// deviation.
func raise(forecast []float64, opt Options) float64 {
	switch {
	case opt.Count:
		return 0.5
	case opt.Median == 0:
		opt.Median = medianOr(slices.DeleteFunc(slices.Clone(forecast), func(x float64) bool { return x <= 0 }), 0)
	}
	if opt.Median == 0 {
		return 1
	}
	return 0.05 * opt.Median
}

// score computes the terms of each leaf.
func (t *table) score(errors []float64) {
	n := len(t.f)
	t.w, t.d, t.e, t.alive = make([]float64, n), make([]float64, n), make([]float64, n), make([]bool, n)
	var s2 float64
	for i, f := range t.f {
		v := t.v[i]
		m := (f+v)/2 + t.raise
		s := t.noise.variance(m)
		if errors != nil {
			s = max(s, errors[i]*errors[i]*m*m)
		}
		t.w[i] = m * m / s
		t.e[i] = v - f
		t.d[i] = t.e[i] / m
		t.alive[i] = true
		s2 += s
		t.change += t.e[i]
		t.churn += math.Abs(t.e[i])
		t.fore += f
		t.actual += v
	}
	t.sd = math.Sqrt(s2)
}

// seenAlone says whether v−f of a remaining leaf has enough deviance, by the noise of the
// larger of both. d has a long lower tail: with an error of a quarter, a leaf that loses most
// of its volume has its mean halved. In a set such errors cancel.
func (t *table) seenAlone(leaf int32, deviance float64) bool {
	if deviance == 0 || !t.alive[leaf] {
		return true
	}
	e := t.e[leaf]
	return e*e >= deviance*t.noise.variance(max(t.f[leaf], t.v[leaf])+t.raise)
}

// leaves returns the number of leaves with any volume, including explained ones.
func (t *table) leaves() int { return len(t.w) }

// addTo adds leaf i to a cell.
func (t *table) addTo(c *cell, i int) {
	wd := t.w[i] * t.d[i]
	c.w += t.w[i]
	c.wd += wd
	c.wdd += wd * t.d[i]
	c.e += t.e[i]
	c.up += max(t.e[i], 0)
	c.n++
}

// takeFrom removes leaf i from a cell.
func (t *table) takeFrom(c *cell, i int) {
	wd := t.w[i] * t.d[i]
	c.w -= t.w[i]
	c.wd -= wd
	c.wdd -= wd * t.d[i]
	c.e -= t.e[i]
	c.up -= max(t.e[i], 0)
	c.n--
}

// key returns the mixed-radix number of a leaf's values of some labels.
func (t *table) key(dims []int, leaf int32) uint64 {
	var k uint64
	for _, d := range dims {
		k = k*uint64(t.cards[d]) + uint64(t.codes[d][leaf])
	}
	return k
}

// tooMany stands for more keys than fit in 64 bits.
const tooMany = math.MaxUint64

// product returns the number of keys over some labels, or tooMany.
func (t *table) product(dims []int) uint64 {
	p := uint64(1)
	for _, d := range dims {
		over, low := bits.Mul64(p, uint64(t.cards[d]))
		if over != 0 {
			return tooMany
		}
		p = low
	}
	return p
}

// under returns the remaining leaves with the values of leaf in dims.
func (t *table) under(dims []int, leaf int32) []int32 {
	var found []int32
	for i := range t.alive {
		if t.alive[i] && t.same(dims, leaf, int32(i)) {
			found = append(found, int32(i))
		}
	}
	return found
}

// same says whether two leaves have the same values in dims.
func (t *table) same(dims []int, a, b int32) bool {
	for _, d := range dims {
		if t.codes[d][a] != t.codes[d][b] {
			return false
		}
	}
	return true
}

// gather returns the chosen rows of a column.
func gather[T any, I int | int32](x []T, rows []I) []T {
	y := make([]T, len(rows))
	for k, i := range rows {
		y[k] = x[i]
	}
	return y
}

// several says whether a column has more than one value.
func several(x []int32) bool {
	for _, c := range x {
		if c != x[0] {
			return true
		}
	}
	return false
}
