// SPDX-License-Identifier: Apache-2.0

package riskloc

import "math/bits"

// element is one combination of values of a cuboid's labels.
type element struct {
	key      uint64 // mixed-radix number of the values
	power    float64
	positive float64 // of the leaves of positive power
	bad      int32   // abnormal leaves
	size     int32
}

// grouping is a cuboid: the leaves that are left, by element.
type grouping struct {
	dims  []int
	cells []element
	leaf  []int32 // leaves that are not pruned
	of    []int32 // element of each of them
	start []int32 // where the leaves of each element begin in sorted
	by    []int32 // leaves by element; made when first asked for
}

// group sums the living leaves by their values of some labels, without those
// below a pruned value.
func (s *search) group(dims []int) *grouping {
	g := &grouping{dims: dims, leaf: s.alive}
	if len(dims) > 1 {
		g.leaf = s.unpruned(dims)
	}
	g.of = make([]int32, len(g.leaf))
	ids := newIndex(s.product(dims), len(g.leaf))
	for k, i := range g.leaf {
		key := s.key(dims, i)
		x := ids.id(key)
		if int(x) == len(g.cells) {
			g.cells = append(g.cells, element{key: key})
		}
		g.of[k] = x
		c := &g.cells[x]
		c.power += s.power[i]
		c.positive += max(s.power[i], 0)
		c.size++
		if s.bad[i] {
			c.bad++
		}
	}
	return g
}

// unpruned returns the living leaves none of whose values is pruned.
func (s *search) unpruned(dims []int) []int32 {
	out := make([]int32, 0, len(s.alive))
next:
	for _, i := range s.alive {
		for _, d := range dims {
			if s.pruned[d][s.codes[d][i]] {
				continue next
			}
		}
		out = append(out, i)
	}
	return out
}

// leaves of element x, in their order.
func (g *grouping) leaves(x int32) []int32 {
	if g.by == nil {
		g.start = make([]int32, len(g.cells)+1)
		for k := range g.cells {
			g.start[k+1] = g.start[k] + g.cells[k].size
		}
		next := append([]int32(nil), g.start...)
		g.by = make([]int32, len(g.leaf))
		for k, i := range g.leaf {
			g.by[next[g.of[k]]] = i
			next[g.of[k]]++
		}
	}
	return g.by[g.start[x]:g.start[x+1]]
}

// key is the mixed-radix number of a leaf's values.
func (s *search) key(dims []int, leaf int32) uint64 {
	var k uint64
	for _, d := range dims {
		k = k*uint64(s.cards[d]) + uint64(s.codes[d][leaf])
	}
	return k
}

// product is the number of keys, or the greatest number if that is beyond 64
// bits; keys may then collide, for labels with 65,536 values and more each.
func (s *search) product(dims []int) uint64 {
	p := uint64(1)
	for _, d := range dims {
		over, low := bits.Mul64(p, uint64(s.cards[d]))
		if over != 0 {
			return ^uint64(0)
		}
		p = low
	}
	return p
}

// combinations returns the choices of k out of n labels, in lexical order.
func combinations(n, k int) [][]int {
	var all [][]int
	var walk func(from int, chosen []int)
	walk = func(from int, chosen []int) {
		if len(chosen) == k {
			all = append(all, append([]int(nil), chosen...))
			return
		}
		for d := from; d < n; d++ {
			walk(d+1, append(chosen, d))
		}
	}
	walk(0, nil)
	return all
}

// index numbers keys from 0 in the order in which they come: with an array
// where the keys are dense enough, else with a map.
type index struct {
	n     int32
	dense []int32 // key → id+1
	ids   map[uint64]int32
}

// newIndex makes an index for up to count keys below limit. The array may have
// four places a key (and a thousand more): 16 bytes, which is no more than a map
// takes for it.
func newIndex(limit uint64, count int) *index {
	if limit <= uint64(4*count)+1024 {
		return &index{dense: make([]int32, limit)}
	}
	return &index{ids: make(map[uint64]int32)}
}

// id returns the number of a key, which may be new.
func (x *index) id(key uint64) int32 {
	if x.dense != nil {
		if x.dense[key] == 0 {
			x.n++
			x.dense[key] = x.n
		}
		return x.dense[key] - 1
	}
	id, ok := x.ids[key]
	if !ok {
		id = x.n
		x.ids[key] = id
		x.n++
	}
	return id
}
