// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// pairs is a table over pairs of variables.
type pairs = mat.SymDense

// newPairs returns a symmetric table of size p. For p = 0 it is empty, which gonum's
// constructor does not support.
func newPairs(p int) *pairs {
	if p == 0 {
		return &pairs{}
	}
	return mat.NewSymDense(p, nil)
}

const (
	defaultNodes = 26    // 25 candidates and the KPI: what a reader can follow
	copyR        = 0.999 // |r| above which two series count as copies
	shrinkage    = 0.02  // towards independence, if samples are few
)

// SeriesOptions are the settings of Learn. The zero value is the default for a graph that is
// displayed. Knowledge is by column.
type SeriesOptions struct {
	Options
	MaxNodes    int  // largest number of variables, the first columns first; 0: 26
	Raw         bool // correlate the values, not their normal scores
	Independent bool // ignore serial correlation between samples
}

// Node is one variable of a learned graph.
type Node struct {
	Column  int   // the column that represents it
	Aliases []int // its copies, |r| > 0.999
}

// Drop is a column that isn't in the graph.
type Drop struct {
	Column int
	Reason string // "constant", "missing", "limit"
}

// Network is a graph learned from series.
type Network struct {
	*Graph              // its variables are Nodes
	Nodes       []Node  // in the order of their columns
	Dropped     []Drop  // likewise
	Samples     int     // rows
	Effective   float64 // median effective number of samples over the pairs
	Differenced bool    // most series drift, so changes were correlated instead of levels
}

// series is one column on its way into the graph.
type series struct {
	column  int
	values  []float64 // complete; differences if Differenced
	unit    []float64 // normal scores, mean 0, square sum 1
	aliases []int
}

// Learn learns the graph of the columns x, one sample per row; NaN and ±Inf are missing. Put
// the most important columns first (the KPI, then candidates by score): of copies the first one
// stays, and beyond MaxNodes the last ones are dropped.
//
// Learn never fails because of data: constant, missing and duplicate columns are reported in
// the result, and too few rows give a graph without edges. It panics if columns differ in
// length or knowledge refers to a missing one.
func Learn(x [][]float64, opt SeriesOptions) *Network {
	newRules(len(x), opt.Knowledge) // panics on what doesn't fit
	net := &Network{}
	cols := net.collect(x, opt)
	cols = net.group(cols, opt)
	for _, c := range cols {
		net.Nodes = append(net.Nodes, Node{c.column, c.aliases})
	}
	opt.Knowledge = opt.restrict(net.Nodes, len(x))
	if len(cols) == 0 {
		net.Graph = &Graph{CutOff: -1, index: map[[2]int]int{}}
		return net
	}
	s := net.sample(cols, opt)
	net.Graph = learn(s, opt.Options, nil)
	if found := feedback(net.Graph, cols, opt.Alpha); len(found) > 0 {
		net.Graph = learn(s, opt.Options, found)
	}
	return net
}

// collect fills the columns and drops uninformative ones.
func (net *Network) collect(x [][]float64, opt SeriesOptions) []*series {
	var cols []*series
	for j, c := range x {
		if len(c) != len(x[0]) {
			panic(fmt.Sprintf("pcalg: column %d has %d rows, the first one %d", j, len(c), len(x[0])))
		}
		full := fill(c)
		switch {
		case full == nil:
			net.drop(j, "missing")
		case constant(full):
			net.drop(j, "constant")
		default:
			cols = append(cols, &series{column: j, values: full})
			net.Samples = len(full)
		}
	}
	return net.difference(cols, opt)
}

// drop records a column that is not in the graph, so that every column is accounted for: as a
// node, as an alias, or here.
func (net *Network) drop(column int, reason string) {
	net.Dropped = append(net.Dropped, Drop{column, reason})
}

// difference replaces levels by changes if most series drift, and computes the scores to
// correlate.
func (net *Network) difference(cols []*series, opt SeriesOptions) []*series {
	var levels [][]float64
	for _, c := range cols {
		levels = append(levels, c.values)
	}
	net.Differenced = mostlySlow(levels)
	kept := cols[:0]
	for _, c := range cols {
		if net.Differenced {
			c.values = differences(c.values)
		}
		if constant(c.values) { // a straight line
			net.drop(c.column, "constant")
			continue
		}
		c.unit = unit(c.values)
		if !opt.Raw {
			c.unit = unit(normalScores(c.values))
		}
		kept = append(kept, c)
	}
	return kept
}

// group merges copies and keeps as many nodes as the limit allows. Of two copies, each would
// separate the other from everything, and both would lose their edges.
func (net *Network) group(cols []*series, opt SeriesOptions) []*series {
	limit := opt.MaxNodes
	if limit == 0 {
		limit = defaultNodes
	}
	var kept []*series
	for _, c := range cols {
		i := slices.IndexFunc(kept, func(k *series) bool {
			r := dot(k.unit, c.unit)
			return max(r, -r) > copyR
		})
		switch {
		case i >= 0:
			kept[i].aliases = append(kept[i].aliases, c.column)
		case len(kept) == limit:
			net.drop(c.column, "limit")
		default:
			kept = append(kept, c)
		}
	}
	slices.SortFunc(net.Dropped, func(a, b Drop) int { return a.Column - b.Column })
	return kept
}

// sample returns the input of the tests. With many variables relative to rows, the correlations
// are shrunk a little towards 0, so that they stay definite.
func (net *Network) sample(cols []*series, opt SeriesOptions) Sample {
	p, n := len(cols), len(cols[0].unit)
	shrink := 1.0
	if 3*p > n {
		shrink = 1 - shrinkage
	}
	r := newPairs(p)
	units := make([][]float64, p)
	for i, c := range cols {
		units[i] = c.unit
		r.SetSym(i, i, 1)
		for j := range i {
			r.SetSym(i, j, shrink*dot(c.unit, cols[j].unit))
		}
	}
	s := Sample{R: r, N: float64(n)}
	net.Effective = s.N
	if !opt.Independent {
		sizes := effectiveSizes(units, n)
		s.PairN, net.Effective = sizes, medianSize(sizes, s.N)
	}
	return s
}

// medianSize returns the median over the pairs, n if there are none.
func medianSize(sizes *pairs, n float64) float64 {
	var all []float64
	for i := range sizes.SymmetricDim() {
		for j := range i {
			all = append(all, sizes.At(i, j))
		}
	}
	if len(all) == 0 {
		return n
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// restrict converts knowledge about columns to knowledge about nodes. It drops arrows at
// dropped columns and between aliases of one node.
func (o SeriesOptions) restrict(nodes []Node, columns int) Knowledge {
	at := make([]int, columns)
	for i := range at {
		at[i] = -1
	}
	var k Knowledge
	for i, node := range nodes {
		at[node.Column] = i
		for _, a := range node.Aliases {
			at[a] = i
		}
		if o.Tiers != nil {
			k.Tiers = append(k.Tiers, o.Tiers[node.Column])
		}
	}
	move := func(arrows [][2]int) (moved [][2]int) {
		for _, a := range arrows {
			if u, v := at[a[0]], at[a[1]]; u >= 0 && v >= 0 && u != v {
				moved = append(moved, [2]int{u, v})
			}
		}
		return moved
	}
	k.Forbidden, k.Required, k.Likely = move(o.Forbidden), move(o.Required), move(o.Likely)
	return k
}
