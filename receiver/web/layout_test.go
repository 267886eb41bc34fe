// SPDX-License-Identifier: Apache-2.0

package web

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestChainRunsDownwards(t *testing.T) {
	l := layered(3, []arc{{2, 1}, {1, 0}, {2, 0}})
	if got := []int{l.cells[l.nodes[2]].layer, l.cells[l.nodes[1]].layer, l.cells[l.nodes[0]].layer}; !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("layers %v", got)
	}
	if n := len(l.routes[2]); n != 3 {
		t.Errorf("the long link has %d stops, not 3: it would run through a node", n)
	}
}

func TestCycleIsBroken(t *testing.T) {
	l := layered(3, []arc{{0, 1}, {1, 2}, {2, 0}})
	if !slices.Equal(l.down, []bool{true, true, false}) {
		t.Errorf("turned: %v", l.down)
	}
}

func TestLinksDoNotCrossWithoutNeed(t *testing.T) {
	// Two parallel chains, given crosswise.
	l := layered(4, []arc{{0, 3}, {1, 2}})
	if (l.cells[l.nodes[0]].x < l.cells[l.nodes[1]].x) != (l.cells[l.nodes[3]].x < l.cells[l.nodes[2]].x) {
		t.Error("two links cross that need not")
	}
}

// For any graph: links run downwards, a layer has at most three nodes, nothing overlaps or leaves
// the drawing, and the drawing is deterministic.
func TestLayoutHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "nodes")
		var arcs []arc
		for range rapid.IntRange(0, 30).Draw(t, "links") {
			a := arc{rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")}
			if a.from != a.to {
				arcs = append(arcs, a)
			}
		}
		l := layered(n, arcs)
		for i, route := range l.routes {
			checkRoute(t, l, arcs[i], l.down[i], route)
		}
		for _, layer := range l.layers {
			checkLayer(t, l, layer)
		}
		if !reflect.DeepEqual(l, layered(n, arcs)) {
			t.Fatal("drawn twice, it is not the same")
		}
	})
}

func checkRoute(t *rapid.T, l layout, a arc, down bool, route []int) {
	if !down {
		a = arc{a.to, a.from}
	}
	if route[0] != l.nodes[a.from] || route[len(route)-1] != l.nodes[a.to] {
		t.Fatalf("link %v ends elsewhere", a)
	}
	for k := 1; k < len(route); k++ {
		if l.cells[route[k]].layer != l.cells[route[k-1]].layer+1 {
			t.Fatalf("link %v jumps from layer %d to %d", a, l.cells[route[k-1]].layer, l.cells[route[k]].layer)
		}
	}
}

func checkLayer(t *rapid.T, l layout, layer []int) {
	nodes, end := 0, math.Inf(-1)
	for _, i := range layer {
		c := l.cells[i]
		if c.node >= 0 {
			nodes++
		}
		if c.x-c.width/2 < end-1e-6 {
			t.Fatalf("two cells of a layer overlap at %g", c.x)
		}
		end = c.x + c.width/2
		if c.x-c.width/2 < -1e-6 || end > layoutWidth+1e-6 || c.width <= 0 {
			t.Fatalf("a cell of width %g at %g leaves the drawing", c.width, c.x)
		}
	}
	if nodes > nodesPerLayer || nodes == 0 {
		t.Fatalf("%d nodes in a layer", nodes)
	}
}
