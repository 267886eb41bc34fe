// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"math"
	"slices"
)

// nearlyEqual is a difference of costs due to rounding.
const nearlyEqual = 1e-9

// Search returns the sets of the cheapest model of a small table. It repeatedly takes the best
// set and removes its leaves, until none is left that changes the total by at least least, and
// returns the cheapest prefix.
//
// It panics if the table was given a noise, as large ones are.
func (t *Table) Search(least float64) []Set {
	if !t.isSmall() {
		panic("judge: too large a table for a search")
	}
	alive := make([]bool, len(t.leaf))
	for i := range alive {
		alive[i] = true
	}
	var path []Set
	best, cheapest := 0, t.fit(nil).cost
	for len(path) < t.opt.MaxSets {
		next, ok := t.next(alive, least)
		if !ok {
			break
		}
		path = append(path, next)
		for _, i := range next.full {
			alive[i] = false
		}
		if cost := t.fit(path).cost; cost < cheapest {
			best, cheapest = len(path), cost
		}
	}
	return t.swapped(t.tidy(path[:best]))
}

// swapped swaps foreground and background, if a model with a still background, in which the
// values of a label that make up the old background moved, is cheaper.
func (t *Table) swapped(sets []Set) []Set {
	f := t.fit(sets)
	if f.back == 0 || len(sets) < 2 { // of two sides, search chooses
		return sets
	}
	alive := make([]bool, len(t.leaf))
	for _, i := range f.rest {
		alive[i] = true
	}
	cheapest := f.cost
	for k := range t.cuboids {
		if other := t.values(&t.cuboids[k], alive); len(other) > 0 {
			if cost := t.fit(other).cost; cost < cheapest-nearlyEqual*max(1, math.Abs(cheapest)) {
				sets, cheapest = other, cost
			}
		}
	}
	return sets
}

// values returns the sets of a cuboid that consist exactly of some leaves; nil if the leaves
// are not a union of sets, or of too many.
func (t *Table) values(c *cuboid, alive []bool) []Set {
	state := make([]int8, c.size) // of each set: 1 within, -1 outside
	for i, j := range c.cell {
		s := int8(-1)
		if alive[i] {
			s = 1
		}
		if state[j] == -s {
			return nil
		}
		state[j] = s
	}
	var sets []Set
	for j, s := range state {
		if s == 1 {
			sets = append(sets, t.set(place{cuboid: c, set: j}, alive))
		}
	}
	if len(sets) > t.opt.MaxSets {
		return nil
	}
	return sets
}

// place is a set of a cuboid, the cost of a model with it, and what its own factor explains.
type place struct {
	cuboid    *cuboid
	set       int
	cost, own float64
}

// before says whether a place is better. If two are each other's complement, costs are equal
// and the one nearer to factor 1 is the background.
func (p place) before(q place) bool {
	if q.cuboid == nil {
		return true
	}
	near := nearlyEqual * max(1, math.Abs(p.cost), p.own)
	return p.cost < q.cost-near || p.cost <= q.cost+near && p.own > q.own*(1+nearlyEqual)
}

// next returns the best set among the remaining leaves.
func (t *Table) next(alive []bool, least float64) (Set, bool) {
	var best place
	for k := range t.grid {
		if p := t.nextAt(&t.grid[k], alive, least); p.cuboid != nil && (best.cuboid == nil || p.cost < best.cost) {
			best = p
		}
	}
	if best.cuboid == nil {
		return Set{}, false
	}
	return t.set(best, alive), true
}

// set builds the set of a place.
func (t *Table) set(p place, alive []bool) Set {
	s := Set{Dims: p.cuboid.dims, price: p.cuboid.price}
	for i, c := range p.cuboid.cell {
		if int(c) != p.set {
			continue
		}
		s.full = append(s.full, int32(i))
		if alive[i] {
			s.leaves = append(s.leaves, int32(i))
		}
	}
	for _, d := range s.Dims {
		s.Codes = append(s.Codes, t.codes[d][s.full[0]])
	}
	return s
}

// cell has the sums of the remaining leaves of a set.
type cell struct {
	n       int
	w, c, e float64 // Σw, Σwd, Σ(a−f)
}

// nextAt returns the best set for one noise.
func (t *Table) nextAt(n *noise, alive []bool, least float64) place {
	all, base := cell{}, n.prior
	for i, on := range alive {
		if on {
			base += n.own[i]
			all.add(n.w[i], n.wd[i], t.e[i])
		}
	}
	var best place
	for k := range t.cuboids {
		cb := &t.cuboids[k]
		cells := t.cells[:cb.size]
		clear(cells)
		for i, j := range cb.cell {
			if alive[i] {
				cells[j].add(n.w[i], n.wd[i], t.e[i])
			}
		}
		for j := range cells {
			if !cells[j].possible(least) {
				continue
			}
			p := place{cb, j, base - cells[j].gainOf(all) + cb.price, cells[j].c * cells[j].c / cells[j].w}
			if p.before(best) {
				best = p
			}
		}
	}
	return best
}

func (c *cell) add(w, wd, e float64) {
	c.n++
	c.w += w
	c.c += wd
	c.e += e
}

// possible says whether a set may be reported: it moved by enough, and its sum in the direction
// of its factor.
func (c *cell) possible(least float64) bool {
	return c.n > 0 && math.Abs(c.c) >= leastDeviation*c.w && math.Abs(c.e) >= least && c.e*c.c > 0
}

// gainOf returns what a d of its own for this set, and another for the rest, explain.
func (c *cell) gainOf(all cell) float64 {
	gain := c.c * c.c / c.w
	if w, s := all.w-c.w, all.c-c.c; w > nearlyEqual*all.w {
		gain += max(s*s/w-backgroundPrice, 0)
	}
	return gain
}

// tidy drops a set that two others explain together: its factor is the product of theirs, or
// one of them.
func (t *Table) tidy(sets []Set) []Set {
	for _, s := range slices.Clone(sets) {
		if len(sets) < 3 {
			break
		}
		var over []float64
		for _, o := range sets {
			if !same(&o, &s) && holds(o.full, s.leaves) {
				over = append(over, t.ratio(outside(o.full, s.leaves)))
			}
		}
		if len(over) < 2 {
			continue
		}
		own := t.ratio(s.leaves)
		if near(own, over[0]*over[1]) || near(own, over[0]) || near(own, over[1]) {
			sets = slices.DeleteFunc(slices.Clone(sets), func(o Set) bool { return same(&o, &s) })
		}
	}
	return sets
}

// same tells whether two sets are one.
func same(a, b *Set) bool { return slices.Equal(a.Dims, b.Dims) && slices.Equal(a.Codes, b.Codes) }

// near says whether two factors agree within a tenth.
func near(x, y float64) bool {
	const tenth = 0.1
	return math.Abs(math.Log(max(x, nearlyEqual)/max(y, nearlyEqual))) < tenth
}

// ratio is actual over forecast.
func (t *Table) ratio(leaves []int32) float64 {
	var a, f float64
	for _, i := range leaves {
		a += t.a[i]
		f += t.f[i]
	}
	return a / max(f, 1e-12)
}

// holds says whether set contains all of sub; both ascend.
func holds(set, sub []int32) bool { return len(outside(sub, set)) == 0 }

// outside returns the entries of set that are not in other; both ascend.
func outside(set, other []int32) []int32 {
	var out []int32
	k := 0
	for _, i := range set {
		for k < len(other) && other[k] < i {
			k++
		}
		if k == len(other) || other[k] != i {
			out = append(out, i)
		}
	}
	return out
}
