// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// The golden cases were computed by an independent implementation in Python
// (numpy and scipy).

type golden struct {
	Moments struct {
		D        []float64
		H        []float64
		Mean     []float64
		MeanSqrt []float64 `json:"mean_sqrt"`
		R        []float64
		Variance []float64
	}
	Cases []goldenCase
}

type goldenCase struct {
	Name    string
	Options struct {
		Preset, Normalize, Backend string
		Positive                   bool
		Correlation                *bool
	}
	X      [][]*float64
	Y      []float64
	Expect struct {
		Iterations                   int
		Alpha, Gamma, ELBO           float64
		Trace                        []float64 `json:"elbo_trace_first6"`
		Kappa, Mean, Beta, Coef      []float64
		Intercept                    float64
		Selected, Seeds, Owner, Kept []int
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/bmfs_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func (c goldenCase) options() Options {
	var o Options
	if c.Options.Preset == "paper" {
		o.Preset = Paper
	}
	if c.Options.Normalize == "allstd" {
		o.Scale = Common
	}
	switch c.Options.Backend {
	case "dense":
		o.Solver = Dense
	case "woodbury":
		o.Solver = Woodbury
	}
	o.Positive = c.Options.Positive
	o.Independent = c.Options.Correlation != nil && !*c.Options.Correlation
	return o
}

func (c goldenCase) columns() [][]float64 {
	x := make([][]float64, len(c.X[0]))
	for j := range x {
		x[j] = make([]float64, len(c.X))
		for i, row := range c.X {
			if x[j][i] = math.NaN(); row[j] != nil {
				x[j][i] = *row[j]
			}
		}
	}
	return x
}

func indices(on []bool) []int {
	out := []int{}
	for j, v := range on {
		if v {
			out = append(out, j)
		}
	}
	return out
}

func close(got, want, tol float64) bool {
	return math.Abs(got-want) <= tol*math.Max(1, math.Abs(want))
}

func checkClose(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for j := range got {
		if !close(got[j], want[j], tol) {
			t.Errorf("%s[%d] = %.10g, want %.10g", what, j, got[j], want[j])
		}
	}
}

func TestGolden(t *testing.T) {
	for _, c := range readGolden(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			e := c.Expect
			r := Fit(c.columns(), c.Y, c.options())
			tol := 1e-6
			if c.Options.Preset == "paper" && e.Alpha > 1e3 {
				tol = 1e-4
			}
			if r.Iterations != e.Iterations {
				t.Errorf("iterations = %d, want %d", r.Iterations, e.Iterations)
			}
			kappa := make([]float64, len(r.Relevance))
			for j, v := range r.Relevance {
				kappa[j] = 1 - v
			}
			scalars := []float64{r.Alpha / e.Alpha, r.Gamma / e.Gamma, r.Bound, r.Intercept}
			checkClose(t, "alpha, gamma (ratio), bound, intercept", scalars, []float64{1, 1, e.ELBO, e.Intercept}, tol)
			checkClose(t, "trace", r.Trace[:6], e.Trace, tol)
			checkClose(t, "kappa", kappa, e.Kappa, tol)
			checkClose(t, "mean", r.Mean, e.Mean, tol)
			checkClose(t, "beta", r.Beta, e.Beta, tol)
			checkClose(t, "coefficient", r.Coefficient, e.Coef, tol)
			checkIndices(t, r, c)
		})
	}
}

func checkIndices(t *testing.T, r Result, c goldenCase) {
	t.Helper()
	e := c.Expect
	if got := indices(r.Selected); !slices.Equal(got, e.Selected) {
		t.Errorf("selected = %v, want %v", got, e.Selected)
	}
	if got := indices(r.Kept); !slices.Equal(got, e.Kept) {
		t.Errorf("kept = %v, want %v", got, e.Kept)
	}
	if e.Owner == nil {
		return
	}
	var seeds []int
	owner := map[int]int{}
	for _, s := range r.Sets {
		seeds = append(seeds, s.Seed)
		for _, m := range s.Members {
			if _, ok := owner[m.Candidate]; !ok {
				owner[m.Candidate] = s.Seed
			}
		}
	}
	slices.Sort(seeds)
	if !slices.Equal(seeds, e.Seeds) && len(seeds)+len(e.Seeds) > 0 {
		t.Errorf("seeds = %v, want %v", seeds, e.Seeds)
	}
	for i, j := range e.Kept {
		want := e.Owner[i]
		if got, ok := owner[j]; ok != (want >= 0) || ok && got != want {
			t.Errorf("candidate %d belongs to the set of %d (%v), want %d", j, got, ok, want)
		}
	}
}

