// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"math"
	"slices"
)

// The layered drawing of a graph after Sugiyama, Tagawa and Toda (1981):
// make it acyclic, give each node a layer, let long links pass through
// intermediate layers, order the layers so that few links cross, then place.
// Graphs here have a dozen nodes, so each step is the simple one.

// arc is a link from one node to another, to be drawn below it.
type arc struct{ from, to int }

// cell is a node in its layer, or where a long link passes.
type cell struct {
	node  int // -1: a link passes
	arc   int // that link
	layer int
	x     float64 // centre
	width float64
}

// layout is the computed layout.
type layout struct {
	cells  []cell
	layers [][]int // cells of each layer, left to right
	nodes  []int   // node → cell
	routes [][]int // arc → cells of its route, top to bottom
	down   []bool  // arc → whether from is above to
}

const (
	layoutWidth   = 360.0
	nodeWidth     = 108.0 // three in a layer
	wideNode      = 148.0 // fewer
	passWidth     = 10.0  // for a passing link
	cellGap       = 14.0
	nodesPerLayer = 3 // as many as are legible on a phone
)

// layered lays out n nodes, given in order of importance: where something must yield, the first
// ones stay.
func layered(n int, arcs []arc) layout {
	l := layout{nodes: make([]int, n), down: acyclic(n, arcs)}
	layer := splitLayers(assignLayers(n, l.downward(arcs)))
	width := widths(layer)
	for v := range n {
		l.nodes[v] = l.add(cell{node: v, arc: -1, layer: layer[v], width: width[layer[v]]})
	}
	for i, a := range l.downward(arcs) {
		route := []int{l.nodes[a.from]}
		for between := layer[a.from] + 1; between < layer[a.to]; between++ {
			route = append(route, l.add(cell{node: -1, arc: i, layer: between, width: passWidth}))
		}
		l.routes = append(l.routes, append(route, l.nodes[a.to]))
	}
	l.order()
	l.place()
	return l
}

// widths returns the width of the nodes of each layer: the fewer, the wider, so that long names are
// legible.
func widths(layer []int) map[int]float64 {
	count := map[int]int{}
	for _, at := range layer {
		count[at]++
	}
	width := map[int]float64{}
	for at, n := range count {
		width[at] = wideNode
		if n >= nodesPerLayer {
			width[at] = nodeWidth
		}
	}
	return width
}

func (l *layout) add(c cell) int {
	for len(l.layers) <= c.layer {
		l.layers = append(l.layers, nil)
	}
	l.cells = append(l.cells, c)
	l.layers[c.layer] = append(l.layers[c.layer], len(l.cells)-1)
	return len(l.cells) - 1
}

// downward returns the arcs, with upward ones reversed.
func (l *layout) downward(arcs []arc) []arc {
	out := slices.Clone(arcs)
	for i, down := range l.down {
		if !down {
			out[i] = arc{out[i].to, out[i].from}
		}
	}
	return out
}

// acyclic reports which arcs keep their direction so that no cycle remains: an arc is reversed if
// earlier arcs lead from its end to its start.
func acyclic(n int, arcs []arc) []bool {
	next := make([][]int, n)
	keep := make([]bool, len(arcs))
	for i, a := range arcs {
		keep[i] = !leadsTo(next, a.to, a.from)
		if keep[i] {
			next[a.from] = append(next[a.from], a.to)
		} else {
			next[a.to] = append(next[a.to], a.from)
		}
	}
	return keep
}

// leadsTo reports whether there is a path between two nodes.
func leadsTo(next [][]int, from, to int) bool {
	seen := make([]bool, len(next))
	stack := []int{from}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v == to {
			return true
		}
		if !seen[v] {
			seen[v] = true
			stack = append(stack, next[v]...)
		}
	}
	return false
}

// assignLayers puts every node below its predecessors, then as low as its successors allow.
func assignLayers(n int, arcs []arc) []int {
	layer := make([]int, n)
	for range n { // each round settles at least one more node
		for _, a := range arcs {
			layer[a.to] = max(layer[a.to], layer[a.from]+1)
		}
	}
	for range n {
		for v := range n {
			lowest := math.MaxInt
			for _, a := range arcs {
				if a.from == v {
					lowest = min(lowest, layer[a.to]-1)
				}
			}
			if lowest != math.MaxInt {
				layer[v] = lowest
			}
		}
	}
	return layer
}

// splitLayers splits layers with too many nodes. Predecessors are above all of a layer and
// successors below, so any split is valid.
func splitLayers(layer []int) []int {
	out := make([]int, len(layer))
	next := 0
	for old := range len(layer) {
		var members []int
		for v, at := range layer {
			if at == old {
				members = append(members, v)
			}
		}
		rows := (len(members) + nodesPerLayer - 1) / nodesPerLayer
		for i, v := range members {
			out[v] = next + rows - 1 - i*rows/max(1, len(members)) // important nodes go below, near the KPI
		}
		next += rows
	}
	return out
}

