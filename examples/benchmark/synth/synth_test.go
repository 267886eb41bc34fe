// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"math"
	"reflect"
	"testing"
)

func count(on []bool) (n int) {
	for _, v := range on {
		if v {
			n++
		}
	}
	return n
}

func correlation(a, b []float64) float64 {
	var ma, mb, ab float64
	n := float64(len(a))
	for i := range a {
		ma += a[i] / n
		mb += b[i] / n
	}
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb) / n
	}
	return ab / deviation(a) / deviation(b)
}

func missing(s []float64) (n int) {
	for _, v := range s {
		if math.IsNaN(v) {
			n++
		}
	}
	return n
}

func TestSeedDecidesEverything(t *testing.T) {
	for name, draw := range map[string]func(seed uint64) any{
		"published": func(s uint64) any { return Published{N: 20, P: 30, Blocks: 12}.Problem(Rand(s)) },
		"blocks":    func(s uint64) any { return Blocks{N: 20, P: 20, Size: 5, Rho: .9, Acting: 2, R2: .9}.Problem(Rand(s)) },
		"incident":  func(s uint64) any { return Incident{N: 61, P: 100}.Case(Rand(s)) },
		"curved":    func(s uint64) any { return Curved{Shape: Saturating}.Problem(Rand(s)) },
	} {
		if !reflect.DeepEqual(draw(1), draw(1)) {
			t.Errorf("%s: one seed gives two problems", name)
		}
		if reflect.DeepEqual(draw(1), draw(2)) {
			t.Errorf("%s: two seeds give one problem", name)
		}
	}
}

func TestPublishedFollowsTheRecipe(t *testing.T) {
	for seed := range uint64(20) {
		p := Published{N: 100, P: 50, Blocks: 20, Missing: .3}.Problem(Rand(seed))
		if n := count(p.Active); n == 0 || n > 5 {
			t.Errorf("seed %d: %d active candidates, want 1 to 5", seed, n)
		}
		if len(p.X) != 50 || len(p.Y) != 100 || len(p.TestY) != 900 || p.Group[49] != 19 {
			t.Fatalf("seed %d: %d candidates, %d and %d samples, %d blocks", seed, len(p.X), len(p.Y), len(p.TestY), p.Group[49]+1)
		}
		for j := range p.X {
			if n := missing(p.X[j]); n != 30 {
				t.Errorf("seed %d: %d samples of candidate %d are missing, want 30", seed, n, j)
			}
			if j > 0 && p.Group[j] == p.Group[j-1] && math.Abs(math.Abs(correlation(p.TestX[j], p.TestX[j-1]))-1) > 1e-9 {
				t.Errorf("seed %d: candidates %d and %d of one block differ", seed, j-1, j)
			}
		}
	}
}

func TestBlocksHaveTheCorrelationAsked(t *testing.T) {
	c := Blocks{N: 4000, P: 20, Size: 5, Rho: .8, Acting: 2, All: true, R2: .9}
	p := c.Problem(Rand(1))
	if n := count(p.Active); n != 10 {
		t.Errorf("%d active candidates, want two blocks of 5", n)
	}
	for j := range p.X {
		for k := range j {
			want := 0.0
			if p.Group[j] == p.Group[k] {
				want = .8
			}
			if r := correlation(p.X[j], p.X[k]); math.Abs(r-want) > .06 {
				t.Errorf("candidates %d and %d correlate by %.2f, want %g", j, k, r, want)
			}
		}
	}
	c.All = false
	if n := count(c.Problem(Rand(1)).Active); n != 2 {
		t.Errorf("%d active candidates, want one in each of two blocks", n)
	}
}

func TestIncidentJumpsAtTheEnd(t *testing.T) {
	for seed := range uint64(20) {
		c := Incident{}.Case(Rand(seed))
		if len(c.X) != 100 || len(c.Y) != 61 {
			t.Fatalf("%d statements, %d samples; want 100 and 61", len(c.X), len(c.Y))
		}
		before := 0.0
		for _, v := range c.X[c.Cause][:55] {
			if !math.IsNaN(v) {
				before = math.Max(before, v)
			}
		}
		if last := c.X[c.Cause][60]; !(last > before) {
			t.Errorf("seed %d: the cause ends at %g, it was at %g before", seed, last, before)
		}
	}
}

func TestScores(t *testing.T) {
	active := []bool{true, true, false, false, false}
	selected := []bool{true, false, true, true, false}
	if got, want := Features(active, selected), (Score{Precision: 1. / 3, Recall: .5, F1: .4}); math.Abs(got.F1-want.F1) > 1e-12 ||
		math.Abs(got.Precision-want.Precision) > 1e-12 || got.Recall != want.Recall {
		t.Errorf("features = %+v, want %+v", got, want)
	}
	group := []int{0, 0, 0, 1, 2}
	if got := Groups(group, active, selected); got.Precision != .5 || got.Recall != 1 {
		t.Errorf("groups = %+v, want half right and all found", got)
	}
	if got := Features(active, make([]bool, 5)); got != (Score{}) {
		t.Errorf("nothing selected scores %+v, want zeros", got)
	}
}

func TestDriftingChangesOneCandidate(t *testing.T) {
	p, changed := Drifting{N: 2000, P: 20}.Problem(Rand(1))
	_, steady := Drifting{N: 2000, P: 20, Steady: true}.Problem(Rand(1))
	if changed != steady || !p.Active[changed] || count(p.Active) != 3 {
		t.Fatalf("candidates %d and %d change, %d are active", changed, steady, count(p.Active))
	}
	half := func(from, to int) float64 { return correlation(p.X[changed][from:to], p.Y[from:to]) }
	if half(0, 1000) < .2 || half(1000, 2000) > -.05 {
		t.Errorf("correlation %.2f in the first half, %.2f in the second", half(0, 1000), half(1000, 2000))
	}
}
