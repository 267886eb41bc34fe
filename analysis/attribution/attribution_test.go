// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"math"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// change draws a model of 1 to 10 candidates and two states of it.
func change(t *rapid.T) (Change, func(x []float64) float64) {
	p := rapid.IntRange(1, 10).Draw(t, "candidates")
	value := rapid.Float64Range(-100, 100)
	draw := func(name string) []float64 { return rapid.SliceOfN(value, p, p).Draw(t, name) }
	c := Change{Coefficient: draw("coefficients"), At: draw("at"), Baseline: draw("baseline")}
	f := func(x []float64) float64 {
		y := 7.0
		for j, b := range c.Coefficient {
			y += b * x[j]
		}
		return y
	}
	c.TargetAt, c.TargetBase = f(c.At), f(c.Baseline)
	return c, f
}

func near(a, b, scale float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, scale) }

func TestContributionsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, f := change(t)
		r := Attribute(c)
		if want := f(c.At) - f(c.Baseline); !near(sum(r.Phi), want, 1e5) {
			t.Fatalf("contributions add up to %g, the change is %g", sum(r.Phi), want)
		}
		if c.TargetAt != c.TargetBase && !near(sum(r.Psi)+r.Unexplained, 1, 1+1e5/math.Abs(c.TargetAt-c.TargetBase)) {
			t.Fatalf("explained %g and unexplained %g do not make a whole", sum(r.Psi), r.Unexplained)
		}
	})
}

// TestContributionsAreShapleyValues compares with the values of the definition,
// enumerated over all coalitions: a candidate that is in takes its value in the
// anomaly, one that is out its baseline.
func TestContributionsAreShapleyValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, f := change(t)
		p := len(c.At)
		value := make([]float64, 1<<p)
		x := make([]float64, p)
		for s := range value {
			for j := range x {
				if x[j] = c.Baseline[j]; s>>j&1 == 1 {
					x[j] = c.At[j]
				}
			}
			value[s] = f(x)
		}
		for j, phi := range Attribute(c).Phi {
			want := 0.0
			for s, v := range value {
				if s>>j&1 == 0 {
					want += coalitionWeight(bits.OnesCount(uint(s)), p) * (value[s|1<<j] - v)
				}
			}
			if !near(phi, want, math.Abs(want)+1e3) {
				t.Fatalf("candidate %d contributes %g, its Shapley value is %g", j, phi, want)
			}
		}
	})
}

// coalitionWeight is s! (p-s-1)! / p!.
func coalitionWeight(s, p int) float64 {
	w := 1 / float64(p)
	for i := range s {
		w *= float64(i+1) / float64(p-1-i)
	}
	return w
}

func TestNullPlayersGetNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _ := change(t)
		j := rapid.IntRange(0, len(c.At)-1).Draw(t, "candidate")
		if rapid.Bool().Draw(t, "unmoved") {
			c.At[j] = c.Baseline[j]
		} else {
			c.Coefficient[j] = 0
		}
		if r := Attribute(c); r.Phi[j] != 0 || r.Psi[j] != 0 || r.Share[j] != 0 || slices.Contains(r.Order, j) {
			t.Fatalf("null player gets phi %g, psi %g, share %g", r.Phi[j], r.Psi[j], r.Share[j])
		}
	})
}

func TestEqualPlayersGetTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _ := change(t)
		last := len(c.At) - 1
		c.Coefficient[0], c.At[0], c.Baseline[0] = c.Coefficient[last], c.At[last], c.Baseline[last]
		if r := Attribute(c); r.Phi[0] != r.Phi[last] || r.Share[0] != r.Share[last] {
			t.Fatalf("equal candidates get %g and %g", r.Phi[0], r.Phi[last])
		}
	})
}

func TestPermutationPermutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _ := change(t)
		r := Attribute(c)
		slices.Reverse(c.Coefficient)
		slices.Reverse(c.At)
		slices.Reverse(c.Baseline)
		back := Attribute(c)
		slices.Reverse(back.Phi)
		if !slices.Equal(r.Phi, back.Phi) {
			t.Fatalf("%v in one order, %v in the other", r.Phi, back.Phi)
		}
	})
}

func TestSmallChangesMatterLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _ := change(t)
		r := Attribute(c)
		j := rapid.IntRange(0, len(c.At)-1).Draw(t, "candidate")
		h := rapid.Float64Range(-1, 1).Draw(t, "step")
		c.At[j] += h
		moved := Attribute(c)
		if d := math.Abs(moved.Phi[j] - r.Phi[j]); d > math.Abs(c.Coefficient[j]*h)+1e-9 {
			t.Fatalf("a step of %g moves the contribution by %g, coefficient %g", h, d, c.Coefficient[j])
		}
	})
}

func TestContributionsAreLinearInTheChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _ := change(t)
		r := Attribute(c)
		factor := rapid.Float64Range(-3, 3).Draw(t, "factor")
		for j := range c.At {
			c.At[j] = c.Baseline[j] + factor*(c.At[j]-c.Baseline[j])
		}
		for j, phi := range Attribute(c).Phi {
			if !near(phi, factor*r.Phi[j], 1e5) {
				t.Fatalf("candidate %d: %g, want %g times %g", j, phi, factor, r.Phi[j])
			}
		}
	})
}

func TestUnitOfTheTargetScalesContributions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _ := change(t)
		r := Attribute(c)
		for j := range c.Coefficient {
			c.Coefficient[j] *= 8
		}
		c.TargetAt, c.TargetBase = 8*c.TargetAt, 8*c.TargetBase
		scaled := Attribute(c)
		for j := range r.Phi {
			if !near(scaled.Phi[j], 8*r.Phi[j], 0) || !near(scaled.Psi[j], r.Psi[j], 0) || !near(scaled.Share[j], r.Share[j], 0) {
				t.Fatalf("candidate %d: phi %g of %g, psi %g of %g", j, scaled.Phi[j], r.Phi[j], scaled.Psi[j], r.Psi[j])
			}
		}
	})
}

func TestSharesMakeAWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phi := rapid.SliceOfN(rapid.Float64Range(-1e300, 1e300), 1, 20).Draw(t, "contributions")
		direction := rapid.SampledFrom([]float64{-2, 0, 1e-9}).Draw(t, "direction")
		share := Shares(phi, direction)
		for j, v := range share {
			if !(v >= 0 && v <= 1) || v > 0 && phi[j]*sign(direction) < 0 {
				t.Fatalf("share %g of a contribution of %g", v, phi[j])
			}
		}
		if total := sum(share); total != 0 && math.Abs(total-1) > 1e-12 {
			t.Fatalf("shares add up to %g", total)
		}
	})
}

func TestSignsDecideTheLists(t *testing.T) {
	r := Attribute(Change{
		Coefficient: []float64{2, 1, -1, 3, 1}, At: []float64{1, 5, 3, 0, math.NaN()}, Baseline: []float64{0, 0, 0, 0, 0},
		TargetAt: 13, TargetBase: 3,
	})
	if !slices.Equal(r.Order, []int{1, 0}) || !slices.Equal(r.Counteracting, []int{2}) {
		t.Errorf("pushing %v, counteracting %v; want [1 0] and [2]", r.Order, r.Counteracting)
	}
	if !slices.Equal(r.Psi, []float64{.2, .5, -.3, 0, 0}) || !near(r.Unexplained, .6, 1) || r.Weak() {
		t.Errorf("psi %v, unexplained %g, weak %v", r.Psi, r.Unexplained, r.Weak())
	}
	if !slices.Equal(r.Salience, []float64{2, 5, -3, 0, 0}) || !slices.Equal(r.Sensitivity, []float64{2, 1, -1, 3, 1}) {
		t.Errorf("salience %v, sensitivity %v", r.Salience, r.Sensitivity)
	}
}

func TestTargetThatDoesNotMove(t *testing.T) {
	r := Attribute(Change{Coefficient: []float64{1}, At: []float64{2}, Baseline: []float64{1}, TargetAt: 5, TargetBase: 5})
	if r.Psi[0] != 0 || r.Unexplained != 1 || !r.Weak() || r.Share[0] != 1 {
		t.Errorf("psi %v, unexplained %g, share %v", r.Psi, r.Unexplained, r.Share)
	}
	if r := Attribute(Change{}); len(r.Phi) != 0 || len(r.Order) != 0 {
		t.Errorf("no candidates give %+v", r)
	}
}

func TestShapesMustFit(t *testing.T) {
	one := []float64{1}
	for name, call := range map[string]func(){
		"attribute":         func() { Attribute(Change{Coefficient: one, At: one}) },
		"window":            func() { Window{Onset: 1, End: 3}.Levels(one) },
		"no targets":        func() { Union(nil, nil) },
		"ragged targets":    func() { Union([][]float64{one, nil}, nil) },
		"too many weights":  func() { Intersection([][]float64{one}, []float64{1, 2}) },
		"weight of nothing": func() { Merge([][]float64{one}, []float64{0}) },
		"shortlist":         func() { Shortlist{}.Select([][]float64{one}, nil, nil, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s takes shapes that do not fit", name)
				}
			}()
			call()
		}()
	}
}

func BenchmarkAttribute(b *testing.B) {
	const p = 5000
	c := Change{Coefficient: make([]float64, p), At: make([]float64, p), Baseline: make([]float64, p), TargetAt: 1}
	for j := range p {
		c.Coefficient[j], c.At[j] = math.Sin(float64(j)), 1
	}
	for b.Loop() {
		Attribute(c)
	}
}
