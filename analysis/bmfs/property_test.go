// SPDX-License-Identifier: Apache-2.0

package bmfs_test

import (
	"math"
	"reflect"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis/bmfs"
	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

func blocks(seed uint64, n, p int, missing float64) synth.Problem {
	c := synth.Blocks{N: n, P: p, Size: 5, Rho: .95, Acting: 3, R2: .9, Missing: missing}
	return c.Problem(synth.Rand(seed))
}

func TestBoundNeverFalls(t *testing.T) {
	for _, size := range [][2]int{{60, 40}, {40, 200}, {30, 300}} {
		for _, missing := range []float64{0, .3} {
			for _, solver := range []bmfs.Solver{bmfs.Dense, bmfs.Woodbury} {
				for _, positive := range []bool{false, true} {
					p := blocks(1, size[0], size[1], missing)
					r := bmfs.Fit(p.X, p.Y, bmfs.Options{Solver: solver, Positive: positive})
					for i := 1; i < len(r.Trace); i++ {
						fall := r.Trace[i-1] - r.Trace[i]
						if fall > 1e-9*math.Max(1, math.Abs(r.Trace[i])) {
							t.Errorf("n=%d p=%d missing %g solver %d positive %v: step %d lowers the bound from %g by %g",
								size[0], size[1], missing, solver, positive, i, r.Trace[i-1], fall)
						}
					}
				}
			}
		}
	}
}

func TestSolversAgree(t *testing.T) {
	for _, missing := range []float64{0, .2} {
		for _, o := range []bmfs.Options{{}, {Positive: true}, {Scale: bmfs.Common}, {Independent: true}} {
			p := blocks(2, 40, 200, missing)
			if o.Positive {
				o.MaxIterations = 30 // later, rounding decides between correlated candidates
			}
			o.Solver = bmfs.Dense
			a := bmfs.Fit(p.X, p.Y, o)
			o.Solver = bmfs.Woodbury
			b := bmfs.Fit(p.X, p.Y, o)
			if a.Iterations != b.Iterations || !reflect.DeepEqual(a.Selected, b.Selected) {
				t.Errorf("%+v: %d and %d iterations, or different selections", o, a.Iterations, b.Iterations)
			}
			for j := range a.Relevance {
				if math.Abs(a.Relevance[j]-b.Relevance[j]) > 1e-9 {
					t.Fatalf("%+v: relevance[%d] = %g and %g", o, j, a.Relevance[j], b.Relevance[j])
				}
			}
		}
	}
}

func TestUnitsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := blocks(rapid.Uint64Range(0, 1000).Draw(t, "seed"), 60, 20, 0)
		j := rapid.IntRange(0, 19).Draw(t, "candidate")
		scale := math.Pow(10, rapid.Float64Range(-9, 9).Draw(t, "log10 of the unit"))
		offset := rapid.Float64Range(-10, 10).Draw(t, "offset")
		a := bmfs.Fit(p.X, p.Y, bmfs.Options{})
		other := make([]float64, len(p.Y))
		for i, v := range p.X[j] {
			other[i] = scale * (v + offset)
		}
		p.X[j] = other
		b := bmfs.Fit(p.X, p.Y, bmfs.Options{})
		if !reflect.DeepEqual(a.Selected, b.Selected) {
			t.Fatalf("selected %v before and %v after", a.Selected, b.Selected)
		}
		if got, want := b.Coefficient[j]*scale, a.Coefficient[j]; math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
			t.Fatalf("coefficient in the old unit %g, want %g", got, want)
		}
	})
}

func TestTargetScalesCoefficients(t *testing.T) {
	p := blocks(4, 60, 20, .1)
	a := bmfs.Fit(p.X, p.Y, bmfs.Options{})
	scaled := make([]float64, len(p.Y))
	for i, v := range p.Y {
		scaled[i] = -3e6 * v
	}
	b := bmfs.Fit(p.X, scaled, bmfs.Options{})
	for j := range a.Coefficient {
		if math.Abs(b.Coefficient[j]+3e6*a.Coefficient[j]) > 1e-3*math.Abs(a.Coefficient[j]) {
			t.Errorf("coefficient[%d] = %g, want %g", j, b.Coefficient[j], -3e6*a.Coefficient[j])
		}
	}
}

