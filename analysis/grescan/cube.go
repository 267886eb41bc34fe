// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"slices"
	"sync"
)

// cell has the sums over the remaining leaves of one element.
type cell struct {
	w, wd, wdd float64 // Σw, Σwd, Σwd²
	e, up      float64 // Σ(v−f), and its positive part
	n          int32   // leaves
	leaf       int32   // any leaf of the element, for its labels
}

// add merges another cell into this one. A score needs only sums, so a cuboid can be summed
// from a deeper one.
func (c *cell) add(o *cell) {
	c.w += o.w
	c.wd += o.wd
	c.wdd += o.wdd
	c.e += o.e
	c.up += o.up
	c.n += o.n
}

// cuboid is one choice of labels. It keeps only the elements that may be causes: if all leaves
// that moved in the right direction do not bring enough change, removing others won't help.
// There are at most a few thousand of these, however many elements there are.
type cuboid struct {
	dims     []int
	children []*cuboid // cuboids with one label less, summed from this one
	root     bool      // summed from the leaves
	size     int       // all elements
	cells    []cell    // elements that may be causes
	at       index     // key → cell
}

// cube is the lattice of cuboids over a table of leaves: layers[k−1] has those of k labels, in
// lexical order.
type cube struct {
	t      *table
	layers [][]*cuboid
}

// newCube sums the leaves into the deepest cuboids, and each of those into the cuboids above.
// Each worker has only one full cuboid per layer at a time.
func newCube(t *table, r rule, maxLayer, workers int) *cube {
	depth := min(len(t.codes), maxLayer)
	c := &cube{t: t, layers: make([][]*cuboid, depth)}
	var roots []*cuboid
	for k := depth; k >= 1; k-- {
		c.layers[k-1] = slices.DeleteFunc(choose(len(t.codes), k), func(x *cuboid) bool {
			return t.product(x.dims) == tooMany
		})
		for _, x := range c.layers[k-1] {
			if k < depth {
				x.adopt(t, c.layers[k])
			}
			if x.root {
				roots = append(roots, x)
			}
		}
	}
	workers = worth(t.leaves()*len(roots), workers)
	pads := make([]*[]pad, max(1, workers))
	for i := range pads {
		pads[i] = padsOf(depth)
	}
	parallel(len(roots), workers, func(worker, i int) { roots[i].build(t, r, *pads[worker], nil) })
	for _, p := range pads {
		spare.Put(p)
	}
	return c
}

// spare are unused pads. For a large table they are most of the memory of a scan, and a second
// scan often follows.
var spare = sync.Pool{New: func() any { return new([]pad) }}

// padsOf returns a pad for each layer.
func padsOf(depth int) *[]pad {
	p := spare.Get().(*[]pad)
	if more := depth - len(*p); more > 0 {
		*p = append(*p, make([]pad, more)...)
	}
	return p
}

// choose returns the cuboids of k out of n labels, in lexical order.
func choose(n, k int) []*cuboid {
	var all []*cuboid
	dims := make([]int, 0, k)
	var walk func(from int)
	walk = func(from int) {
		if len(dims) == k {
			all = append(all, &cuboid{dims: slices.Clone(dims), root: true})
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

// adopt makes the cuboid a child of the smallest possible parent.
func (c *cuboid) adopt(t *table, above []*cuboid) {
	var parent *cuboid
	for _, p := range above {
		if contains(p.dims, c.dims) && (parent == nil || t.product(p.dims) < t.product(parent.dims)) {
			parent = p
		}
	}
	if parent != nil {
		parent.children = append(parent.children, c)
		c.root = false
	}
}

// contains says whether set contains all of sub; both ascend.
func contains(set, sub []int) bool {
	i := 0
	for _, d := range set {
		if i < len(sub) && sub[i] == d {
			i++
		}
	}
	return i == len(sub)
}

// pad is scratch space for the full cells of a cuboid.
type pad struct {
	ids   index
	cells []cell
}

// reset makes room for the cells of up to count keys below limit.
func (p *pad) reset(limit uint64, count int) {
	p.ids.reset(limit, count)
	if most := int(min(limit, uint64(count))); cap(p.cells) < most {
		p.cells = make([]cell, 0, most)
	}
	p.cells = p.cells[:0]
}

// cell returns the cell of a key, which a leaf has.
func (p *pad) cell(key uint64, leaf int32) *cell {
	id := p.ids.id(key)
	if int(id) == len(p.cells) {
		p.cells = append(p.cells, cell{leaf: leaf})
	}
	return &p.cells[id]
}

// build sums the cuboid from the leaves or from its parent's cells, keeps possible causes, and
// continues with its children.
func (c *cuboid) build(t *table, r rule, pads []pad, parent []cell) {
	p := &pads[0]
	if c.root {
		p.reset(t.product(c.dims), t.leaves())
		for i := range t.leaves() {
			t.addTo(p.cell(t.key(c.dims, int32(i)), int32(i)), i)
		}
	} else {
		p.reset(t.product(c.dims), len(parent))
		for i := range parent {
			p.cell(t.key(c.dims, parent[i].leaf), parent[i].leaf).add(&parent[i])
		}
	}
	c.size = len(p.cells)
	c.keep(t, r, p.cells)
	for _, child := range c.children {
		child.build(t, r, pads[1:], p.cells)
	}
}

// keep copies the cells that may be causes.
func (c *cuboid) keep(t *table, r rule, cells []cell) {
	n := 0
	for i := range cells {
		if r.possible(&cells[i]) {
			n++
		}
	}
	c.cells = make([]cell, 0, n)
	c.at.reset(t.product(c.dims), n)
	for i := range cells {
		if r.possible(&cells[i]) {
			c.at.id(t.key(c.dims, cells[i].leaf))
			c.cells = append(c.cells, cells[i])
		}
	}
}

// remove removes leaves from the cuboid.
func (c *cuboid) remove(t *table, leaves []int32) {
	if len(c.cells) == 0 {
		return
	}
	for _, i := range leaves {
		id, ok := c.at.find(t.key(c.dims, i))
		if !ok {
			continue
		}
		x := &c.cells[id]
		t.takeFrom(x, int(i))
		if x.n == 0 { // only rounding is left
			*x = cell{leaf: x.leaf}
		}
	}
}

// all returns the cuboids of all layers.
func (c *cube) all() []*cuboid {
	var all []*cuboid
	for _, layer := range c.layers {
		all = append(all, layer...)
	}
	return all
}

// remove removes leaves from all cuboids.
func (c *cube) remove(leaves []int32, workers int) {
	all := c.all()
	parallel(len(all), worth(len(all)*len(leaves), workers), func(_, i int) { all[i].remove(c.t, leaves) })
}

// cellsOf counts the cells of some cuboids.
func cellsOf(cuboids []*cuboid) int {
	n := 0
	for _, x := range cuboids {
		n += len(x.cells)
	}
	return n
}

// elements returns the number of elements of all cuboids.
func (c *cube) elements() int {
	var n int
	for _, x := range c.all() {
		n += x.size
	}
	return n
}
