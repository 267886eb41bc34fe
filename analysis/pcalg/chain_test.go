// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// graphOf makes a graph from edges {from, to, directed}.
func graphOf(p int, list ...[3]int) *Graph {
	g := &Graph{P: p, index: map[[2]int]int{}}
	for _, e := range list {
		g.index[[2]int{min(e[0], e[1]), max(e[0], e[1])}] = len(g.Edges)
		g.Edges = append(g.Edges, Edge{From: e[0], To: e[1], Directed: e[2] == 1})
	}
	return g
}

func TestChains(t *testing.T) {
	// 0 → 1 → 3, 0 — 2 → 3, 3 → 4; the target is 3.
	g := graphOf(5, [3]int{0, 1, 1}, [3]int{1, 3, 1}, [3]int{0, 2, 0}, [3]int{2, 3, 1}, [3]int{3, 4, 1})
	weight := []float64{0.9, 0.4, 0.5, 0.5, 1}
	score := []float64{1, 0.5, 0.8, 1, 1}
	got := g.Chains(3, []int{0, 4, 3}, weight, score)
	want := []Chain{
		{[]int{0, 2, 3}, []int{2, 3}, 0.4},
		{[]int{0, 1, 3}, []int{0, 1}, 0.3},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("chains %+v, want %+v", got, want)
	}
}

// TestChainsNameEachSuspectFirst: five chains of one suspect don't displace the only chain of
// another.
func TestChainsNameEachSuspectFirst(t *testing.T) {
	list := [][3]int{{7, 6, 1}}
	weight := []float64{0.1}
	for v := 1; v <= 5; v++ {
		list = append(list, [3]int{0, v, 1}, [3]int{v, 6, 1})
		weight = append(weight, 0.9, 0.9)
	}
	score := slices.Repeat([]float64{1}, 8)
	got := graphOf(8, list...).Chains(6, []int{0, 7}, weight, score)
	if len(got) != 5 || !slices.Equal(got[1].Nodes, []int{7, 6}) {
		t.Errorf("chains %+v, want five, the second from 7", got)
	}
}

func TestChainsAreShort(t *testing.T) {
	var list [][3]int
	for v := range 7 {
		list = append(list, [3]int{v, v + 1, 1})
	}
	g := graphOf(8, list...)
	ones := slices.Repeat([]float64{1}, 8)
	if got := g.Chains(7, []int{2}, ones[:7], ones); len(got) != 1 || len(got[0].Edges) != 5 {
		t.Errorf("chains from 2 are %+v, want one of five edges", got)
	}
	if got := g.Chains(7, []int{1}, ones[:7], ones); len(got) != 0 {
		t.Errorf("chains from 1 are %+v, want none of six edges", got)
	}
}

// TestChainsEndInDenseGraphs: the work is bounded in a complete graph.
func TestChainsEndInDenseGraphs(t *testing.T) {
	var list [][3]int
	for i := range 26 {
		for j := range i {
			list = append(list, [3]int{i, j, 0})
		}
	}
	g := graphOf(26, list...)
	weight := slices.Repeat([]float64{0.5}, len(list))
	got := g.Chains(0, []int{1, 2, 3}, weight, slices.Repeat([]float64{1}, 26))
	if len(got) != 5 || got[0].Weight != 0.5 {
		t.Errorf("chains %+v, want five of weight 0.5", got)
	}
}

func TestCoMovement(t *testing.T) {
	jump := func(at int) []float64 {
		x := make([]float64, 60)
		for i := range x {
			x[i] = 0.1 * float64(i%2)
			if i >= at {
				x[i] += 5
			}
		}
		return x
	}
	for name, c := range map[string]struct {
		x, y     []float64
		from, to float64
	}{
		"together":        {jump(50), jump(50), 0.999, 1},
		"two rows apart":  {jump(50), jump(52), 0.9, 1},
		"long before":     {jump(50), jump(20), 0, 0.2},
		"constant":        {jump(50), make([]float64, 60), 0, 0},
		"opposite":        {jump(50), negative(jump(50)), 0, 0.2},
		"too few samples": {jump(50)[:2], jump(50)[:2], 0, 0},
	} {
		onset := min(50, len(c.x))
		if got := CoMovement(c.x, c.y, onset); got < c.from || got > c.to {
			t.Errorf("%s: %v, want %v to %v", name, got, c.from, c.to)
		}
	}
}

func negative(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = -v
	}
	return y
}

// TestChainsAreHeaviest compares with all simple paths of small random graphs.
func TestChainsAreHeaviest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.IntRange(2, 6).Draw(t, "p")
		var list [][3]int
		for i := range p {
			for j := range i {
				if k := rapid.IntRange(0, 3).Draw(t, "edge"); k == 1 {
					list = append(list, [3]int{i, j, 1})
				} else if k == 2 {
					list = append(list, [3]int{j, i, rapid.IntRange(0, 1).Draw(t, "directed")})
				}
			}
		}
		weight := rapid.SliceOfN(rapid.Float64Range(0.01, 1), len(list), len(list)).Draw(t, "weight")
		score := rapid.SliceOfN(rapid.Float64Range(0.01, 1), p, p).Draw(t, "score")
		g := graphOf(p, list...)
		best := 0.0
		for _, path := range paths(list, []int{0}, p-1) {
			product, low := 1.0, 1.0
			for i, v := range path[:len(path)-1] {
				low = min(low, score[v])
				product *= weight[g.index[[2]int{min(v, path[i+1]), max(v, path[i+1])}]]
			}
			best = max(best, math.Pow(product, 1/float64(len(path)-1))*low)
		}
		got := g.Chains(p-1, []int{0}, weight, score)
		if best == 0 != (len(got) == 0) || len(got) > 0 && math.Abs(got[0].Weight-best) > 1e-12 {
			t.Fatalf("chains %+v, the best path weighs %v", got, best)
		}
	})
}

// paths lists the simple paths to the target that extend a given one.
func paths(list [][3]int, path []int, target int) (all [][]int) {
	at := path[len(path)-1]
	if at == target {
		return [][]int{slices.Clone(path)}
	}
	for _, e := range list {
		for _, s := range [][2]int{{e[0], e[1]}, {e[1], e[0]}} {
			forward := s[0] == e[0] || e[2] == 0
			if s[0] == at && forward && !slices.Contains(path, s[1]) {
				all = append(all, paths(list, append(path, s[1]), target)...)
			}
		}
	}
	return all
}
