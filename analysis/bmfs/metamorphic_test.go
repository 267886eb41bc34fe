// SPDX-License-Identifier: Apache-2.0

package bmfs_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/culprit-dev/culprit/analysis/bmfs"
	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

// TestWhatIsNoEvidenceChangesNothing transforms a problem: the findings stay the same, and so
// do the coefficients once converted back.
func TestWhatIsNoEvidenceChangesNothing(t *testing.T) {
	nan := math.NaN()
	for name, form := range map[string]struct {
		of    func(x [][]float64, y []float64, rng *rand.Rand) ([][]float64, []float64)
		times float64 // factor of the coefficients
	}{
		"rows in another order": {shuffled, 1},
		"candidates that say nothing": {func(x [][]float64, y []float64, rng *rand.Rand) ([][]float64, []float64) {
			flat, none, rare := slices.Repeat([]float64{7}, len(y)), slices.Repeat([]float64{nan}, len(y)), slices.Repeat([]float64{nan}, len(y))
			for i := range len(y) / 4 {
				rare[i] = y[i]
			}
			return append(slices.Clone(x), flat, none, rare), y
		}, 1},
		"rows without a target": {func(x [][]float64, y []float64, rng *rand.Rand) ([][]float64, []float64) {
			y = append(slices.Clone(y), nan, math.Inf(1), nan)
			return each(x, func(_ int, c []float64) []float64 { return append(slices.Clone(c), 1e6*rng.NormFloat64(), nan, -3) }), y
		}, 1},
		"another target's zero": {func(x [][]float64, y []float64, _ *rand.Rand) ([][]float64, []float64) {
			return x, each([][]float64{y}, func(_ int, c []float64) []float64 { return shifted(c, 1, 40) })[0]
		}, 1},
		"upside down": {func(x [][]float64, y []float64, _ *rand.Rand) ([][]float64, []float64) {
			return each(x, func(_ int, c []float64) []float64 { return shifted(c, -1, 5) }), y
		}, -1},
		"what is missing written otherwise": {func(x [][]float64, y []float64, _ *rand.Rand) ([][]float64, []float64) {
			return each(x, func(j int, c []float64) []float64 {
				c = slices.Clone(c)
				for i, v := range c {
					if math.IsNaN(v) {
						c[i] = []float64{math.Inf(-1), 1e101, math.Inf(1)}[(i+j)%3]
					}
				}
				return c
			}), y
		}, 1},
	} {
		for _, missing := range []float64{0, .15} {
			p := blocks(11, 60, 24, missing)
			a := bmfs.Fit(p.X, p.Y, bmfs.Options{})
			x, y := form.of(p.X, p.Y, synth.Rand(1))
			b := bmfs.Fit(x, y, bmfs.Options{})
			if len(a.Sets) == 0 || len(a.Sets) != len(b.Sets) {
				t.Fatalf("%s, missing %g: %d findings, before %d", name, missing, len(b.Sets), len(a.Sets))
			}
			for j, want := range a.Coefficient {
				if a.Selected[j] != b.Selected[j] || math.Abs(form.times*b.Coefficient[j]-want) > 1e-7*(1+math.Abs(want)) {
					t.Errorf("%s, missing %g: candidate %d has %g, before %g", name, missing, j, b.Coefficient[j], want)
				}
			}
			if slices.Contains(b.Selected[len(a.Selected):], true) || math.Abs(a.Explained-b.Explained) > 1e-7 {
				t.Errorf("%s, missing %g: selected %v explains %g, before %g", name, missing, b.Selected, b.Explained, a.Explained)
			}
		}
	}
}

// each maps every series.
func each(x [][]float64, f func(int, []float64) []float64) [][]float64 {
	out := make([][]float64, len(x))
	for j, c := range x {
		out[j] = f(j, c)
	}
	return out
}

// shifted is scale times a series plus an offset.
func shifted(c []float64, scale, offset float64) []float64 {
	out := make([]float64, len(c))
	for i, v := range c {
		out[i] = scale*v + offset
	}
	return out
}

func shuffled(x [][]float64, y []float64, rng *rand.Rand) ([][]float64, []float64) {
	order := rng.Perm(len(y))
	all := each(append(slices.Clone(x), y), func(_ int, c []float64) []float64 {
		out := make([]float64, len(c))
		for i, from := range order {
			out[i] = c[from]
		}
		return out
	})
	return all[:len(x)], all[len(x)]
}

// unexplained is the fraction of a target's variance that a linear formula leaves, by
// definition.
func unexplained(x [][]float64, y, coefficient []float64, intercept float64) float64 {
	rest := make([]float64, len(y))
	for i := range y {
		rest[i] = y[i] - intercept
		for j, b := range coefficient {
			rest[i] -= b * x[j][i]
		}
	}
	var left float64
	for _, v := range rest {
		left += v * v
	}
	return left / (float64(len(y)-1) * stat.Variance(y, nil))
}

// TestTheFormulaExplainsWhatItSays computes the fitted target from the coefficients.
func TestTheFormulaExplainsWhatItSays(t *testing.T) {
	for seed := range uint64(4) {
		p := blocks(seed, 60, 24, 0)
		for _, o := range []bmfs.Options{{}, {Positive: true}, {Scale: bmfs.Common}, {Independent: true}, {Preset: bmfs.Paper}} {
			r := bmfs.Fit(p.X, p.Y, o)
			if left := unexplained(p.X, p.Y, r.Coefficient, r.Intercept); len(r.Sets) > 0 && math.Abs(1-left-r.Explained) > 1e-9 {
				t.Errorf("seed %d %+v: explains %g, says %g", seed, o, 1-left, r.Explained)
			}
			for j, b := range r.Coefficient {
				if !r.Selected[j] && b != 0 || o.Positive && b < 0 {
					t.Errorf("seed %d %+v: candidate %d, selected %v, has %g", seed, o, j, r.Selected[j], b)
				}
			}
		}
		r := bmfs.Ridge(p.X, p.Y, bmfs.Options{})
		if left := unexplained(p.X, p.Y, r.Coefficient, r.Intercept); math.Abs(1-left-r.Explained) > 1e-9 {
			t.Errorf("seed %d: the ridge explains %g, says %g", seed, 1-left, r.Explained)
		}
	}
}

// TestRidgeSolvesTheNormalEquations compares with (X'X + cI)^-1 X't of standardised
// columns, for more and for fewer candidates than rows.
func TestRidgeSolvesTheNormalEquations(t *testing.T) {
	for _, columns := range []int{20, 90} {
		p := blocks(3, 60, columns, 0)
		r := bmfs.Ridge(p.X, p.Y, bmfs.Options{})
		x, target := mat.NewDense(60, columns, nil), mat.NewVecDense(60, nil)
		for j, c := range append(slices.Clone(p.X), p.Y) {
			mean, unit := stat.MeanStdDev(c, nil)
			for i, v := range c {
				if v = (v - mean) / unit; j < columns {
					x.Set(i, j, v)
				} else {
					target.SetVec(i, v)
				}
			}
		}
		var a mat.SymDense
		var b, want mat.VecDense
		a.SymOuterK(1, x.T())
		for j := range columns {
			a.SetSym(j, j, a.At(j, j)+r.Penalty)
		}
		b.MulVec(x.T(), target)
		if err := want.SolveVec(&a, &b); err != nil {
			t.Fatal(err)
		}
		for j, got := range r.Beta {
			if math.Abs(got-want.AtVec(j)) > 1e-8 {
				t.Errorf("%d candidates: beta[%d] = %g, by the normal equations %g", columns, j, got, want.AtVec(j))
			}
		}
	}
}
