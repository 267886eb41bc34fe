// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// mixture is a mixture of two normals with fixed means.
type mixture struct {
	mean, variance, weight [2]float64
}

// parts returns the weighted densities of the two components at x. slack widens both a little,
// so that a component on equal values has a density.
func (m *mixture) parts(x, slack float64) (a [2]float64) {
	for c := range a {
		v := m.variance[c] + slack
		z := x - m.mean[c]
		a[c] = m.weight[c] * math.Exp(-z*z/v/2) / math.Sqrt(2*math.Pi*v)
	}
	return a
}

// kappaThreshold returns the threshold for kappa: the point of least density of a mixture of
// two normals, centred at the smallest and the largest kappa and fitted by EM, on a grid of 100
// points between them: the published selection.
func kappaThreshold(kappa []float64) float64 {
	lo, hi := floats.Min(kappa), floats.Max(kappa)
	if hi-lo < 1e-12 {
		return lo - 1
	}
	m := mixture{mean: [2]float64{lo, hi}, variance: [2]float64{.01, .01}, weight: [2]float64{1, 1}}
	for _, k := range kappa {
		if k < .4 {
			m.weight[0]++
		}
		if k > .6 {
			m.weight[1]++
		}
	}
	total := m.weight[0] + m.weight[1]
	m.weight[0] /= total
	m.weight[1] /= total
	old := math.Inf(1)
	for range 1000 {
		m.expectMaximise(kappa)
		like := m.logLikelihood(kappa)
		if math.Abs(like-old) < 1e-2 {
			break
		}
		old = like
	}
	return m.valley()
}

func (m *mixture) expectMaximise(x []float64) {
	var count, spread [2]float64
	for _, v := range x {
		a := m.parts(v, 1e-10)
		sum := math.Max(a[0]+a[1], 1e-300)
		for c := range a {
			share := a[c] / sum
			count[c] += share
			spread[c] += share * (v - m.mean[c]) * (v - m.mean[c])
		}
	}
	for c := range count {
		m.weight[c] = count[c] / float64(len(x))
		m.variance[c] = spread[c] / math.Max(count[c], 1e-300)
	}
}

func (m *mixture) logLikelihood(x []float64) float64 {
	var sum float64
	for _, v := range x {
		a := m.parts(v, 1e-10)
		sum += math.Log(a[0] + a[1] + 1e-10)
	}
	return sum
}

// valley returns the grid point of least density between the means.
func (m *mixture) valley() float64 {
	for c := range m.variance {
		m.variance[c] = math.Max(m.variance[c], 1e-10)
	}
	best, at := math.Inf(1), m.mean[0]
	for i := range 100 {
		x := m.mean[0] + (m.mean[1]-m.mean[0])*float64(i)/99
		a := m.parts(x, 0)
		if v := a[0] + a[1]; v < best {
			best, at = v, x
		}
	}
	return at
}

// selectByKappa is the published selection: candidates below the threshold, with the
// coefficients of a ridge with penalty 0.01 (0.1 if more than n are selected).
func (d *design) selectByKappa(kappa []float64) selection {
	sel := newSelection(d.p)
	cut := kappaThreshold(kappa)
	var chosen []int
	for j, k := range kappa {
		if k <= cut {
			chosen = append(chosen, j)
			sel.selected[j] = true
		}
	}
	if len(chosen) == 0 {
		return sel
	}
	penalty := 1e-2
	if len(chosen) > d.n {
		penalty = 1e-1
	}
	for i, b := range ridgeSolve(d.gathered(chosen), d.t, penalty) {
		sel.beta[chosen[i]] = b
		sel.sets = append(sel.sets, Set{Seed: chosen[i], Members: []Member{{Candidate: chosen[i], Weight: 1}}})
	}
	return sel
}
