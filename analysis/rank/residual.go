// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/pcalg"
)

const (
	residualTop    = 40     // candidates in the graph
	residualClip   = 10     // limit of |z| for rows of the core
	residualCopy   = 0.9999 // |r| above which a series is a copy of another
	residualRidge  = 0.05   // keeps near copies among the parents solvable
	residualFactor = 2      // largest factor of an abnormal residual on z²
)

// residuals corrects the deviation of the leading candidates by what their parents in a causal
// graph explain. The graph is learned on the core alone, each series is regressed there on its
// parents and undirected neighbours, and the residual in the incident is compared. A series
// that only follows has a small one; a series that broke away from what usually drives it has a
// large one. Series without parents keep their deviation.
//
// Only the residual is used: walking the graph from the KPI to its ancestors made every ranking
// worse.
func residuals(t *table, p period, ev []Evidence) {
	lead := leaders(ev)
	f, lead := clippedCore(t, lead)
	if len(lead) < 2 {
		return
	}
	r := correlations(f)
	nodes, copies := withoutCopies(r)
	g := pcalg.PC(pcalg.Sample{R: submatrix(r, nodes), N: float64(t.core)}, pcalg.Options{
		MaxK: 2, Parity: true, Workers: 1, // a directed cycle does no harm here
	})
	for i, node := range nodes {
		causes := g.Causes(i)
		if len(causes) == 0 {
			continue
		}
		for k, c := range causes {
			causes[k] = lead[nodes[c]]
		}
		v := lead[node]
		ratio := residual(t, p, v, causes)
		for _, c := range copies[i] {
			e := &ev[lead[c]]
			e.Residual = e.Dev * math.Sqrt(min(residualFactor, safeRatio(ratio, ev[v].Dev)))
		}
	}
}

// safeRatio returns a/b, 0 if b is 0: a series that did not move has no meaningful residual.
func safeRatio(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}

// leaders returns the candidates that lead before residuals.
func leaders(ev []Evidence) []int {
	first := make([]float64, len(ev))
	for j := range ev {
		first[j] = math.Log1p(ev[j].Dev) * ev[j].Link * ev[j].Kind
	}
	order := decreasing(first)
	return order[:min(residualTop, len(order))]
}

// clippedCore returns the clipped scores in the core of the candidates in lead, without
// constant ones.
func clippedCore(t *table, lead []int) (f [][]float64, kept []int) {
	for _, j := range lead {
		c := clipped(t.cand[j].z[:t.core])
		if _, sd := moments(c); sd > 1e-9 {
			f, kept = append(f, c), append(kept, j)
		}
	}
	return f, kept
}

func clipped(z []float64) []float64 {
	c := make([]float64, len(z))
	for i, v := range z {
		c[i] = min(max(v, -residualClip), residualClip)
	}
	return c
}

// correlations returns Pearson's r of all pairs of columns.
func correlations(f [][]float64) *mat.SymDense {
	p, n := len(f), len(f[0])
	q := mat.NewDense(p, n, nil)
	for i, c := range f {
		standardise(q.RawRowView(i), c)
	}
	r := mat.NewSymDense(p, nil)
	r.SymOuterK(1/float64(n), q)
	return r
}

// withoutCopies returns the first of each group of copies, and the groups.
func withoutCopies(r *mat.SymDense) (nodes []int, groups [][]int) {
next:
	for i := range r.SymmetricDim() {
		for g, q := range nodes {
			if math.Abs(r.At(q, i)) > residualCopy {
				groups[g] = append(groups[g], i)
				continue next
			}
		}
		nodes, groups = append(nodes, i), append(groups, []int{i})
	}
	return nodes, groups
}

func submatrix(r *mat.SymDense, keep []int) *mat.SymDense {
	s := mat.NewSymDense(len(keep), nil)
	for a, i := range keep {
		for b, j := range keep[:a+1] {
			s.SetSym(a, b, r.At(i, j))
		}
	}
	return s
}

// residual returns the lasting deviation of the residual of v on its causes, in the robust
// scale of the residual on the core. The rows of the incident aren't clipped: their size
// matters.
func residual(t *table, p period, v int, causes []int) float64 {
	mean := make([]float64, len(causes))
	sd := make([]float64, len(causes))
	g := mat.NewDense(len(causes), t.core, nil)
	for k, u := range causes {
		row := g.RawRowView(k)
		copy(row, clipped(t.cand[u].z[:t.core]))
		mean[k], sd[k] = moments(row)
		standardise(row, row)
	}
	y := clipped(t.cand[v].z[:t.core])
	level, _ := moments(y)
	for i := range y {
		y[i] -= level
	}
	b := ridge(g, y, residualRidge)
	e, incident := y, make([]float64, t.rows-p.onset)
	for i := range incident {
		incident[i] = t.cand[v].z[p.onset+i] - level
	}
	for k, u := range causes {
		for i := range e {
			e[i] -= b[k] * g.At(k, i)
		}
		for i := range incident {
			incident[i] -= b[k] * (t.cand[u].z[p.onset+i] - mean[k]) / sd[k]
		}
	}
	scale := robustScale(e) // before MedianInPlace reorders e
	return lasting(incident, order.MedianInPlace(e)) / scale
}

// robustScale returns the scale of a residual, never 0. It reorders e.
func robustScale(e []float64) float64 {
	_, sd := moments(e)
	q1, _, q3 := order.Quartiles(e)
	return max((q3-q1)/1.349, 0.25*sd, 1e-9)
}