func TestMomentsAgainstReference(t *testing.T) {
	m := readGolden(t).Moments
	for i, d := range m.D {
		got := moments(d)
		vals := []float64{
			1 / got.invH / m.H[i], math.Exp(got.logH) / m.H[i], got.mean / m.Mean[i],
			got.root / m.MeanSqrt[i], got.ratio / m.R[i], got.variance / m.Variance[i],
		}
		for k, v := range vals {
			if !close(v, 1, 1e-12) {
				t.Errorf("d = %g: moment %d is %.3e off", d, k, v-1)
			}
		}
	}
}

// Twelve rows of two near copies and two others, with
// y = 2 x0 + 0.3 x3 rounded to two digits, and every number printed.

func TestSmallCaseInFull(t *testing.T) {
	rows := [][]float64{
		{0.0, 0.03, -0.27, -0.89},
		{-0.45, -0.55, 0.06, 1.34},
		{-0.49, -0.55, 0.49, 0.36},
		{0.11, 0.02, -0.03, 0.7},
		{-1.34, -1.39, -1.9, -1.29},
		{-1.84, -1.86, -1.27, 0.27},
		{0.16, 0.14, -2.52, -0.54},
		{-0.05, -0.04, -1.53, -0.48},
		{-0.98, -1.06, 1.06, -0.81},
		{-0.03, 0.06, -0.58, -0.11},
		{0.11, 0.12, -1.23, 0.08},
		{1.36, 1.2, 0.86, 0.12},
	}
	y := []float64{-0.27, -0.5, -0.87, 0.43, -3.07, -3.6, 0.16, -0.24, -2.2, -0.09, 0.24, 2.76}
	x := transpose(rows)
	for _, c := range []struct {
		preset              Preset
		tol                 float64
		iterations          int
		scalars             []float64 // alpha, gamma, bound, intercept
		kappa, mean         []float64
		beta, coef, elboTop []float64
	}{
		{
			Paper, 1e-4, 36,
			[]float64{314949.9128693, 155.55420677, 51.31050713, 0.00023196},
			[]float64{0.01472016, 0.99058348, 0.9996588, 0.3326272},
			[]float64{0.97472256, -0.0039457, 0.00021909, 0.13009318},
			[]float64{0.96992613, 0, 0, 0.13029587},
			[]float64{1.99946638, 0, 0, 0.29969534},
			[]float64{-3.01150305, -2.90030034, 2.17023313, 5.31906534, 5.4963117, 10.26176969},
		},
		{
			Robust, 1e-6, 25,
			[]float64{77.64251242, 22.34909039, 14.1726391, 0.00074963},
			[]float64{0.09808399, 0.74494375, 0.966275, 0.71350347},
			[]float64{1.0880952, -0.11691872, -0.00569553, 0.1205477},
			[]float64{0.97081165, 0, 0, 0.13027236},
			[]float64{2.00129185, 0, 0, 0.29964125},
			[]float64{-3.07150299, -2.96030028, 1.86492829, 4.77828512, 4.95181865, 8.7388911},
		},
	} {
		r := Fit(x, y, Options{Preset: c.preset})
		if r.Iterations != c.iterations {
			t.Errorf("preset %d: iterations = %d, want %d", c.preset, r.Iterations, c.iterations)
		}
		kappa := make([]float64, 4)
		for j, v := range r.Relevance {
			kappa[j] = 1 - v
		}
		checkClose(t, "alpha, gamma, bound, intercept", []float64{r.Alpha, r.Gamma, r.Bound, r.Intercept}, c.scalars, c.tol)
		checkClose(t, "kappa", kappa, c.kappa, c.tol)
		checkClose(t, "mean", r.Mean, c.mean, c.tol)
		checkClose(t, "beta", r.Beta, c.beta, c.tol)
		checkClose(t, "coefficient", r.Coefficient, c.coef, c.tol)
		checkClose(t, "first bounds", r.Trace[:6], c.elboTop, c.tol)
	}
}

func transpose(rows [][]float64) [][]float64 {
	x := make([][]float64, len(rows[0]))
	for j := range x {
		for _, row := range rows {
			x[j] = append(x[j], row[j])
		}
	}
	return x
}
