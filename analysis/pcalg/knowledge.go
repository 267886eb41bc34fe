// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"fmt"
	"slices"
)

// rules is Knowledge with indices.
type rules struct {
	k                   Knowledge
	forbidden, required map[[2]int]bool
	below               [][]bool // below[i][j]: likely and required arrows lead from i to j
}

// newRules indexes k for p variables. It panics if the number of tiers is wrong, or if an arrow
// is out of range or starts where it ends.
func newRules(p int, k Knowledge) *rules {
	if k.Tiers != nil && len(k.Tiers) != p {
		panic(fmt.Sprintf("pcalg: %d tiers for %d variables", len(k.Tiers), p))
	}
	for _, list := range [][][2]int{k.Forbidden, k.Required, k.Likely} {
		for _, a := range list {
			if a[0] < 0 || a[1] < 0 || a[0] >= p || a[1] >= p || a[0] == a[1] {
				panic(fmt.Sprintf("pcalg: arrow %d to %d among %d variables", a[0], a[1], p))
			}
		}
	}
	return &rules{k, setOf(k.Forbidden), setOf(k.Required), closure(p, slices.Concat(k.Required, k.Likely))}
}

// closure returns which variables are reachable by any number of arrows.
func closure(p int, arrows [][2]int) [][]bool {
	g := &pdag{adj: square(p), arrow: square(p)}
	for _, a := range arrows {
		g.arrow[a[0]][a[1]] = true
	}
	for from := range p {
		for to := range p {
			g.adj[from][to] = from != to && g.reaches(from, to)
		}
	}
	return g.adj
}

// acts reports whether k may be a cause of v, given what is known or likely.
func (r *rules) acts(k, v int) bool {
	return !r.forbids(k, v) && (!r.below[v][k] || r.below[k][v])
}

// setOf indexes a list of arrows. It may hold both i→j and j→i, which together forbid or
// require both.
func setOf(list [][2]int) map[[2]int]bool {
	m := map[[2]int]bool{}
	for _, a := range list {
		m[a] = true
	}
	return m
}

// forbids reports whether i→j must not be drawn. A required arrow overrides a tier, and forbids
// its own reverse.
func (r *rules) forbids(i, j int) bool {
	switch {
	case r.required[[2]int{i, j}]:
		return false
	case r.forbidden[[2]int{i, j}], r.required[[2]int{j, i}]:
		return true
	}
	return r.k.Tiers != nil && r.k.Tiers[i] > r.k.Tiers[j]
}

// parted reports whether an edge is ruled out.
func (r *rules) parted(i, j int) bool { return r.forbids(i, j) && r.forbids(j, i) }

// keeps reports whether the edge is required.
func (r *rules) keeps(i, j int) bool {
	return r.required[[2]int{i, j}] || r.required[[2]int{j, i}]
}

// orient draws the known arrows on the skeleton: required ones first, then the remaining
// direction where the other is forbidden, then likely ones.
func (r *rules) orient(g *pdag) map[[2]int]Origin {
	origin := map[[2]int]Origin{}
	draw := func(a, b int, o Origin) {
		if g.orient(a, b) {
			origin[[2]int{a, b}] = o
		}
	}
	for _, a := range r.k.Required {
		draw(a[0], a[1], Given)
	}
	for i := range g.adj {
		for j := range g.adj {
			if g.open(i, j) && r.forbids(j, i) {
				draw(i, j, Given)
			}
		}
	}
	for _, a := range r.k.Likely {
		draw(a[0], a[1], Topology)
	}
	return origin
}
