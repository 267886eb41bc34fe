// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/culprit-dev/culprit/analysis/order"
)

const regressRows = 300 // rows before the onset used by the attribution

// Regression is the input of an Attribution: the KPI and the candidates around the incident,
// each standardised over these rows (constant ones are 0).
type Regression struct {
	Y     []float64   // the KPI, by row
	X     [][]float64 // the candidates, X[j][row], in the order of Column
	Onset int         // rows Onset.. are the incident
	// Column is the index of each candidate in Input.Series: skipped series have no column.
	Column []int
	// Move is the KPI's change, Moves[j] that of candidate j: median of the
	// incident minus median of the rows before it.
	Move  float64
	Moves []float64
}

// Attribution divides the change of the KPI: one number per candidate, on any common scale;
// negative numbers count as 0. Ridge is the default.
type Attribution func(Regression) []float64

// Ridge is the attribution by ridge regression of the KPI on all candidates, with as much
// penalty as candidates that vary: coefficient times move, in the direction of the KPI's own
// move. It solves the smaller of two equivalent systems, rows × rows or candidates ×
// candidates.
func Ridge(r Regression) []float64 {
	p, n := len(r.X), len(r.Y)
	share := make([]float64, p)
	if p == 0 {
		return share
	}
	c := mat.NewDense(p, n, nil)
	vary := 0
	for j, x := range r.X {
		c.SetRow(j, x)
		if maxAbs(x) > 0 {
			vary++
		}
	}
	beta := ridge(c, r.Y, float64(max(1, vary)))
	for j := range share {
		share[j] = beta[j] * r.Moves[j] * sign(r.Move)
	}
	return share
}

// ridge solves min |y - Cᵀb|² + lambda |b|² for C with one row per regressor.
func ridge(c *mat.Dense, y []float64, lambda float64) []float64 {
	p, n := c.Dims()
	var gram mat.SymDense
	var b mat.VecDense
	rhs := mat.NewVecDense(n, y)
	if p <= n {
		gram.SymOuterK(1, c)
		b.MulVec(c, rhs)
		solve(&gram, lambda, &b)
		return b.RawVector().Data
	}
	gram.SymOuterK(1, c.T())
	dual := mat.VecDenseCopyOf(rhs)
	solve(&gram, lambda, dual)
	b.MulVec(c, dual)
	return b.RawVector().Data
}

// solve replaces b by (a + lambda I)⁻¹ b; lambda > 0 makes it definite.
func solve(a *mat.SymDense, lambda float64, b *mat.VecDense) {
	for i := range a.SymmetricDim() {
		a.SetSym(i, i, a.At(i, i)+lambda)
	}
	var chol mat.Cholesky
	if !chol.Factorize(a) {
		b.Zero()
		return
	}
	if err := chol.SolveVecTo(b, b); err != nil {
		b.Zero() // ill-conditioned despite lambda: no attribution is better than a wrong one
	}
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// associate fills in rho, share and link. w is the trust in the KPI: with w = 0 all candidates
// get the same link, so a calm KPI, or one that measures demand, has no influence. Correlation
// uses the near rows, which the incident dominates, and regression the far ones, where each
// candidate's usual part can be separated from the others'.
func associate(t *table, p period, w float64, attribute Attribution, ev []Evidence) {
	lo := max(0, p.onset-nearRows(t, p))
	y := t.kpi.x[lo:]
	for j := range ev {
		ev[j].Rho = math.Abs(correlation(t.cand[j].x[lo:], y))
	}
	share := attribute(regression(t, p))
	top := math.SmallestNonzeroFloat64
	for j, v := range share {
		if !finite(v) {
			share[j] = 0
		}
		top = max(top, share[j])
	}
	for j := range ev {
		ev[j].Share = max(0, share[j]) / top
		ev[j].Link = 0.3 + w*(ev[j].Rho+0.5*ev[j].Share)
	}
}

// regression collects the rows for an attribution.
func regression(t *table, p period) Regression {
	lo := max(0, p.onset-regressRows)
	r := Regression{
		Y: make([]float64, t.rows-lo), X: make([][]float64, len(t.cand)), Onset: p.onset - lo,
		Column: make([]int, len(t.cand)), Moves: make([]float64, len(t.cand)),
	}
	var buf []float64
	move := func(q []float64) float64 {
		return medianOf(q[r.Onset:], &buf) - medianOf(q[:r.Onset], &buf)
	}
	standardise(r.Y, t.kpi.x[lo:])
	r.Move = move(r.Y)
	cells := make([]float64, len(t.cand)*len(r.Y))
	for j := range t.cand {
		r.Column[j] = t.cand[j].column
		r.X[j], cells = cells[:len(r.Y)], cells[len(r.Y):]
		standardise(r.X[j], t.cand[j].x[lo:])
		r.Moves[j] = move(r.X[j])
	}
	return r
}

// trust returns how far the KPI can be trusted, 0..1: the logistic of its deviation, centred on
// 3; 0 for a demand KPI.
func trust(t *table, p period) (kz, w float64) {
	a := appendAbs(nil, t.kpi.z[p.onset:], 0)
	kz = order.Quantile(a, 0.6)
	if t.kpi.kind.Demand() {
		return kz, 0
	}
	return kz, 1 / (1 + math.Exp(3-kz))
}
