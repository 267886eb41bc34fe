// SPDX-License-Identifier: Apache-2.0

package pcalg

import "math"

// loops are the pairs whose ends each follow the other in time, with the weaker of
// both lagged correlations.
type loops map[[2]int]lagged

// lagged is a partial correlation of one variable now with another one a sample
// ago, and its p.
type lagged struct{ r, p float64 }

// has reports whether a pair is a loop.
func (l loops) has(i, j int) bool {
	_, ok := l[[2]int{min(i, j), max(i, j)}]
	return ok
}

// feedback returns the pairs whose ends each follow the other in time: the
// past of each adds to what the other's own past tells of it. Both must be so
// at a level divided by the number of questions asked: data of one common
// drift say such things of everybody. A loop has no direction that a graph
// without cycles could show, so that its edge is marked and left alone.
//
// Such a pair is an edge, or one that isn't correlated at all at the same moment:
// a loop that takes a sample each way shows there only. A pair that others part
// has its correlation from them.
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

// leads is how a one sample ago is correlated with b now, given b one and two
// samples ago (Granger's question, for one lag).
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
