// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// edgesOf prints the edges of a network by the columns of their ends.
func edgesOf(net *Network) []string {
	edges := make([]string, len(net.Edges))
	for i, e := range net.Edges {
		a, b := net.Nodes[e.From].Column, net.Nodes[e.To].Column
		way := "→"
		if !e.Directed {
			a, b, way = min(a, b), max(a, b), "—"
		}
		edges[i] = fmt.Sprint(a, way, b)
	}
	slices.Sort(edges)
	return edges
}

// drawColumns draws a small structure with 60 to 200 rows.
func drawColumns(t *rapid.T) [][]float64 {
	p, n := rapid.IntRange(2, 7).Draw(t, "columns"), rapid.IntRange(60, 200).Draw(t, "rows")
	return model(p, n, rapid.Uint64().Draw(t, "seed"))
}

// Units don't matter: factors that floats represent exactly give the same graph, down to the
// last bit.
func TestUnitsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawColumns(t)
		raw := rapid.Bool().Draw(t, "raw")
		want := Learn(x, SeriesOptions{Raw: raw})
		for j := range x {
			factor := math.Ldexp(1, rapid.IntRange(-30, 30).Draw(t, "exponent"))
			for i := range x[j] {
				x[j][i] *= factor
			}
		}
		if got := Learn(x, SeriesOptions{Raw: raw}); !reflect.DeepEqual(got, want) {
			t.Fatalf("edges %v in other units, %v before", edgesOf(got), edgesOf(want))
		}
	})
}

// Normal scores use only the order of values: a monotone transform gives the same graph, and a
// decreasing one the same edges.
func TestOnlyTheOrderOfValuesCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawColumns(t)
		want := Learn(x, SeriesOptions{})
		if want.Differenced {
			t.Skip("changes of a logarithm are others")
		}
		for j := range x {
			sign := float64(1 - 2*rapid.IntRange(0, 1).Draw(t, "turned over"))
			for i := range x[j] {
				x[j][i] = sign * math.Exp(x[j][i]/4)
			}
		}
		got := Learn(x, SeriesOptions{})
		if got.Differenced {
			t.Skip("the bent ones drift")
		}
		if !slices.Equal(edgesOf(got), edgesOf(want)) {
			t.Fatalf("edges %v, %v before", edgesOf(got), edgesOf(want))
		}
	})
}

// A duplicate column is an alias and changes no edge, wherever it follows the original.
func TestACopyIsAnAlias(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawColumns(t)
		want := Learn(x, SeriesOptions{})
		of := rapid.IntRange(0, len(x)-1).Draw(t, "of")
		got := Learn(append(slices.Clone(x), slices.Clone(x[of])), SeriesOptions{})
		at := slices.IndexFunc(got.Nodes, func(n Node) bool { return n.Column == of })
		if at >= 0 && !slices.Contains(got.Nodes[at].Aliases, len(x)) {
			t.Fatalf("the copy of %d is no alias: %+v", of, got.Nodes)
		}
		if !slices.Equal(edgesOf(got), edgesOf(want)) {
			t.Fatalf("edges %v with a copy of %d, %v without", edgesOf(got), of, edgesOf(want))
		}
	})
}

// A constant column is dropped, and changes nothing about the others.
func TestAConstantChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawColumns(t)
		want := Learn(x, SeriesOptions{})
		flat := slices.Repeat([]float64{rapid.Float64Range(-1e9, 1e9).Draw(t, "value")}, len(x[0]))
		got := Learn(append(slices.Clone(x), flat), SeriesOptions{})
		if !slices.Contains(got.Dropped, Drop{len(x), "constant"}) || !reflect.DeepEqual(got.Graph, want.Graph) {
			t.Fatalf("edges %v, dropped %+v; %v without the constant", edgesOf(got), got.Dropped, edgesOf(want))
		}
	})
}

// The order of the columns decides which copy represents the others and which columns are
// dropped if there are too many, but not the adjacencies.
func TestTheOrderOfColumnsDoesNotMatter(t *testing.T) {
	adjacent := func(net *Network, column func(int) int) []string {
		var list []string
		for _, e := range net.Edges {
			a, b := column(net.Nodes[e.From].Column), column(net.Nodes[e.To].Column)
			list = append(list, fmt.Sprint(min(a, b), max(a, b)))
		}
		slices.Sort(list)
		return list
	}
	rapid.Check(t, func(t *rapid.T) {
		x := drawColumns(t)
		perm := rapid.Permutation(sequence(len(x))).Draw(t, "perm")
		turned := make([][]float64, len(x))
		for i, j := range perm {
			turned[i] = x[j]
		}
		want := adjacent(Learn(x, SeriesOptions{}), func(c int) int { return c })
		got := adjacent(Learn(turned, SeriesOptions{}), func(c int) int { return perm[c] })
		if !slices.Equal(got, want) {
			t.Fatalf("edges %v when shuffled, %v before", got, want)
		}
	})
}

