// SPDX-License-Identifier: Apache-2.0

package pcalg

import "slices"

// pdag is a partly directed graph: adj is symmetric; an arrow i→j marks an adjacent pair with
// known direction.
type pdag struct {
	adj, arrow [][]bool
	forbidden  func(i, j int) bool // must i→j never be drawn?
	frozen     func(i, j int) bool // must i—j stay undirected?
}

// square returns a p×p table of false, in one allocation.
func square(p int) [][]bool {
	rows, cells := make([][]bool, p), make([]bool, p*p)
	for i := range rows {
		rows[i] = cells[i*p : (i+1)*p]
	}
	return rows
}

// newPDAG returns a graph without arrows or restrictions. It keeps adj and doesn't modify it.
func newPDAG(adj [][]bool) *pdag {
	never := func(int, int) bool { return false }
	return &pdag{adj: adj, arrow: square(len(adj)), forbidden: never, frozen: never}
}

// open reports whether a—b has no direction yet.
func (g *pdag) open(a, b int) bool {
	return g.adj[a][b] && !g.arrow[a][b] && !g.arrow[b][a]
}

// orient draws a→b if the edge is open, and the arrow is neither forbidden nor would close a
// cycle.
func (g *pdag) orient(a, b int) bool {
	if !g.open(a, b) || g.forbidden(a, b) || g.frozen(a, b) || g.reaches(b, a) {
		return false
	}
	g.arrow[a][b] = true
	return true
}

// reaches reports whether there is a directed path a→…→b.
func (g *pdag) reaches(a, b int) bool {
	seen := make([]bool, len(g.adj))
	seen[a] = true
	for stack := []int{a}; len(stack) > 0; {
		u := stack[len(stack)-1]
		if u == b {
			return true
		}
		stack = stack[:len(stack)-1]
		for v, ok := range g.arrow[u] {
			if ok && !seen[v] {
				seen[v] = true
				stack = append(stack, v)
			}
		}
	}
	return false
}

// colliders orients x→y←z for each unshielded triple x—y—z (x and z not adjacent) if y is in no
// set that separates x and z. Triples are taken in ascending order of y, x, z, and the first
// one wins: an edge that already points out of y is never reversed. With parity a triple may
// close a directed cycle, as in causal-learn; otherwise such a triple is left undirected.
func (g *pdag) colliders(sep func(x, z int) []int, parity bool) {
	for y := range g.adj {
		for x := range g.adj {
			for z := x + 1; z < len(g.adj); z++ {
				if g.adj[y][x] && g.adj[y][z] && !g.adj[x][z] && !slices.Contains(sep(x, z), y) && g.mayCollide(x, y, z, parity) {
					g.arrow[x][y], g.arrow[z][y] = true, true
				}
			}
		}
	}
}

// mayCollide reports whether x→y←z can be drawn: neither arrow is forbidden, contradicts an
// existing one, or (without parity) closes a cycle. It is both or none: half a collider would
// claim that y does not separate x and z, without the reason.
func (g *pdag) mayCollide(x, y, z int, parity bool) bool {
	for _, v := range []int{x, z} {
		if g.arrow[y][v] || g.forbidden(v, y) || g.frozen(v, y) || !parity && g.reaches(y, v) {
			return false
		}
	}
	return true
}

// meek applies the four rules of Meek (1995) in sweeps until one changes nothing. The order of
// the loops is part of the contract: it decides where colliders contradict each other. Six
// other orders (the edge outermost, each rule to its own fixpoint, a restart after every arrow
// …) were further from causal-learn's answer on its own test data.
func (g *pdag) meek() {
	for changed := true; changed; {
		changed = false
		for _, rule := range []func() bool{g.rule1, g.rule2, g.rule3, g.rule4} {
			changed = rule() || changed
		}
	}
}

// rule1: c→a, a—b, c and b not adjacent ⇒ a→b, or a would be a collider.
func (g *pdag) rule1() (changed bool) {
	for c := range g.adj {
		for a := range g.adj {
			if !g.arrow[c][a] {
				continue
			}
			for b := range g.adj {
				if b != c && g.open(a, b) && !g.adj[c][b] {
					changed = g.orient(a, b) || changed
				}
			}
		}
	}
	return changed
}

// rule2: a→c→b, a—b ⇒ a→b, or there would be a cycle.
func (g *pdag) rule2() (changed bool) {
	for a := range g.adj {
		for c := range g.adj {
			if !g.arrow[a][c] {
				continue
			}
			for b := range g.adj {
				if g.arrow[c][b] && g.open(a, b) {
					changed = g.orient(a, b) || changed
				}
			}
		}
	}
	return changed
}

// rule3: a—c→b, a—d→b, a—b, c and d not adjacent ⇒ a→b.
func (g *pdag) rule3() (changed bool) {
	return g.eachOpen(func(a, b int) bool {
		for c := range g.adj {
			if !g.open(a, c) || !g.arrow[c][b] {
				continue
			}
			for d := c + 1; d < len(g.adj); d++ {
				if g.open(a, d) && g.arrow[d][b] && !g.adj[c][d] {
					return true
				}
			}
		}
		return false
	})
}

// rule4: a—d, d→c→b, d and b not adjacent, a adjacent to c, a—b ⇒ a→b. It
// is needed only with background knowledge.
func (g *pdag) rule4() (changed bool) {
	return g.eachOpen(func(a, b int) bool {
		for d := range g.adj {
			if d == b || !g.open(a, d) || g.adj[d][b] {
				continue
			}
			for c := range g.adj {
				if g.arrow[d][c] && g.arrow[c][b] && g.adj[a][c] {
					return true
				}
			}
		}
		return false
	})
}

// eachOpen orients a→b for every open edge for which the rule holds.
func (g *pdag) eachOpen(rule func(a, b int) bool) (changed bool) {
	for a := range g.adj {
		for b := range g.adj {
			if g.open(a, b) && rule(a, b) {
				changed = g.orient(a, b) || changed
			}
		}
	}
	return changed
}
