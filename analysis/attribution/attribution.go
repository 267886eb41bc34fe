// SPDX-License-Identifier: Apache-2.0

// Package attribution computes from the coefficients of a linear model what each candidate
// contributed to a change of the target, the backward half of BALANCE (Chen et al., Proc. ACM
// Manag. Data 1(1), art. 95, 2023), and merges the contributions to several targets.
//
// For a linear model f(x) = b_0 + sum_j b_j x_j and a baseline x0,
//
//	phi_j = b_j (x_j - x0_j)
//
// is at once the marginal effect, the integrated gradient, the DeepLIFT score
// and the exact Shapley value of candidate j: the phi add up to f(x) - f(x0),
// a candidate without a coefficient or a change gets nothing, equal candidates
// with equal changes get the same, and small changes of x change it little.
package attribution

import (
	"fmt"
	"math"
	"slices"
)

// MinExplained is the share of the target's change below which a model deserves no more than
// low confidence.
const MinExplained = 0.3

// Change is a linear model and the two states to compare. Its slices have one entry per
// candidate.
type Change struct {
	Coefficient []float64 // target units per candidate unit
	At          []float64 // candidates in the anomaly; NaN if not observed
	Baseline    []float64 // candidates before it
	TargetAt    float64
	TargetBase  float64
}

// Result is the attribution of a change to the candidates, one entry each.
type Result struct {
	// Phi is the contribution in the target's unit: the marginal effect.
	Phi []float64
	// Psi is Phi as a share of the target's change; all 0 if there is none.
	Psi []float64
	// Share is the candidate's part of what moved the target in its direction: in [0,1], adding
	// up to 1 unless nothing did.
	Share []float64
	// Salience is b_j x_j, the contribution against a baseline of 0;
	// Sensitivity is b_j. The published program ranks by them.
	Salience, Sensitivity []float64

	// Unexplained is 1 − ΣPsi; negative if the model explains too much.
	Unexplained float64
	// Order lists the candidates that moved the target in its direction, the largest
	// contribution first; Counteracting those that moved it the other way, the strongest first.
	Order, Counteracting []int
}

// Weak says whether the model explains less than MinExplained of the change.
func (r Result) Weak() bool { return 1-r.Unexplained < MinExplained }

// Attribute divides the change of the target among the candidates. A candidate that is not
// observed in one of the states contributes nothing. Ties go to the smaller index.
//
// Attribute panics if the slices of c differ in length.
func Attribute(c Change) Result {
	p := len(c.Coefficient)
	if len(c.At) != p || len(c.Baseline) != p {
		panic(fmt.Sprintf("attribution: %d coefficients for %d and %d candidates", p, len(c.At), len(c.Baseline)))
	}
	zero := func() []float64 { return make([]float64, p) }
	r := Result{Phi: zero(), Psi: zero(), Salience: zero(), Sensitivity: slices.Clone(c.Coefficient)}
	dy := c.TargetAt - c.TargetBase
	moved := math.Abs(dy) > 1e-12*math.Max(math.Abs(c.TargetAt), math.Abs(c.TargetBase))
	r.Unexplained = 1
	for j, b := range c.Coefficient {
		r.Salience[j] = finite(b * c.At[j])
		r.Phi[j] = finite(b * (c.At[j] - c.Baseline[j]))
		if moved {
			r.Psi[j] = finite(r.Phi[j] / dy)
			r.Unexplained -= r.Psi[j]
		}
	}
	direction := sign(dy)
	if !moved {
		direction = sign(sum(r.Phi))
	}
	r.Share = Shares(r.Phi, direction)
	r.Order = ranked(r.Phi, direction)
	r.Counteracting = ranked(r.Phi, -direction)
	return r
}

// Shares returns each contribution as a part of all contributions with the sign of direction;
// all 0 if there are none. Direction 0 counts as positive.
func Shares(phi []float64, direction float64) []float64 {
	if direction == 0 {
		direction = 1
	}
	share := make([]float64, len(phi))
	most := 0.0 // divided out first, so that no sum overflows
	for j, v := range phi {
		share[j] = math.Max(v*sign(direction), 0)
		most = math.Max(most, share[j])
	}
	if most == 0 {
		return share
	}
	for j := range share {
		share[j] /= most
	}
	total := sum(share)
	for j := range share {
		share[j] /= total
	}
	return share
}

// ranked lists the contributions with the sign of direction, largest first.
func ranked(phi []float64, direction float64) []int {
	var order []int
	for j, v := range phi {
		if v*direction > 0 {
			order = append(order, j)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch x, y := math.Abs(phi[a]), math.Abs(phi[b]); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return order
}

// finite replaces NaN and infinities by 0.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
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

func sum(v []float64) (s float64) {
	for _, x := range v {
		s += x
	}
	return s
}
