// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// normalScores replaces the values by the normal quantiles of their ranks (Blom, (r - 3/8)/(n +
// 1/4), mean rank for ties), which makes every monotone relation between two series linear.
// Missing values stay.
func normalScores(c []float64) []float64 {
	out := make([]float64, len(c))
	var order []int
	for i, v := range c {
		if out[i] = math.NaN(); usable(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return descending(c[b], c[a]) })
	n := float64(len(order))
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && c[order[hi]] == c[order[lo]] {
			hi++
		}
		rank := float64(lo+hi+1) / 2
		score := distuv.UnitNormal.Quantile((rank - 0.375) / (n + 0.25))
		for _, i := range order[lo:hi] {
			out[i] = score
		}
		lo = hi
	}
	return out
}

func allNormalScores(x [][]float64) [][]float64 {
	out := make([][]float64, len(x))
	for j, c := range x {
		out[j] = normalScores(c)
	}
	return out
}

// rescale converts coefficients found on normal scores to input units: their directions stay,
// their common length fits the target.
func (r *Result) rescale(x [][]float64, y []float64, opt settings) {
	d, _, ok := prepare(x, y, opt)
	if !ok {
		return
	}
	direction := make([]float64, d.n)
	for i, j := range d.kept {
		floats.AddScaled(direction, r.Beta[j], d.column(i))
	}
	length := 0.0
	if ss := floats.Dot(direction, direction); ss > 0 {
		length = floats.Dot(direction, d.t) / ss
	}
	r.Intercept = d.yMean
	for i, j := range d.kept {
		r.Beta[j] *= length
		r.Coefficient[j] = r.Beta[j] * d.yUnit / d.unit[i]
		r.Intercept -= r.Coefficient[j] * d.center[i]
	}
	floats.Scale(length, direction)
	r.Explained = d.explained(direction)
}

// Change is a candidate whose relation to the target differs between the two halves of the
// samples.
type Change struct {
	Candidate     int
	Before, After float64 // coefficient, in input units
	Sigmas        float64 // their difference, in standard errors
}

// Drift fits the target on the given candidates, usually the seeds of a selection, in the first
// and in the second half of the samples, and returns those whose coefficients differ by more
// than three standard errors. For such a relation the past says less about the present. Pass
// only the samples before the anomaly: a jump is not a drift.
//
// Drift panics if a candidate differs from y in length.
func Drift(x [][]float64, y []float64, candidates []int) []Change {
	cols := make([][]float64, len(candidates))
	for i, j := range candidates {
		cols[i] = x[j]
	}
	checkLengths(cols, y)
	h := len(y) / 2
	before, first := halfFit(cols, y, 0, h)
	after, second := halfFit(cols, y, h, len(y))
	var out []Change
	for i, j := range candidates {
		se := math.Hypot(first[i], second[i])
		if !(se > 0) || math.IsInf(se, 0) {
			continue
		}
		if z := math.Abs(after[i]-before[i]) / se; z > 3 {
			out = append(out, Change{Candidate: j, Before: before[i], After: after[i], Sigmas: z})
		}
	}
	return out
}

// halfFit regresses y on the columns over samples [lo, hi), and returns the coefficients and
// their standard errors, which are infinite if undetermined.
func halfFit(cols [][]float64, y []float64, lo, hi int) (b, se []float64) {
	b, se = make([]float64, len(cols)), make([]float64, len(cols))
	for i := range se {
		se[i] = math.Inf(1)
	}
	part := make([][]float64, len(cols))
	for i, c := range cols {
		part[i] = c[lo:hi]
	}
	d, _, ok := prepare(part, y[lo:hi], settings{})
	if !ok || d.n < 2*d.p+minRows {
		return b, se
	}
	var g mat.SymDense
	g.SymOuterK(1, d.x)
	addDiagonal(&g, 1e-6*float64(d.n))
	var chol mat.Cholesky
	chol.Factorize(&g)
	var inv mat.SymDense
	_ = chol.InverseTo(&inv) // a condition number, see solve
	beta := ridgeSolve(d.x, d.t, 1e-6*float64(d.n))
	fit := make([]float64, d.n)
	for i := range beta {
		floats.AddScaled(fit, beta[i], d.column(i))
	}
	noise := (1 - d.explained(fit)) * floats.Dot(d.t, d.t) / float64(d.n-d.p-1)
	for i, j := range d.kept {
		unit := d.yUnit / d.unit[i]
		b[j], se[j] = beta[i]*unit, math.Sqrt(noise*inv.At(i, i))*unit
	}
	return b, se
}
