// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// limit is the largest value, whose square still fits a float.
const limit = 1e100

// tinyNegative, times the total, is a rounding error that counts as 0.
const tinyNegative = 1e-9

// Table holds the leaves with any volume, and the terms of their cost.
type Table struct {
	opt   Options
	codes [][]int32 // label → leaf → value
	cards []int
	leaf  []int32 // leaf → the caller's leaf

	f, a, m, d []float64 // forecast, actual, mean, deviation
	e          []float64 // a−f, for a small table
	errors     []float64 // of past forecasts; nil: unknown
	grid       []noise   // noises to choose from
	cuboids    []cuboid  // of a small table
	cells      []cell    // scratch space for the sets of a cuboid
}

// noise is one choice of φ and κ.
type noise struct {
	Noise
	w     []float64 // precision of each leaf
	wd    []float64 // w·d
	own   []float64 // wd² − ln w: the leaf's own cost
	logs  float64   // −Σ ln w
	prior float64
}

// cuboid is one choice of labels, with all of its sets.
type cuboid struct {
	dims  []int
	cell  []int32 // leaf → set
	size  int     // sets
	price float64
}

// New returns a table of leaves. codes[d][i] is the value of label d on leaf i, in [0,
// cards[d]).
//
// It returns a [*ValueError] if a value is negative, not finite or beyond 1e100, and panics if
// the lengths differ.
func New(codes [][]int32, cards []int, forecast, actual []float64, opt Options) (*Table, error) {
	checkShapes(codes, cards, forecast, actual)
	for _, x := range [][]float64{forecast, actual} {
		if err := checkValues(x); err != nil {
			return nil, err
		}
	}
	t := &Table{opt: opt.withDefaults(), cards: cards, leaf: make([]int32, 0, len(forecast))}
	for i := range forecast {
		if forecast[i] > 0 || actual[i] > 0 {
			t.leaf = append(t.leaf, int32(i))
		}
	}
	t.f, t.a = gather(forecast, t.leaf), gather(actual, t.leaf)
	if opt.Errors != nil {
		t.errors = gather(opt.Errors, t.leaf)
	}
	for d := range codes {
		column := codes[d]
		if len(t.leaf) < len(column) {
			column = gather(column, t.leaf)
		}
		t.codes = append(t.codes, column)
	}
	t.deviate()
	t.choose()
	if t.isSmall() {
		t.cut()
	}
	return t, nil
}

func checkShapes(codes [][]int32, cards []int, forecast, actual []float64) {
	if len(codes) != len(cards) || len(forecast) != len(actual) {
		panic("judge: lengths differ")
	}
	for d := range codes {
		if len(codes[d]) != len(forecast) {
			panic("judge: lengths differ")
		}
	}
}

// checkValues accepts values that are finite and not negative beyond rounding.
func checkValues(x []float64) error {
	var sum float64
	for _, v := range x {
		if v > 0 {
			sum += min(v, limit)
		}
	}
	for i, v := range x {
		if !(v <= limit && v >= -min(limit, tinyNegative*sum)) {
			return &ValueError{i, v}
		}
	}
	return nil
}

// isSmall says whether the table is small enough to consider every set.
func (t *Table) isSmall() bool { return t.opt.Noise == nil }

// deviate computes m and d, and e for a small table.
func (t *Table) deviate() {
	n := len(t.leaf)
	t.m, t.d = make([]float64, n), make([]float64, n)
	if t.isSmall() {
		t.e = make([]float64, n)
	}
	raise := t.raise()
	for i := range t.f {
		t.f[i], t.a[i] = max(t.f[i], 0), max(t.a[i], 0)
		t.m[i] = t.f[i]/2 + t.a[i]/2 + raise
		e := t.a[i] - t.f[i]
		t.d[i] = e / t.m[i]
		if t.isSmall() {
			t.e[i] = e
		}
	}
}

// raise returns what is added to the mean of each leaf, so that tiny values have no large
// deviation.
func (t *Table) raise() float64 {
	if t.opt.Count {
		return countRaise
	}
	if t.opt.Median > 0 {
		return sumRaise * t.opt.Median
	}
	volume := make([]float64, 0, len(t.f))
	for _, x := range t.f {
		if x > 0 {
			volume = append(volume, x)
		}
	}
	if len(volume) == 0 {
		return 1
	}
	return sumRaise * order.MedianInPlace(volume)
}