// A column may lack up to a fifth of its samples; with one more it is dropped. Either way a
// warning says so.
func TestAFifthMayBeMissing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, c := range []struct {
		missing int
		nodes   int
	}{{0, 3}, {20, 3}, {21, 2}, {100, 2}} {
		x := model(3, 100, 5)
		for _, i := range rng.Perm(100)[:c.missing] {
			x[2][i] = math.NaN()
		}
		net := Learn(x, SeriesOptions{})
		sound(t, net, len(x))
		if len(net.Nodes) != c.nodes || slices.Contains(net.Dropped, Drop{2, "missing"}) != (c.nodes == 2) {
			t.Errorf("%d missing: nodes %+v, dropped %+v", c.missing, net.Nodes, net.Dropped)
		}
	}
}

// Independent columns are adjacent about as often as the level of the tests allows: 0.05 of 45
// pairs is 2 edges a graph.
func TestIndependentColumnsHaveFewEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	edges := 0
	const graphs = 40
	for range graphs {
		x := make([][]float64, 10)
		for j := range x {
			x[j] = make([]float64, 200)
			for i := range x[j] {
				x[j][i] = rng.NormFloat64()
			}
		}
		edges += len(Learn(x, SeriesOptions{Options: Options{Workers: 1}}).Edges)
	}
	if mean := float64(edges) / graphs; mean > 2.5 {
		t.Errorf("%.2f edges a graph, want about 2", mean)
	}
}

// A stronger correlation, more samples and fewer conditions never raise p.
func TestFisherZIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.Float64Range(0, 1).Draw(t, "r")
		n := rapid.Float64Range(4, 1e6).Draw(t, "n")
		k := rapid.IntRange(0, 4).Draw(t, "k")
		z, p := FisherZ(r, n, k)
		if minus, same := FisherZ(-r, n, k); minus != -z || same != p {
			t.Fatalf("z %v and p %v of %v, %v and %v of its negative", z, p, r, minus, same)
		}
		for _, weaker := range []struct {
			r, n float64
			k    int
		}{{r / 2, n, k}, {r, n / 2, k}, {r, n, k + 1}} {
			if _, q := FisherZ(weaker.r, weaker.n, weaker.k); q < p {
				t.Fatalf("p %v of %+v, %v of r %v, n %v, k %d", q, weaker, p, r, n, k)
			}
		}
	})
}

// The partial correlation depends neither on the order of the two variables nor on that of the
// conditions.
func TestPartialIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		r := newMatrix(s.R)
		v := rapid.Permutation(sequence(r.p)).Draw(t, "variables")
		if len(v) < 4 {
			t.Skip("too few variables for two conditions")
		}
		want := r.partial(v[0], v[1], v[2:4])
		for _, got := range []float64{r.partial(v[1], v[0], v[2:4]), r.partial(v[0], v[1], []int{v[3], v[2]})} {
			if math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Fatalf("%v, %v in another order", want, got)
			}
		}
	})
}

// Co-movement is symmetric and independent of units; a series moves fully with itself unless it
// is constant.
func TestCoMovementIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(5, 60).Draw(t, "rows")
		column := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), n, n)
		x, y := column.Draw(t, "x"), column.Draw(t, "y")
		onset := rapid.IntRange(0, n).Draw(t, "onset")
		c := CoMovement(x, y, onset)
		if other := CoMovement(y, x, onset); math.Abs(other-c) > 1e-12 {
			t.Fatalf("%v, the other way %v", c, other)
		}
		double := slices.Clone(y)
		for i := range double {
			double[i] *= 1024
		}
		if other := CoMovement(x, double, onset); other != c {
			t.Fatalf("%v, in another unit %v", c, other)
		}
		if self := CoMovement(x, x, onset); self != 0 && self < 1-1e-9 {
			t.Fatalf("%v with itself", self)
		}
	})
}