// order sorts each layer by where its links lead, alternately down and up.
func (l *layout) order() {
	above, below := l.neighbours()
	for range 8 {
		for i := 1; i < len(l.layers); i++ {
			l.sortLayer(i, above)
		}
		for i := len(l.layers) - 2; i >= 0; i-- {
			l.sortLayer(i, below)
		}
	}
}

// neighbours returns the linked cells above and below each cell.
func (l *layout) neighbours() (above, below [][]int) {
	above, below = make([][]int, len(l.cells)), make([][]int, len(l.cells))
	for _, route := range l.routes {
		for i := 1; i < len(route); i++ {
			above[route[i]] = append(above[route[i]], route[i-1])
			below[route[i-1]] = append(below[route[i-1]], route[i])
		}
	}
	return above, below
}

// sortLayer sorts a layer by the barycenter of its neighbours; a cell without neighbours stays.
func (l *layout) sortLayer(i int, neighbours [][]int) {
	place := make([]float64, len(l.cells)) // 0..1 in its layer
	for _, layer := range l.layers {
		for k, c := range layer {
			place[c] = (float64(k) + 0.5) / float64(len(layer))
		}
	}
	slices.SortStableFunc(l.layers[i], func(a, b int) int {
		return cmp.Compare(mean(place, neighbours[a], place[a]), mean(place, neighbours[b], place[b]))
	})
}

func mean(values []float64, which []int, otherwise float64) float64 {
	if len(which) == 0 {
		return otherwise
	}
	sum := 0.0
	for _, i := range which {
		sum += values[i]
	}
	return sum / float64(len(which))
}

// place sets the x of every cell: near its neighbours, apart from adjacent cells, and within the
// width.
func (l *layout) place() {
	for _, layer := range l.layers {
		l.narrow(layer)
		l.spread(layer, func(int) float64 { return layoutWidth / 2 })
	}
	above, below := l.neighbours()
	for range 4 {
		for i := range l.layers {
			l.spread(l.layers[i], func(c int) float64 { return l.meanX(above[c], c) })
		}
		for i := range slices.Backward(l.layers) {
			l.spread(l.layers[i], func(c int) float64 { return l.meanX(below[c], c) })
		}
	}
}

func (l *layout) meanX(cells []int, self int) float64 {
	if len(cells) == 0 {
		return l.cells[self].x
	}
	sum := 0.0
	for _, c := range cells {
		sum += l.cells[c].x
	}
	return sum / float64(len(cells))
}

// narrow shrinks the cells of a layer to fit the width.
func (l *layout) narrow(layer []int) {
	total := cellGap * float64(len(layer)-1)
	for _, c := range layer {
		total += l.cells[c].width
	}
	if total <= layoutWidth {
		return
	}
	gaps := cellGap * float64(len(layer)-1)
	factor := max(0.1, (layoutWidth-gaps)/(total-gaps))
	for _, c := range layer {
		l.cells[c].width *= factor
	}
}

// spread moves the cells of a layer towards want, as far as order, widths and margins allow: pushed
// once from the left, once from the right, then averaged, which keeps all distances.
func (l *layout) spread(layer []int, want func(cell int) float64) {
	n := len(layer)
	left, right := make([]float64, n), make([]float64, n)
	for k, c := range layer {
		left[k] = max(want(c), l.cells[c].width/2)
		if k > 0 {
			left[k] = max(left[k], left[k-1]+l.apart(layer[k-1], c))
		}
	}
	for k := n - 1; k >= 0; k-- {
		c := layer[k]
		right[k] = min(want(c), layoutWidth-l.cells[c].width/2)
		if k < n-1 {
			right[k] = min(right[k], right[k+1]-l.apart(c, layer[k+1]))
		}
	}
	for k, c := range layer {
		l.cells[c].x = (left[k] + right[k]) / 2
	}
	l.insideMargins(layer)
}

// insideMargins pushes a layer back inside the margins.
func (l *layout) insideMargins(layer []int) {
	for k := len(layer) - 1; k >= 0; k-- {
		c := &l.cells[layer[k]]
		limit := layoutWidth - c.width/2
		if k < len(layer)-1 {
			limit = l.cells[layer[k+1]].x - l.apart(layer[k], layer[k+1])
		}
		c.x = min(c.x, limit)
	}
	for k := range layer {
		c := &l.cells[layer[k]]
		limit := c.width / 2
		if k > 0 {
			limit = l.cells[layer[k-1]].x + l.apart(layer[k-1], layer[k])
		}
		c.x = max(c.x, limit)
	}
}

// apart is the least distance between the centres of adjacent cells.
func (l *layout) apart(a, b int) float64 {
	return (l.cells[a].width+l.cells[b].width)/2 + cellGap
}
