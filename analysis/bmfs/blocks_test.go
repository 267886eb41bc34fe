// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
)

// wave draws a standard normal series.
func wave(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// mixed is a·x + b·y.
func mixed(a float64, x []float64, b float64, y []float64) []float64 {
	v := make([]float64, len(x))
	floats.AddScaled(v, a, x)
	floats.AddScaled(v, b, y)
	return v
}

// blocksOf draws blocks of candidates that follow their block's series with
// noise of the given size and alternating signs.
func blocksOf(rng *rand.Rand, n, blocks, size int, noise float64) (x, series [][]float64) {
	for range blocks {
		s := wave(rng, n)
		series = append(series, s)
		for k := range size {
			x = append(x, mixed(1-2*float64(k%2), s, noise, wave(rng, n)))
		}
	}
	return x, series
}

func TestBlocksGatherCorrelatedCandidates(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, _ := blocksOf(rng, 50, 4, 3, .1)
	x = append(x, wave(rng, 50))
	d, _, _ := prepare(x, wave(rng, 50), settings{})
	got := d.blocks()
	if len(got) != 5 || len(several(slices.Clone(got))) != 4 {
		t.Fatalf("%d blocks, want four of three and one of one", len(got))
	}
	for i, b := range got[:4] {
		if !slices.Equal(b.members, []int{3 * i, 3*i + 1, 3*i + 2}) || !slices.Equal(b.signs, []float64{1, -1, 1}) {
			t.Errorf("block %d: %+v", i, b)
		}
	}
}

func TestDistinctCountsBlocksOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, _ := blocksOf(rng, 50, 4, 3, .1)
	d, _, _ := prepare(x, wave(rng, 50), settings{})
	if got := d.distinct(12); got != 4 {
		t.Errorf("%g distinct candidates in four blocks of three", got)
	}
	if got := d.distinct(2); got != 6 { // two among the first four of twelve
		t.Errorf("%g distinct candidates from the first two, want 6", got)
	}
}

// Two columns of correlation r have the eigenvalues 1+r and 1-r.
func TestChancesLieBetweenBlocksAndCandidates(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	a := wave(rng, 80)
	for _, noise := range []float64{0, .1, .4} {
		d, _, _ := prepare([][]float64{a, mixed(-2, a, noise, wave(rng, 80))}, wave(rng, 80), settings{})
		r := math.Abs(floats.Dot(d.column(0), d.column(1))) / floats.Dot(d.column(0), d.column(0))
		want := math.Pow(math.Sqrt(1+r)+math.Sqrt(math.Max(1-r, 0)), 2) / 2
		if got := d.chances(d.blocks()); math.Abs(got-want) > 1e-6 {
			t.Errorf("correlation %.3f: %g chances, want %g", r, got, want)
		}
	}
	x, _ := blocksOf(rng, 80, 3, 4, .3)
	d, _, _ := prepare(append(x, wave(rng, 80)), wave(rng, 80), settings{})
	if got := d.chances(d.blocks()); got <= 4 || got >= 13 {
		t.Errorf("%g chances of 13 candidates in four blocks", got)
	}
}

func TestMeanOfABlockKeepsWhatIsUnknown(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	x, _ := blocksOf(rng, 40, 1, 4, .3)
	for i := range 5 {
		x[0][i] = math.NaN()
	}
	x[1][0] = math.NaN()
	d, _, _ := prepare(x, wave(rng, 40), settings{})
	d.fillFromNeighbours()
	wide := d.withMeans(d.blocks())
	if wide.p != 5 || d.p != 4 || len(d.missing) != 4 {
		t.Fatalf("%d columns from %d", wide.p, d.p)
	}
	for i, v := range wide.column(4) {
		want := (d.x.At(0, i) - d.x.At(1, i) + d.x.At(2, i) - d.x.At(3, i)) / 4
		if math.Abs(v-want) > 1e-12 {
			t.Errorf("row %d of the mean is %g, want %g", i, v, want)
		}
	}
	if !slices.Equal(wide.missing[4], []int{0, 1, 2, 3, 4}) {
		t.Fatalf("rows %v are uncertain, want the first five", wide.missing[4])
	}
	if got, want := wide.doubt[4][0], (d.doubt[0][0]+d.doubt[1][0])/16; math.Abs(got-want) > 1e-12 {
		t.Errorf("variance %g of a mean of four, want %g", got, want)
	}
}

func TestABlockThatActsAsAWholeIsOneFinding(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 4))
		x, series := blocksOf(rng, 120, 10, 6, .3)
		whole := Fit(x, mixed(1, series[2], .1, wave(rng, 120)), Options{})
		if len(whole.Sets) != 1 || !whole.Sets[0].Whole || len(whole.Sets[0].Members) != 6 {
			t.Fatalf("seed %d: the third block acts, found %+v", seed, whole.Sets)
		}
		for k, m := range whole.Sets[0].Members {
			sign := 1 - 2*float64(k%2)
			if m.Candidate != 12+k || math.Abs(m.Weight-1./6) > 1e-12 || m.Loss <= 0 || sign*whole.Beta[m.Candidate] <= 0 {
				t.Errorf("seed %d: member %+v with coefficient %.3f", seed, m, whole.Beta[m.Candidate])
			}
		}
		one := Fit(x, mixed(1, x[13], .1, wave(rng, 120)), Options{})
		alone := slices.ContainsFunc(one.Sets, func(s Set) bool { return s.Seed == 13 && len(s.Members) == 1 })
		if !alone || slices.ContainsFunc(one.Sets, func(s Set) bool { return s.Whole }) {
			t.Errorf("seed %d: the second member of the third block acts, found %+v", seed, one.Sets)
		}
	}
}
