// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// RidgeResult is the outcome of Ridge, with one entry per candidate, 0 for those left out.
type RidgeResult struct {
	Coefficient []float64 // in the units of the input
	Intercept   float64
	Beta        []float64 // for the standardised target and candidates
	Penalty     float64   // ratio of the noise variance to the coefficients' variance
	Explained   float64   // share of the target's variance explained by the fit
	Warnings    []Warning
}

// Ridge regresses y on all candidates without selection: a second opinion for targets that are
// the sum of many small parts, for which no sparse selection is right. The penalty maximises
// the evidence,
//
//	MacKay, Bayesian interpolation, Neural Computation 4(3), 1992,
//
// and so needs no folds. Input, Scale and exclusions are those of Fit; the other options are
// ignored. It costs O(n^2 p), or O(n p^2) if p < n.
//
// Ridge panics if a candidate differs from y in length.
func Ridge(x [][]float64, y []float64, opt Options) RidgeResult {
	checkLengths(x, y)
	o := opt.withDefaults()
	o.Screen = 0
	d, warn, ok := prepare(x, y, o)
	r := RidgeResult{
		Coefficient: make([]float64, len(x)), Beta: make([]float64, len(x)),
		Intercept: d.yMean, Warnings: warn,
	}
	if !ok {
		return r
	}
	if d.gaps {
		d.fillFromNeighbours()
	}
	r.Penalty = d.evidencePenalty()
	beta := ridgeSolve(d.x, d.t, r.Penalty)
	fit := make([]float64, d.n)
	for i, j := range d.kept {
		r.Beta[j] = beta[i]
		r.Coefficient[j] = beta[i] * d.yUnit / d.unit[i]
		r.Intercept -= r.Coefficient[j] * d.center[i]
		floats.AddScaled(fit, beta[i], d.column(i))
	}
	r.Explained = d.explained(fit)
	return r
}

// evidencePenalty iterates MacKay's fixed point for the precisions of noise and coefficients in
// the eigenbasis of XX', where every quantity is a sum over the eigenvalues.
func (d *design) evidencePenalty() float64 {
	var g mat.SymDense
	g.SymOuterK(1, d.x.T())
	var eig mat.EigenSym
	if !eig.Factorize(&g, true) {
		return 0.1 * float64(d.n) // does not happen for a finite matrix
	}
	var v mat.Dense
	eig.VectorsTo(&v)
	values := eig.Values(nil)
	u := make([]float64, d.n) // target in the eigenbasis
	mulT(u, &v, d.t)
	n := float64(d.n)
	lo, hi := 1e-6*n, 1e6*n
	penalty := 0.1 * n
	for range 300 {
		next := math.Max(lo, math.Min(fixedPoint(values, u, penalty), hi))
		if math.Abs(next-penalty) <= 1e-6*penalty {
			break
		}
		penalty = next
	}
	return penalty
}

// fixedPoint is one step: with gamma = sum s/(s+c) well-determined coefficients, noise variance
// |y - Xb|^2/(n-gamma), prior variance |b|^2/gamma.
func fixedPoint(values, u []float64, c float64) float64 {
	var gamma, norm, resid float64
	for i, s := range values {
		s = math.Max(s, 0)
		gamma += s / (s + c)
		norm += s * u[i] * u[i] / ((s + c) * (s + c))
		resid += c * c * u[i] * u[i] / ((s + c) * (s + c))
	}
	noise := resid / math.Max(float64(len(u))-gamma, 1e-9)
	return noise * gamma / math.Max(norm, 1e-300)
}
