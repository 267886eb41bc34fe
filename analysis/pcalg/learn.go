// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// pairs is a table over pairs of variables.
type pairs = mat.SymDense

// newPairs returns a symmetric table of p, nil for p = 0, which gonum's
// matrices can't be.
func newPairs(p int) *pairs {
	if p == 0 {
		return &pairs{}
	}
	return mat.NewSymDense(p, nil)
}

const (
	defaultNodes = 26    // 25 candidates and the KPI: what a reader can follow
	copyR        = 0.999 // |r| above which two series are one
	shrinkage    = 0.02  // towards independence, when samples are few
)

// SeriesOptions are the settings of Learn. The zero value is the default for a
// graph that is shown to people. Knowledge is by column.
type SeriesOptions struct {
	Options
	MaxNodes    int  // variables at most, the first columns win; 0: 26
	Raw         bool // correlate the values, not their normal scores
	Independent bool // count every sample for one, however much it depends on the last
}

// A Node is one variable of a learned graph.
type Node struct {
	Column  int   // the column that stands for it
	Aliases []int // columns that can't be told from it, |r| > 0.999
}

// A Drop is a column that isn't in the graph.
type Drop struct {
	Column int
	Reason string // "constant", "missing", "limit"
}

// A Network is a graph learned from series.
type Network struct {
	*Graph              // its variables are Nodes
	Nodes       []Node  // in the order of their columns
	Dropped     []Drop  // likewise
	Samples     int     // rows
	Effective   float64 // the median over the pairs of what these rows are worth
	Differenced bool    // most series drift: changes were correlated, not levels
}

// series is one column on its way into the graph.
type series struct {
	column  int
	values  []float64 // complete; differences if Differenced
	unit    []float64 // normal scores, mean 0, square sum 1
	aliases []int
}

// Learn learns the graph of the columns x, one sample a row, NaN and ±Inf
// missing. Put the columns that matter most first (the KPI, then candidates by
// score): of copies the first one stays, and beyond MaxNodes the last ones go.
//
// Learn never fails on what the data are like: constant, missing and duplicate
// columns are named in the result, and too few rows give a graph without
// edges. It panics if columns differ in length or knowledge names one that
// isn't there.
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

// collect fills the columns and drops those that can't say anything.
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

// drop notes a column that is not in the graph, so that every column is accounted
// for: as a node, as an alias of one, or here.
func (net *Network) drop(column int, reason string) {
	net.Dropped = append(net.Dropped, Drop{column, reason})
}

// difference replaces levels by changes if most series drift, and takes the
// scores that are correlated.
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

// group puts copies together and keeps as many as the limit allows. Of two
// columns that are one, each would separate the other from everything: without
// grouping both would lose their edges.
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

// sample returns what the tests need. With many variables for the rows the
// correlations are drawn a little towards 0, so that they stay definite.
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

// restrict turns knowledge about columns into knowledge about nodes. Arrows at
// dropped columns and between aliases of one node are left out.
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
