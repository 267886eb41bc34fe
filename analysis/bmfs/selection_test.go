// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func TestKappaThresholdLiesInTheValley(t *testing.T) {
	for _, c := range []struct {
		kappa  []float64
		lo, hi float64
	}{
		{[]float64{.01, .02, .03, .95, .96, .97, .98}, .1, .9},
		{[]float64{.1, .9}, .1, .85},
		{[]float64{.05, .9, .91, .92, .93, .94, .95, .96, .97}, .05, .89},
	} {
		if got := kappaThreshold(c.kappa); got < c.lo || got > c.hi {
			t.Errorf("%v: threshold %g, want between %g and %g", c.kappa, got, c.lo, c.hi)
		}
	}
	if got := kappaThreshold([]float64{.7, .7, .7}); got >= .7 {
		t.Errorf("equal kappa: threshold %g selects them", got)
	}
}

func TestBasisGivesTheResidualOfARegression(t *testing.T) {
	d, _ := problem(20, 6, 0)
	for _, s := range [][]int{{}, {3}, {0, 2}, {0, 1, 2, 3, 4, 5}} {
		want := floats.Dot(d.t, d.t)
		if len(s) > 0 {
			var b mat.VecDense
			x := mat.DenseCopyOf(d.gathered(s).T())
			if err := b.SolveVec(x, mat.NewVecDense(d.n, d.t)); err != nil {
				t.Fatal(err)
			}
			var e mat.VecDense
			e.MulVec(x, &b)
			e.SubVec(mat.NewVecDense(d.n, d.t), &e)
			want = mat.Dot(&e, &e)
		}
		if got := d.basisOf(s).rss(); math.Abs(got-want) > 1e-9 {
			t.Errorf("columns %v leave %g, a regression %g", s, got, want)
		}
	}
}

func TestBasisRefusesCopies(t *testing.T) {
	d, _ := problem(20, 6, 0)
	b := d.basisOf([]int{0, 2})
	sum := slices.Clone(d.column(0))
	floats.AddScaled(sum, -3, d.column(2))
	if b.add(sum, floats.Norm(sum, 2)) != nil || len(b.q) != 2 {
		t.Error("a combination of two columns became a third direction")
	}
	for i, q := range b.q {
		for k, r := range b.q {
			want := 0.0
			if i == k {
				want = 1
			}
			if got := floats.Dot(q, r); math.Abs(got-want) > 1e-12 {
				t.Errorf("directions %d and %d have product %g, want %g", i, k, got, want)
			}
		}
	}
}

// The price of a column falls with the share of missing samples, and rises for
// one that hardly moves the target.
func TestPrices(t *testing.T) {
	whole, _ := problem(40, 6, 0)
	gaps, _ := problem(40, 6, .3)
	a, b := whole.scorer(6), gaps.scorer(6)
	if math.Abs(a.price-b.price-2*math.Log(odds)) > 1e-12 {
		t.Errorf("prices %g and %g, want them to differ by the odds", a.price, b.price)
	}
	e := newEBIC(whole, make([]float64, 6), 6)
	strong, weak := whole.column(0), whole.column(5)
	copy(whole.t, strong)
	floats.AddScaled(whole.t, .01, weak)
	if p := e.prices([]int{0, 5}); p[0] != a.price || p[1] <= a.price+10 {
		t.Errorf("prices %v, want the second raised", p)
	}
}

func TestNoiseVarianceSolvesItsEquation(t *testing.T) {
	resid, unknown := []float64{1, -2, .5, 3, -1, .1}, []float64{0, 3, 0, 8, 0, .2}
	v := noiseVariance(resid, unknown, 1e-3)
	sum := 0.0
	for i, r := range resid {
		sum += r * r / (v + unknown[i])
	}
	if math.Abs(sum-6) > 1e-6 {
		t.Errorf("variance %g gives a sum of %g, want 6", v, sum)
	}
	if v := noiseVariance([]float64{0, 0}, []float64{1, 1}, .25); math.Abs(v-.25) > 1e-12 {
		t.Errorf("no residual gives %g, want the floor", v)
	}
}

func TestNeighboursFillGaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n = 60
	x, y, truth := make([][]float64, 4), make([]float64, n), make([]float64, n)
	for j := range x {
		x[j] = make([]float64, n)
	}
	for i := range y {
		y[i], truth[i] = rng.NormFloat64(), rng.NormFloat64()
		x[0][i] = truth[i]
		x[1][i] = 5 - 2*truth[i] + .2*rng.NormFloat64()
		x[2][i] = rng.NormFloat64()
		x[3][i] = rng.NormFloat64()
	}
	for i := range 15 {
		x[0][i], x[2][i] = math.NaN(), math.NaN()
	}
	d, _, _ := prepare(x, y, settings{})
	d.fillFromNeighbours()
	for i := range 15 {
		want := (truth[i] - d.center[0]) / d.unit[0]
		if math.Abs(d.x.At(0, i)-want) > .5 {
			t.Errorf("sample %d was filled in as %.2f, it was %.2f", i, d.x.At(0, i), want)
		}
		if d.x.At(2, i) != 0 {
			t.Errorf("sample %d of a candidate without neighbours was filled in as %g", i, d.x.At(2, i))
		}
	}
	if d.extra[0] > 1 || math.Abs(d.extra[2]-15) > 1 || d.extra[3] != 0 {
		t.Errorf("variance added: %v, want little, that of 15 samples, and none", []float64{d.extra[0], d.extra[2], d.extra[3]})
	}
}

