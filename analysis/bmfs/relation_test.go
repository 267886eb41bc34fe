// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func sameSeries(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
			return false
		}
	}
	return true
}

func TestLaggedShifts(t *testing.T) {
	nan := math.NaN()
	e := Lagged([][]float64{{1, 2, 3}, {4, 5, 6}}, -1, 0, 2)
	want := [][]float64{{2, 3, nan}, {1, 2, 3}, {nan, nan, 1}, {5, 6, nan}, {4, 5, 6}, {nan, nan, 4}}
	for i := range want {
		if !sameSeries(e.X[i], want[i]) {
			t.Errorf("copy %d = %v, want %v", i, e.X[i], want[i])
		}
	}
	if !reflect.DeepEqual(e.Origin, []int{0, 0, 0, 1, 1, 1}) {
		t.Errorf("origins %v", e.Origin)
	}
	if plain := Lagged([][]float64{{1, 2}}); !sameSeries(plain.X[0], []float64{1, 2}) || len(plain.X) != 1 {
		t.Errorf("no lags give %v", plain.X)
	}
}

func TestLagFindsALateEffect(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x := [][]float64{make([]float64, 80), make([]float64, 80), make([]float64, 80)}
	y := make([]float64, 80)
	for i := range y {
		for j := range x {
			x[j][i] = rng.NormFloat64()
		}
		if y[i] = .1 * rng.NormFloat64(); i > 0 {
			y[i] += x[1][i-1]
		}
	}
	e := Lagged(x, 0, 1)
	r := Fit(e.X, y, Options{})
	for i, on := range r.Selected {
		if on != (i == 3) {
			t.Errorf("selected %v, want the second candidate one sample late alone", r.Selected)
			break
		}
	}
}

func TestHingedAddsTheExcess(t *testing.T) {
	nan := math.NaN()
	c := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, nan}
	e := Hinged([][]float64{c, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {nan, nan}})
	if !reflect.DeepEqual(e.Origin, []int{0, 0, 1, 2}) {
		t.Fatalf("origins = %v, want [0 0 1 2]", e.Origin)
	}
	if math.Abs(e.X[1][9]-.9) > 1e-12 || e.X[1][8] != 0 || !math.IsNaN(e.X[1][10]) {
		t.Errorf("excess = %v, want 0.9 over the knee of 8.1", e.X[1])
	}
}

func TestNormalScores(t *testing.T) {
	nan := math.NaN()
	got := normalScores([]float64{30, nan, 10, 20, 20})
	// Ranks 4, 1, 2.5, 2.5 of 4: quantiles of 3.625/4.25, 0.625/4.25, 0.5.
	want := []float64{1.0491314, nan, -1.0491314, 0, 0}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-7 {
			t.Errorf("score %d = %g, want %g", i, got[i], want[i])
		}
	}
}

func TestMonotoneFitKeepsTheUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	x := [][]float64{make([]float64, 100), make([]float64, 100)}
	y := make([]float64, 100)
	for i := range y {
		x[0][i], x[1][i] = 1000*rng.NormFloat64(), rng.NormFloat64()
		y[i] = 5 + .002*x[0][i]
	}
	r := Fit(x, y, Options{Monotone: true})
	if !r.Selected[0] || r.Selected[1] || math.Abs(r.Coefficient[0]-.002) > 1e-6 || math.Abs(r.Intercept-5) > 1e-3 {
		t.Errorf("selected %v, coefficients %v, intercept %g", r.Selected, r.Coefficient, r.Intercept)
	}
}

func TestRidgeSeesSumsOfManyParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	const n, p = 60, 100
	x, y, want := make([][]float64, p), make([]float64, n), 0.0
	for j := range x {
		x[j] = make([]float64, n)
		for i := range x[j] {
			x[j][i] = rng.NormFloat64()
			y[i] += x[j][i]
		}
	}
	r := Ridge(x, y, Options{})
	for _, b := range r.Coefficient {
		want += b / p
	}
	if r.Explained < .5 || want < .3 || want > 1 {
		t.Errorf("explains %g, mean coefficient %g, want most of the sum", r.Explained, want)
	}
}

// The fixed point is a stationary point of the evidence, which is evaluated here
// from its definition: y ~ N(0, v (I + X X'/c)), v profiled out.
func TestRidgePenaltyMaximisesTheEvidence(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	x := [][]float64{make([]float64, 30), make([]float64, 30), make([]float64, 30)}
	y := make([]float64, 30)
	for i := range y {
		for j := range x {
			x[j][i] = rng.NormFloat64()
		}
		y[i] = x[0][i] - .5*x[1][i] + rng.NormFloat64()
	}
	d, _, _ := prepare(x, y, settings{})
	best := Ridge(x, y, Options{}).Penalty
	at := d.logEvidence(best)
	for _, factor := range []float64{.8, .95, 1.05, 1.25} {
		if other := d.logEvidence(best * factor); other > at+1e-9 {
			t.Errorf("evidence %g at penalty %g, %g at %g", at, best, other, best*factor)
		}
	}
}

func (d *design) logEvidence(c float64) float64 {
	n := d.n
	var cov mat.SymDense
	cov.SymOuterK(1/c, d.x.T())
	addDiagonal(&cov, 1)
	var chol mat.Cholesky
	chol.Factorize(&cov)
	t := mat.NewVecDense(n, d.t)
	var s mat.VecDense
	solve(&chol, &s, t)
	return -chol.LogDet()/2 - float64(n)/2*math.Log(mat.Dot(t, &s))
}
