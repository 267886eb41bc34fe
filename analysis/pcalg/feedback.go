// SPDX-License-Identifier: Apache-2.0

package pcalg

// feedback returns the edges whose ends each follow the other in time: the
// past of each adds to what the other's own past tells of it. Both must be so
// at a level divided by the number of questions asked: data of one common
// drift say such things of everybody. A loop has no direction that a graph
// without cycles could show, so that such an edge is marked and left alone.
func feedback(g *Graph, cols []*series, alpha float64) map[[2]int]bool {
	if alpha == 0 {
		alpha = defaultAlpha
	}
	loops := map[[2]int]bool{}
	level := alpha / 10 / float64(max(1, 2*len(g.Edges)))
	for _, e := range g.Edges {
		a, b := cols[e.From].unit, cols[e.To].unit
		if leads(a, b, level) && leads(b, a, level) {
			loops[[2]int{min(e.From, e.To), max(e.From, e.To)}] = true
		}
	}
	return loops
}

// leads reports whether a one sample ago is correlated with b now, given b one
// and two samples ago (Granger's question, for one lag).
func leads(a, b []float64, level float64) bool {
	n := len(a) - 2
	if n < 1 {
		return false
	}
	v := [][]float64{unit(b[2:]), unit(a[1 : n+1]), unit(b[1 : n+1]), unit(b[:n])}
	m := matrix{len(v), make([]float64, len(v)*len(v))}
	for i := range v {
		for j := range v {
			m.a[i*m.p+j] = dot(v[i], v[j])
		}
	}
	_, p := FisherZ(m.partial(0, 1, []int{2, 3}), float64(n), 2)
	return p < level
}
