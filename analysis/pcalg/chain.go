// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"cmp"
	"math"
	"slices"
)

const (
	maxChains   = 5       // chains listed
	maxEdges    = 5       // edges of a chain
	maxFound    = 1000    // chains kept before light ones are dropped
	maxSteps    = 500_000 // edges considered for one suspect
	moveBefore  = 10      // rows before the onset used for co-movement
	moveLag     = 3       // rows by which one may follow the other
	moveAtLeast = 3       // rows needed to correlate changes
)

// CoMovement returns how much x and y rose and fell together around the
// incident, 0..1: the largest correlation of their first differences from ten
// rows before the onset to the end, one shifted by up to three rows against
// the other; 0 if it is negative or if there are too few rows.
func CoMovement(x, y []float64, onset int) float64 {
	from := max(0, onset-moveBefore)
	fx, fy := fill(x), fill(y)
	if fx == nil || fy == nil {
		return 0
	}
	dx, dy := differences(fx[from:]), differences(fy[from:])
	var c float64
	for lag := 0; lag <= moveLag && len(dx)-lag >= moveAtLeast; lag++ {
		n := len(dx) - lag
		c = max(c, dot(unit(dx[:n]), unit(dy[lag:])), dot(unit(dx[lag:]), unit(dy[:n])))
	}
	return min(c, 1)
}

// Weights returns the weight of each edge of the network for chains:
// |partial r| · (½ + ½·CoMovement). x are the columns that Learn was given.
func (net *Network) Weights(x [][]float64, onset int) []float64 {
	w := make([]float64, len(net.Edges))
	for i, e := range net.Edges {
		c := CoMovement(x[net.Nodes[e.From].Column], x[net.Nodes[e.To].Column], onset)
		w[i] = math.Abs(e.R) * (0.5 + 0.5*c)
	}
	return w
}

// Chain is a path along which a suspect may have acted on the target (Yin and Du, Journal of
// Software 32(5), 2021, algorithm 2).
type Chain struct {
	Nodes  []int // from the suspect to the target
	Edges  []int // indices in Graph.Edges; undirected ones are "direction unknown"
	Weight float64
}

// Chains returns up to five chains of up to five edges from the suspects to the target: the
// heaviest of each suspect, in the order of the suspects, then the others, heaviest first. A
// chain that is the end of an earlier one is left out. Arrows are followed forward only,
// undirected edges both ways.
//
// The weight of a chain is the geometric mean of its edges' weights times the
// smallest score of its nodes before the target. weight is by edge, score by
// node; both should be within 0 and 1. No chain goes through a node of score 0.
// Chains panics if their lengths don't fit the graph.
func (g *Graph) Chains(target int, suspects []int, weight, score []float64) []Chain {
	if len(weight) != len(g.Edges) || len(score) != g.P {
		panic("pcalg: Chains needs a weight for each edge and a score for each node")
	}
	s := &search{target: target, weight: weight, score: score, next: g.next(weight)}
	var first, rest []Chain
	for _, v := range suspects {
		if v == target || score[v] <= 0 {
			continue
		}
		found := s.from(v)
		if len(found) > 0 {
			first, rest = append(first, found[0]), append(rest, found[1:]...)
		}
	}
	heaviest(rest)
	var all []Chain
	for _, c := range slices.Concat(first, rest) {
		told := slices.ContainsFunc(all, func(longer Chain) bool { return longer.endsWith(c) })
		if !told && len(all) < maxChains {
			all = append(all, c)
		}
	}
	return all
}

// endsWith says whether another chain is the last part of this one.
func (c Chain) endsWith(other Chain) bool {
	from := len(c.Nodes) - len(other.Nodes)
	return from >= 0 && slices.Equal(c.Nodes[from:], other.Nodes)
}

// heaviest sorts chains by descending weight, shorter ones first on a tie.
func heaviest(chains []Chain) {
	slices.SortStableFunc(chains, func(a, b Chain) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(len(a.Edges), len(b.Edges)))
	})
}

// step leaves a node by an edge.
type step struct{ edge, to int }

// next lists the steps out of each node, heaviest first.
func (g *Graph) next(weight []float64) [][]step {
	out := make([][]step, g.P)
	for i, e := range g.Edges {
		out[e.From] = append(out[e.From], step{i, e.To})
		if !e.Directed {
			out[e.To] = append(out[e.To], step{i, e.From})
		}
	}
	for _, steps := range out {
		slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(weight[b.edge], weight[a.edge]) })
	}
	return out
}

// search walks simple paths depth first. Heavy edges go first, so that the bound on its steps,
// which only dense graphs reach, drops light chains.
type search struct {
	target        int
	weight, score []float64
	next          [][]step
	found         []Chain
	steps         int
}

// from returns the best chains of a suspect, heaviest first.
func (s *search) from(v int) []Chain {
	s.found, s.steps = nil, 0
	s.walk([]int{v}, nil, 1, s.score[v])
	heaviest(s.found)
	return s.found[:min(maxChains, len(s.found))]
}

// walk continues from the last of nodes. product is the product of the edges' weights so far,
// lowest the smallest score of the nodes except the target, which is the same for all chains.
func (s *search) walk(nodes, edges []int, product, lowest float64) {
	at := nodes[len(nodes)-1]
	if at == s.target {
		w := math.Pow(product, 1/float64(len(edges))) * lowest
		w = math.Round(w*1e12) / 1e12 // a chain of equal edges ties with a shorter one
		s.found = append(s.found, Chain{slices.Clone(nodes), slices.Clone(edges), w})
		if len(s.found) > maxFound {
			heaviest(s.found)
			s.found = s.found[:maxChains]
		}
		return
	}
	if len(edges) == maxEdges {
		return
	}
	for _, st := range s.next[at] {
		if s.steps++; s.steps > maxSteps {
			return
		}
		if slices.Contains(nodes, st.to) || st.to != s.target && s.score[st.to] <= 0 {
			continue
		}
		low := lowest
		if st.to != s.target {
			low = min(low, s.score[st.to])
		}
		s.walk(append(nodes, st.to), append(edges, st.edge), product*s.weight[st.edge], low)
	}
}
