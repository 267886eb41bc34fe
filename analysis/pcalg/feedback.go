// SPDX-License-Identifier: Apache-2.0

package pcalg

import "math"

// loops are pairs of variables that follow each other in time, with the weaker of both lagged
// correlations.
type loops map[[2]int]lagged

// lagged is a partial correlation of one variable with another one a sample earlier, and its
// p-value.
type lagged struct{ r, p float64 }

// has reports whether a pair is a loop.
func (l loops) has(i, j int) bool {
	_, ok := l[[2]int{min(i, j), max(i, j)}]
	return ok
}

// feedback returns the pairs that follow each other in time: the past of each predicts the
// other beyond that one's own past. Both directions must pass a level divided by the number of
// tests, because data with a common drift show this for every pair. A loop has no direction in
// an acyclic graph, so its edge is marked and stays undirected.
//
// Candidates are edges, and pairs without any correlation at the same moment: a loop with a
// delay of one sample each way shows only there. A pair separated by other variables has its
// correlation from them.
func feedback(g *Graph, cols []*series, alpha float64) loops {
	if alpha == 0 {
		alpha = defaultAlpha
	}
	var pairs [][2]int
	for _, e := range g.Edges {
		pairs = append(pairs, [2]int{min(e.From, e.To), max(e.From, e.To)})
	}
	for _, s := range g.Removed {
		if len(s.Set) == 0 {
			pairs = append(pairs, [2]int{s.I, s.J})
		}
	}
	found := loops{}
	level := alpha / 10 / float64(max(1, 2*len(pairs)))
	for _, p := range pairs {
		a, b := cols[p[0]].unit, cols[p[1]].unit
		there, back := leads(a, b), leads(b, a)
		if there.p >= level || back.p >= level {
			continue
		}
		if found[p] = there; math.Abs(back.r) < math.Abs(there.r) {
			found[p] = back
		}
	}
	return found
}

// leads returns the correlation of a one sample ago with b now, given b one and two samples ago
// (Granger causality with one lag).
func leads(a, b []float64) lagged {
	n := len(a) - 2
	if n < 1 {
		return lagged{0, 1}
	}
	v := [][]float64{unit(b[2:]), unit(a[1 : n+1]), unit(b[1 : n+1]), unit(b[:n])}
	m := matrix{len(v), make([]float64, len(v)*len(v))}
	for i := range v {
		for j := range v {
			m.a[i*m.p+j] = dot(v[i], v[j])
		}
	}
	r := m.partial(0, 1, []int{2, 3})
	_, p := FisherZ(r, float64(n), 2)
	return lagged{r, p}
}