func TestFillFromTargetMaximisesTheLikelihood(t *testing.T) {
	d, pr := problem(15, 6, .2)
	q := newDense(d)
	g := q.update(pr)
	d.fillFromTarget(q, g.mu)
	q.load(d)
	expected := func() float64 { return d.expectedResidualOf(q) }
	best := expected()
	for j, rows := range d.missing {
		for _, i := range rows {
			for _, h := range []float64{-.01, .01} {
				d.x.Set(j, i, d.x.At(j, i)+h)
				if other := expected(); other < best-1e-9 {
					t.Errorf("sample %d of candidate %d: residual %g, %g beside it", i, j, best, other)
				}
				d.x.Set(j, i, d.x.At(j, i)-h)
			}
		}
	}
}

func (d *design) expectedResidualOf(q *dense) float64 {
	fit := make([]float64, d.n)
	mulT(fit, d.x, q.g.mu)
	floats.SubTo(fit, d.t, fit)
	sum := floats.Dot(fit, fit)
	for a := range d.p {
		for b := range d.p {
			sum += floats.Dot(d.column(a), d.column(b)) * q.sigma.At(a, b)
		}
	}
	return sum
}

func TestEventIsWhereTheVarianceIs(t *testing.T) {
	row := func(n int, at map[int]float64) *design {
		y := make([]float64, n)
		for i := range y {
			y[i] = math.Sin(float64(3 * i))
		}
		for i, v := range at {
			y[i] = v
		}
		return &design{n: n, t: y}
	}
	for _, c := range []struct {
		name string
		d    *design
		want []int
	}{
		{"none", row(60, nil), nil},
		{"one row", row(31, map[int]float64{30: 40}), []int{30}},
		{"two rows", row(60, map[int]float64{10: -40, 11: -39}), []int{10, 11}},
		{"too many rows", row(60, map[int]float64{10: 40, 11: 40, 12: 40, 13: 40}), nil},
		{"too many for so short a series", row(31, map[int]float64{10: 40, 11: 40}), nil},
	} {
		got := slices.Sorted(slices.Values(c.d.event().rows))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: rows %v, want %v", c.name, got, c.want)
		}
	}
}

func TestStandsOutNeedsEveryRowOfTheEvent(t *testing.T) {
	ev := event{rows: []int{4, 5}}
	for _, c := range []struct {
		name    string
		x       []float64
		missing []int
		want    bool
	}{
		{"further than ever", []float64{1, 2, 1, 2, 9, -8}, nil, true},
		{"once before", []float64{1, 30, 1, 2, 9, 9}, nil, false},
		{"in one row only", []float64{1, 2, 1, 2, 9, 2}, nil, false},
		{"not observed", []float64{1, 2, 1, 2, 9, 9}, []int{5}, false},
	} {
		if got := ev.standsOut(c.x, c.missing); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestKeepPositive(t *testing.T) {
	s := selection{
		selected: []bool{true, true, true, false}, beta: []float64{.5, -.3, .1, 0},
		sets: []Set{
			{Seed: 1, Members: []Member{{Candidate: 0, Weight: .3}, {Candidate: 1, Weight: .6}, {Candidate: 2, Weight: .1}}},
			{Seed: 1, Members: []Member{{Candidate: 1, Weight: 1}}},
		},
	}
	s.keepPositive()
	if !reflect.DeepEqual(s.selected, []bool{true, false, true, false}) || s.beta[1] != 0 || len(s.sets) != 1 {
		t.Fatalf("left: %+v", s)
	}
	if got := s.sets[0]; got.Seed != 0 || len(got.Members) != 2 || math.Abs(got.Members[0].Weight-.75) > 1e-12 {
		t.Errorf("set = %+v, want seed 0 with three quarters of the weight", got)
	}
}

func TestScreenTakesThePathFirst(t *testing.T) {
	d, _ := problem(30, 12, 0)
	path, _ := d.forward()
	kept := slices.Clone(d.kept)
	d.screen(len(path) + 1)
	if d.p != len(path)+1 {
		t.Fatalf("%d candidates are left, want %d", d.p, len(path)+1)
	}
	for _, j := range path {
		if !slices.Contains(d.kept, kept[j]) {
			t.Errorf("candidate %d of the forward path was dropped", j)
		}
	}
	for i := range d.p {
		if got := floats.Norm(d.column(i), 2); math.Abs(got-math.Sqrt(29)) > 1e-9 {
			t.Errorf("column %d has norm %g after screening", i, got)
		}
	}
}

func TestCommonScaleDropsWhatDoesNotMoveOnIt(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	x, y := [][]float64{make([]float64, 30), make([]float64, 30)}, make([]float64, 30)
	for i := range y {
		x[0][i], x[1][i] = 1e9*rng.NormFloat64(), rng.NormFloat64()
		y[i] = x[0][i] + x[1][i]
	}
	r := Fit(x, y, Options{Scale: Common})
	if !r.Kept[0] || r.Kept[1] || len(r.Warnings) != 1 || r.Warnings[0].Candidate != 1 {
		t.Errorf("kept %v, warnings %v; want the second left out", r.Kept, r.Warnings)
	}
}