// choose sets the noises to choose from: the given one, or a grid of κ.
func (t *Table) choose() {
	if n := t.opt.Noise; n != nil {
		t.grid = []noise{t.noise(*n, 0)}
		return
	}
	phi := 0.0
	if t.opt.Count {
		phi = 1
	}
	kappa := kappaLeast
	for range kappaSteps {
		far := math.Log(kappa / kappaUsual)
		t.grid = append(t.grid, t.noise(Noise{phi, kappa}, far*far))
		kappa *= kappaStep
	}
}

// Under returns a large table with another noise.
func (t *Table) Under(n Noise) *Table {
	out := *t
	out.opt.Noise = &n
	out.grid = []noise{out.noise(n, 0)}
	return &out
}

// noise computes the precisions for a noise.
func (t *Table) noise(n Noise, prior float64) noise {
	out := noise{Noise: n, w: make([]float64, len(t.m)), prior: prior}
	if t.isSmall() {
		out.wd, out.own = make([]float64, len(t.m)), make([]float64, len(t.m))
	}
	for i, m := range t.m {
		w := m * m / t.variance(n, i, m)
		log := math.Log(w)
		out.w[i] = w
		out.logs -= log
		if t.isSmall() {
			out.wd[i] = w * t.d[i]
			out.own[i] = w*t.d[i]*t.d[i] - log
		}
	}
	return out
}

// variance returns the variance of leaf i with mean m.
func (t *Table) variance(n Noise, i int, m float64) float64 {
	km := n.Kappa * m
	v := n.Phi*m + km*km
	if t.errors != nil {
		own := t.errors[i] * m
		v = max(v, own*own)
	}
	return v
}

// cut numbers the sets of every choice of labels, small choices first. It skips choices with
// all leaves in one set, and those that partition the leaves like an earlier one.
func (t *Table) cut() {
	sets, said := 0, map[string]bool{}
	for k := 1; k <= min(len(t.codes), t.opt.MaxLayer); k++ {
		from := len(t.cuboids)
		for _, dims := range choices(len(t.codes), k) {
			c := t.cuboid(dims)
			split := c.split()
			if c.size > 1 && !said[split] {
				said[split] = true
				t.cells = slices.Grow(t.cells, c.size)[:max(len(t.cells), c.size)]
				t.cuboids = append(t.cuboids, c)
				sets += c.size
			}
		}
		for i := range t.cuboids[from:] {
			t.cuboids[from+i].price = Price(sets)
		}
	}
}

// Price returns the price of a set chosen out of so many.
func Price(sets int) float64 { return 2*math.Log(float64(max(sets, 2))) + setPrice }

// cuboid numbers the sets of one choice of labels by their codes.
func (t *Table) cuboid(dims []int) cuboid {
	n := len(t.leaf)
	c := cuboid{dims: dims, cell: make([]int32, n)}
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortStableFunc(rows, func(i, j int32) int { return t.compare(dims, i, j) })
	for k, i := range rows {
		if k == 0 || t.compare(dims, rows[k-1], i) != 0 {
			c.size++
		}
		c.cell[i] = int32(c.size - 1)
	}
	return c
}

// split identifies the partition of the leaves, whatever its sets are called.
func (c *cuboid) split() string {
	first := make([]int, c.size)
	out := make([]byte, len(c.cell))
	named := 0
	for i, j := range c.cell {
		if first[j] == 0 {
			named++
			first[j] = named
		}
		out[i] = byte(first[j])
	}
	return string(out)
}

// compare orders two leaves by their codes of some labels.
func (t *Table) compare(dims []int, i, j int32) int {
	for _, d := range dims {
		if x := int(t.codes[d][i]) - int(t.codes[d][j]); x != 0 {
			return x
		}
	}
	return 0
}

// choices returns all ways to choose k of n labels, in lexical order.
func choices(n, k int) [][]int {
	var all [][]int
	dims := make([]int, 0, k)
	var walk func(from int)
	walk = func(from int) {
		if len(dims) == k {
			all = append(all, slices.Clone(dims))
			return
		}
		for d := from; d < n; d++ {
			dims = append(dims, d)
			walk(d + 1)
			dims = dims[:len(dims)-1]
		}
	}
	walk(0)
	return all
}

// gather returns the chosen entries of a column.
func gather[T any](x []T, at []int32) []T {
	y := make([]T, len(at))
	for k, i := range at {
		y[k] = x[i]
	}
	return y
}
