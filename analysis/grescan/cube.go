package grescan

import "slices"

// cell holds the sums over the living leaves of one element.
type cell struct {
	w, wd, wdd float64 // Σw, Σwd, Σwd²
	e          float64 // Σ(v−f)
	n          int32   // leaves
	leaf       int32   // any leaf of the element: it spells out its labels
}

func (c *cell) add(o *cell) {
	c.w += o.w
	c.wd += o.wd
	c.wdd += o.wdd
	c.e += o.e
	c.n += o.n
}

// cuboid is one choice of labels with the cells of its elements.
//
// The deepest cuboids are summed from the leaves, all others from a parent: a
// cuboid with one label more.
type cuboid struct {
	dims   []int
	cells  []cell
	parent *cuboid // nil: summed from the leaves
	of     []int32 // cell of each cell of the parent (of each leaf, if there is none)
}

// cube is the lattice of cuboids over a table of leaves.
type cube struct {
	t      *table
	layers [][]*cuboid // layers[k−1] holds the cuboids of k labels, in lexical order
}

// newCube lays out the cuboids of up to maxLayer labels and gives each leaf its
// place.
func newCube(t *table, maxLayer, workers int) *cube {
	depth := min(len(t.codes), maxLayer)
	c := &cube{t: t, layers: make([][]*cuboid, depth)}
	for k := depth; k >= 1; k-- {
		layer := choose(len(t.codes), k)
		layer = slices.DeleteFunc(layer, func(x *cuboid) bool { return t.product(x.dims) == tooMany })
		c.layers[k-1] = layer
		if k < depth {
			adopt(layer, c.layers[k])
		}
		parallel(len(layer), workers, func(i int) { layer[i].place(t) })
	}
	return c
}

// choose returns the cuboids of k out of n labels, in lexical order.
func choose(n, k int) []*cuboid {
	var all []*cuboid
	dims := make([]int, 0, k)
	var walk func(from int)
	walk = func(from int) {
		if len(dims) == k {
			all = append(all, &cuboid{dims: slices.Clone(dims)})
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

// adopt gives each cuboid the smallest of its possible parents.
func adopt(layer, above []*cuboid) {
	for _, c := range layer {
		for _, p := range above {
			if contains(p.dims, c.dims) && (c.parent == nil || len(p.cells) < len(c.parent.cells)) {
				c.parent = p
			}
		}
	}
}

// contains tells whether all of sub are in set; both ascend.
func contains(set, sub []int) bool {
	i := 0
	for _, d := range set {
		if i < len(sub) && sub[i] == d {
			i++
		}
	}
	return i == len(sub)
}

// place numbers the elements of the cuboid in the order in which they are met
// and notes which leaf, or which cell of the parent, belongs to which.
func (c *cuboid) place(t *table) {
	if c.parent == nil {
		c.of = make([]int32, t.leaves())
		ids := newIndex(t.product(c.dims), len(c.of))
		for i := range c.of {
			c.of[i] = ids.id(t.key(c.dims, int32(i)))
			c.found(c.of[i], int32(i))
		}
		return
	}
	c.of = make([]int32, len(c.parent.cells))
	ids := newIndex(t.product(c.dims), len(c.of))
	for i := range c.of {
		leaf := c.parent.cells[i].leaf
		c.of[i] = ids.id(t.key(c.dims, leaf))
		c.found(c.of[i], leaf)
	}
}

// found opens the cell id if it is new.
func (c *cuboid) found(id, leaf int32) {
	if int(id) == len(c.cells) {
		c.cells = append(c.cells, cell{leaf: leaf})
	}
}

// sum fills the cells from the leaves or from the parent.
func (c *cuboid) sum(t *table) {
	if c.parent == nil {
		for i, id := range c.of {
			t.addTo(&c.cells[id], i)
		}
		return
	}
	for i := range c.cells {
		c.cells[i] = cell{leaf: c.cells[i].leaf}
	}
	for i := range c.parent.cells {
		c.cells[c.of[i]].add(&c.parent.cells[i])
	}
}

// remove takes leaves out of a cuboid that is summed from the leaves.
func (c *cuboid) remove(t *table, leaves []int32) {
	for _, i := range leaves {
		x := &c.cells[c.of[i]]
		t.takeFrom(x, int(i))
		if x.n == 0 { // nothing is left but rounding
			*x = cell{leaf: x.leaf}
		}
	}
}

// sum fills all cuboids, the deepest first.
func (c *cube) sum(workers int) {
	for k := len(c.layers) - 1; k >= 0; k-- {
		layer := c.layers[k]
		parallel(len(layer), workers, func(i int) { layer[i].sum(c.t) })
	}
}

// remove takes leaves out of all cuboids.
func (c *cube) remove(leaves []int32, workers int) {
	for k := len(c.layers) - 1; k >= 0; k-- {
		layer := c.layers[k]
		parallel(len(layer), workers, func(i int) {
			if layer[i].parent == nil {
				layer[i].remove(c.t, leaves)
				return
			}
			layer[i].sum(c.t)
		})
	}
}

// elements is the number of elements of all cuboids.
func (c *cube) elements() int {
	var n int
	for _, layer := range c.layers {
		for _, x := range layer {
			n += len(x.cells)
		}
	}
	return n
}
