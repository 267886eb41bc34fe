// SPDX-License-Identifier: Apache-2.0

package bmfs_test

import (
	"math"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis/bmfs"
	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

func ramp(n int, f func(i int) float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

func TestInputThatCannotBeFitted(t *testing.T) {
	nan := math.NaN()
	wave := ramp(30, func(i int) float64 { return math.Sin(float64(i)) })
	flat := ramp(30, func(int) float64 { return 7 })
	none := ramp(30, func(int) float64 { return nan })
	rare := ramp(30, func(i int) float64 {
		if i < 5 {
			return float64(i)
		}
		return math.Inf(1)
	})
	for _, c := range []struct {
		name string
		x    [][]float64
		y    []float64
		code bmfs.WarningCode
		text string
	}{
		{"no candidates", nil, wave, bmfs.NoCandidates, "no candidate moves"},
		{"three samples", [][]float64{{1, 2, 4}}, []float64{1, 2, 3}, bmfs.TooFewRows, "only 3 rows"},
		{"no samples", [][]float64{{}}, nil, bmfs.TooFewRows, "only 0 rows"},
		{"flat target", [][]float64{wave}, flat, bmfs.ConstantTarget, "it is 7 in every row"},
		{"target never observed", [][]float64{wave}, none, bmfs.TooFewRows, "only 0 rows"},
		{"flat candidate", [][]float64{flat}, wave, bmfs.ConstantCandidate, "does not move from 7"},
		{"candidate never observed", [][]float64{none}, wave, bmfs.RarelyObserved, "observed in 0 rows"},
		{"candidate rarely observed", [][]float64{rare}, wave, bmfs.RarelyObserved, "observed in 5 rows"},
	} {
		for _, preset := range []bmfs.Preset{bmfs.Robust, bmfs.Paper} {
			r := bmfs.Fit(c.x, c.y, bmfs.Options{Preset: preset})
			if len(r.Sets) != 0 || r.Explained != 0 || len(r.Selected) != len(c.x) {
				t.Errorf("%s: selected %v, explained %g", c.name, r.Selected, r.Explained)
			}
			if len(r.Warnings) == 0 || r.Warnings[0].Code != c.code || !strings.Contains(r.Warnings[0].String(), c.text) {
				t.Errorf("%s: warnings = %v, want %q saying %q", c.name, r.Warnings, c.code, c.text)
			}
			ridge := bmfs.Ridge(c.x, c.y, bmfs.Options{})
			if ridge.Explained != 0 || len(ridge.Warnings) == 0 {
				t.Errorf("%s: ridge explains %g, warnings %v", c.name, ridge.Explained, ridge.Warnings)
			}
		}
	}
}

func TestEveryWarningHasASentence(t *testing.T) {
	for _, code := range []bmfs.WarningCode{
		bmfs.TooFewRows, bmfs.ConstantTarget, bmfs.NoCandidates, bmfs.RarelyObserved, bmfs.ConstantCandidate,
		bmfs.ScreenedOut, bmfs.NotConverged, bmfs.BoundFell, bmfs.RidgeRaised, bmfs.NotDefinite,
	} {
		if s := (bmfs.Warning{Code: code, Value: 3}).String(); !strings.Contains(s, " ") {
			t.Errorf("%q says %q", code, s)
		}
	}
}

func TestUnfinishedFitSaysSo(t *testing.T) {
	p := synth.Published{N: 50, P: 20, Blocks: 20}.Problem(synth.Rand(1))
	r := bmfs.Fit(p.X, p.Y, bmfs.Options{MaxIterations: 3})
	if r.Converged || r.Iterations != 3 || len(r.Warnings) != 1 || r.Warnings[0].Code != bmfs.NotConverged {
		t.Errorf("converged %v after %d iterations, warnings %v", r.Converged, r.Iterations, r.Warnings)
	}
}

func TestLengthsMustAgree(t *testing.T) {
	for name, call := range map[string]func(){
		"fit":   func() { bmfs.Fit([][]float64{{1, 2}}, []float64{1}, bmfs.Options{}) },
		"ridge": func() { bmfs.Ridge([][]float64{{1, 2}}, []float64{1}, bmfs.Options{}) },
		"drift": func() { bmfs.Drift([][]float64{{1, 2}}, []float64{1}, []int{0}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s takes slices that differ in length", name)
				}
			}()
			call()
		}()
	}
}

// FuzzFit looks for input that yields NaN or Inf, or panics.
func FuzzFit(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, uint8(2), uint8(0))
	f.Add([]byte{0, 0, 0, 0, 255, 255, 128, 0, 0, 0, 0, 0, 7, 7, 7, 7, 9, 9, 9, 1, 200, 201, 255, 3}, uint8(3), uint8(7))
	f.Fuzz(func(t *testing.T, raw []byte, columns, flags uint8) {
		p := int(columns%8) + 1
		n := len(raw) / (p + 1)
		if n > 40 {
			n = 40
		}
		series := make([][]float64, p+1)
		for j := range series {
			series[j] = ramp(n, func(i int) float64 { return decode(raw[j*n+i]) })
		}
		o := bmfs.Options{
			Preset: bmfs.Preset(flags & 1), Scale: bmfs.Scale(flags >> 1 & 1), Positive: flags>>2&1 == 1,
			Independent: flags>>3&1 == 1, Solver: bmfs.Solver(flags >> 4 % 3), Monotone: flags>>6&1 == 1, Screen: 5,
			MaxIterations: 50,
		}
		r := bmfs.Fit(series[1:], series[0], o)
		requireFinite(t, r.Coefficient, r.Beta, r.Mean, r.Variance, r.Relevance, r.Trace,
			[]float64{r.Intercept, r.Alpha, r.Gamma, r.Bound, r.Explained})
		ridge := bmfs.Ridge(series[1:], series[0], o)
		requireFinite(t, ridge.Coefficient, ridge.Beta, []float64{ridge.Intercept, ridge.Explained, ridge.Penalty})
	})
}

// decode maps bytes to small, missing, tiny and huge values.
func decode(b byte) float64 {
	switch {
	case b < 160:
		return float64(b%32) - 16
	case b < 180:
		return math.NaN()
	case b < 200:
		return math.Ldexp(float64(b)-190, -300)
	case b < 220:
		return math.Ldexp(float64(b)-210, 330)
	case b < 230:
		return math.MaxFloat64
	case b < 235:
		return math.Inf(-1)
	}
	return 1 + float64(b)*1e-13
}

func requireFinite(t *testing.T, slices ...[]float64) {
	t.Helper()
	for k, s := range slices {
		for j, v := range s {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("slice %d: value %d is %g", k, j, v)
			}
		}
	}
}
