// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// findWeighted repeats the search with rows weighted by how much of them is known. A row in
// which a selected candidate was not observed carries, besides the noise, the variance b_j^2
// v_ij of the filled-in value; a row in which all were observed shows weak candidates clearly.
// The criterion is the extended BIC with the likelihood of the observed data (full
// information), until the selection repeats itself. If no row is ten times as uncertain as the
// noise alone, weights change little and s is returned.
func (e *ebic) findWeighted(s []int) []int {
	e.loss = e.fullInformation
	next := e.grow()
	if len(next) == 0 || floats.Min(e.rowWeights(next)) > evenRows {
		return s
	}
	for range 5 {
		s = next
		if len(s) == 0 {
			break
		}
		next = e.weighted(s).find()
		slices.Sort(next)
		if slices.Equal(next, s) {
			break
		}
	}
	return s
}

const evenRows = 0.1

// fullInformation is -2 log-likelihood of the observed data under selection s.
func (e *ebic) fullInformation(s []int, _ float64) float64 {
	noise, unknown := e.rowVariances(s)
	var sum float64
	for _, c := range unknown {
		sum += math.Log(noise + c)
	}
	return sum
}

// weighted returns the problem with rows weighted under selection s.
func (e *ebic) weighted(s []int) *ebic {
	w := e.rowWeights(s)
	d := *e.plain
	d.x, d.t = mat.DenseCopyOf(e.plain.x), slices.Clone(e.plain.t)
	for i := range w {
		w[i] = math.Sqrt(w[i])
	}
	floats.Mul(d.t, w)
	out := &ebic{
		d: &d, plain: e.plain, score: e.score, order: e.order, norm: make([]float64, d.p),
		candidates: e.candidates, blocks: e.blocks, confusion: e.confusion,
	}
	for j := range d.p {
		floats.Mul(d.column(j), w)
		out.norm[j] = floats.Norm(d.column(j), 2)
	}
	out.loss = out.complete
	out.limit = max(1, min(e.limit, int(floats.Dot(w, w))/3))
	return out
}

// rowWeights returns sigma^2/(sigma^2 + sum_j b_j^2 v_ij), at most 1.
func (e *ebic) rowWeights(s []int) []float64 {
	noise, w := e.rowVariances(s)
	for i, c := range w {
		w[i] = noise / (noise + c)
	}
	return w
}

// rowVariances returns the variance of the noise, and what unobserved candidates of s add to it
// in each row.
func (e *ebic) rowVariances(s []int) (noise float64, unknown []float64) {
	d := e.plain
	resid, unknown := slices.Clone(d.t), make([]float64, d.n)
	for i, b := range d.leastSquares(s) {
		floats.AddScaled(resid, -b, d.column(s[i]))
		for k, row := range d.missing[s[i]] {
			unknown[row] += b * b * d.doubt[s[i]][k]
		}
	}
	return noiseVariance(resid, unknown, e.score.floor), unknown
}

// noiseVariance solves sum_i r_i^2/(v + c_i) = n for v >= floor by bisection.
func noiseVariance(resid, unknown []float64, floor float64) float64 {
	n := float64(len(resid))
	lo, hi := floor, floor+floats.Dot(resid, resid)/n
	for range 60 {
		mid := (lo + hi) / 2
		var sum float64
		for i, r := range resid {
			sum += r * r / (mid + unknown[i])
		}
		if sum > n {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}