func TestOrderOfCandidatesDoesNotMatter(t *testing.T) {
	p := blocks(5, 60, 30, .1)
	a := bmfs.Fit(p.X, p.Y, bmfs.Options{})
	perm := synth.Rand(9).Perm(len(p.X))
	x := make([][]float64, len(p.X))
	for j, to := range perm {
		x[to] = p.X[j]
	}
	b := bmfs.Fit(x, p.Y, bmfs.Options{})
	for j, to := range perm {
		if a.Selected[j] != b.Selected[to] || math.Abs(a.Coefficient[j]-b.Coefficient[to]) > 1e-8 {
			t.Errorf("candidate %d: coefficient %g, in another place %g", j, a.Coefficient[j], b.Coefficient[to])
		}
	}
}

func TestSameBitsOnOneAndManyWorkers(t *testing.T) {
	p := blocks(6, 150, 600, .05)
	procs := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(procs)
	a := bmfs.Fit(p.X, p.Y, bmfs.Options{})
	runtime.GOMAXPROCS(8)
	if b := bmfs.Fit(p.X, p.Y, bmfs.Options{}); !reflect.DeepEqual(a, b) {
		t.Error("the result depends on the number of workers")
	}
}

func TestScreeningKeepsTheCauses(t *testing.T) {
	for seed := range uint64(5) {
		p := synth.Published{N: 100, P: 1000, Blocks: 1000}.Problem(synth.Rand(seed))
		r := bmfs.Fit(p.X, p.Y, bmfs.Options{Screen: 100})
		kept := 0
		for j, ok := range r.Kept {
			if ok {
				kept++
			}
			if p.Active[j] && !ok {
				t.Errorf("seed %d: active candidate %d was screened out", seed, j)
			}
		}
		if kept != 100 {
			t.Errorf("seed %d: %d candidates entered the model, want 100", seed, kept)
		}
	}
}

func TestMembersOfASetShareItsWeight(t *testing.T) {
	p := blocks(7, 120, 100, 0)
	for _, s := range bmfs.Fit(p.X, p.Y, bmfs.Options{}).Sets {
		total, seed := 0.0, false
		for _, m := range s.Members {
			total += m.Weight
			seed = seed || m.Candidate == s.Seed
		}
		if !seed || math.Abs(total-1) > 1e-12 {
			t.Errorf("set of %d: seed among its members %v, weights add up to %g", s.Seed, seed, total)
		}
	}
}

func TestCopiesAreOneFinding(t *testing.T) {
	p := synth.Published{N: 100, P: 50, Blocks: 50}.Problem(synth.Rand(3))
	var cause int
	for j, active := range p.Active {
		if active {
			cause = j
		}
	}
	flipped := make([]float64, len(p.Y))
	for i, v := range p.X[cause] {
		flipped[i] = 7 - 2*v
	}
	p.X = append(p.X, flipped, p.X[cause])
	r := bmfs.Fit(p.X, p.Y, bmfs.Options{})
	for _, s := range r.Sets {
		if s.Seed != cause {
			continue
		}
		if len(s.Members) != 3 || s.Members[1].Candidate != 50 || s.Members[2].Candidate != 51 {
			t.Errorf("members = %+v, want the candidate and its two copies", s.Members)
		}
		return
	}
	t.Errorf("no set has candidate %d as its seed: %+v", cause, r.Sets)
}

func TestPureNoiseSelectsNothing(t *testing.T) {
	found := 0
	for seed := range uint64(40) {
		rng := synth.Rand(seed)
		x := make([][]float64, 100)
		y := make([]float64, 60)
		for j := range x {
			x[j] = make([]float64, 60)
			for i := range x[j] {
				x[j][i] = rng.NormFloat64()
			}
		}
		for i := range y {
			y[i] = rng.NormFloat64()
		}
		if len(bmfs.Fit(x, y, bmfs.Options{}).Sets) > 0 {
			found++
		}
	}
	if found > 2 {
		t.Errorf("something was found in %d of 40 sets of pure noise", found)
	}
}

func TestOneEventMakesOneFinding(t *testing.T) {
	rng := synth.Rand(1)
	const n = 40
	x := make([][]float64, 6)
	for j := range x {
		x[j] = make([]float64, n)
		for i := range x[j] {
			x[j][i] = rng.NormFloat64()
		}
	}
	y := make([]float64, n)
	for i := range y {
		y[i] = rng.NormFloat64()
	}
	y[n-1] = 30
	x[2][n-1], x[4][n-1] = 40, -8 // both moved; one is noisier beside its jump
	r := bmfs.Fit(x, y, bmfs.Options{})
	want := []bool{false, false, true, false, true, false}
	if !reflect.DeepEqual(r.Selected, want) || len(r.Sets) != 1 {
		t.Errorf("selected %v in %d sets, want %v in one", r.Selected, len(r.Sets), want)
	}
}
