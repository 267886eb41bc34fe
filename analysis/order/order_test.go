// SPDX-License-Identifier: Apache-2.0

package order

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// numbers often have ties.
func numbers() *rapid.Generator[[]float64] {
	return rapid.Custom(func(t *rapid.T) []float64 {
		one := rapid.Float64Range(-1e300, 1e300)
		if rapid.Bool().Draw(t, "ties") {
			one = rapid.Map(rapid.IntRange(0, 3), func(i int) float64 { return float64(i) })
		}
		return rapid.SliceOfN(one, 1, 200).Draw(t, "values")
	})
}

func TestSelectMatchesSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := numbers().Draw(t, "s")
		k := rapid.IntRange(0, len(s)-1).Draw(t, "k")
		want := slices.Sorted(slices.Values(s))
		if got := Select(s, k); got != want[k] || s[k] != got {
			t.Fatalf("%v, want %v", got, want[k])
		}
		if k > 0 && slices.Max(s[:k]) > s[k] || slices.Min(s[k:]) < s[k] {
			t.Fatalf("something stands on the wrong side of place %d", k)
		}
		if slices.Sort(s); !slices.Equal(s, want) {
			t.Fatal("values were lost")
		}
	})
}

func TestMedianIsTheMiddle(t *testing.T) {
	for _, tt := range []struct {
		x    []float64
		want float64
	}{
		{[]float64{3}, 3},
		{[]float64{4, 1}, 2.5},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 4, 4, 4}, 4},
		{[]float64{-1, 0, 1, 1e9}, .5},
		{[]float64{math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64},
		{[]float64{math.Inf(-1), 7, math.Inf(1)}, 7},
	} {
		before := slices.Clone(tt.x)
		if got := Median(tt.x); got != tt.want || !slices.Equal(tt.x, before) {
			t.Errorf("of %v: %v, want %v", before, got, tt.want)
		}
	}
}

// The values are numpy.quantile's (1.24).
func TestQuantilesAreThoseOfNumpy(t *testing.T) {
	mixed := []float64{7.5, -2, 0.25, 11, 3, 3, 40, -8.125}
	for _, tt := range []struct {
		x       []float64
		q, want float64
	}{
		{[]float64{3}, .9, 3},
		{[]float64{4, 1, 3, 2}, .5, 2.5},
		{[]float64{4, 1, 3, 2}, .25, 1.75},
		{[]float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384}, .9, 6553.6},
		{[]float64{5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6}, .6, 5},
		{mixed, 0, -8.125},
		{mixed, .1, -3.8375},
		{mixed, .25, -0.3125},
		{mixed, .6, 3.9},
		{mixed, .75, 8.375},
		{mixed, .9, 19.7},
		{mixed, 1, 40},
	} {
		if got := Quantile(slices.Clone(tt.x), tt.q); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("quantile %v of %v is %v, want %v", tt.q, tt.x, got, tt.want)
		}
	}
}

func TestQuantilesAreThoseOfSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := numbers().Draw(t, "s")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		sorted := slices.Sorted(slices.Values(s))
		pos := q * float64(len(s)-1)
		k := int(pos)
		want, share := sorted[k], pos-float64(k)
		if share > 0 {
			want = (1-share)*want + share*sorted[k+1]
		}
		if got := Quantile(s, q); got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestRobustSD(t *testing.T) {
	for _, tt := range []struct {
		x    []float64
		want float64
	}{
		{[]float64{5}, 0},
		{[]float64{1, -1, 2, -2, 1000}, NormalMAD * 2}, // one outlier
		{[]float64{1, 2, 3, 4}, NormalMAD},
	} {
		before := slices.Clone(tt.x)
		if got := RobustSD(tt.x); got != tt.want || !slices.Equal(tt.x, before) {
			t.Errorf("of %v: %v, want %v", before, got, tt.want)
		}
	}
}

func TestTheHalfQuantileIsTheMedian(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := numbers().Draw(t, "s")
		if m, q := Median(s), Quantile(slices.Clone(s), .5); m != q {
			t.Fatalf("%v and %v", m, q)
		}
	})
}

func TestQuartilesAreQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := numbers().Draw(t, "s")
		of := func(q float64) float64 { return Quantile(slices.Clone(s), q) }
		want := [3]float64{of(0.25), of(0.5), of(0.75)}
		lower, middle, upper := Quartiles(s)
		if got := [3]float64{lower, middle, upper}; got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestQuantilesMoveWithTheirValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 1, 50).Draw(t, "s")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		moved := slices.Clone(s)
		for i := range moved {
			moved[i] = -2*moved[i] + 5
		}
		want := -2*Quantile(s, q) + 5
		if got := Quantile(moved, 1-q); math.Abs(got-want) > 1e-9 { // reversed, the upper quantile is the lower
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// Orders that make a bad choice of the pivot quadratic.
func TestSelectOfOrderedValues(t *testing.T) {
	const n = 100_000
	up, pipes := make([]float64, n), make([]float64, n)
	for i := range n {
		up[i], pipes[i] = float64(i), float64(min(i, n-i))
	}
	down := slices.Clone(up)
	slices.Reverse(down)
	for name, s := range map[string][]float64{"up": up, "down": down, "organ pipes": pipes, "constant": make([]float64, n)} {
		want := slices.Sorted(slices.Values(s))[n/3]
		if got := Select(s, n/3); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// Each round has new values: a branch predictor would learn the old ones.
func BenchmarkMedian(b *testing.B) {
	for _, n := range []int{10, 30, 100, 600, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			s, all := make([]float64, n), make([]float64, max(500_000, 2*n))
			for i := range all {
				all[i] = rng.NormFloat64()
			}
			for at := 0; b.Loop(); at += n {
				if at+n > len(all) {
					at = 0
				}
				copy(s, all[at:at+n])
				MedianInPlace(s)
			}
		})
	}
}
