// SPDX-License-Identifier: Apache-2.0

package riskloc

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// table draws every combination of 6×5×4 values, with 3 % noise; scale moves
// some leaves.
func table(seed uint64, scale func(a, b, c int32) float64) (codes [][]int32, cards []int, f, v []float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	cards = []int{6, 5, 4}
	codes = make([][]int32, 3)
	for a := range int32(6) {
		for b := range int32(5) {
			for c := range int32(4) {
				codes[0], codes[1], codes[2] = append(codes[0], a), append(codes[1], b), append(codes[2], c)
				x := 10 + 90*rng.Float64()
				f = append(f, x)
				v = append(v, x*(1+0.03*rng.NormFloat64())*scale(a, b, c))
			}
		}
	}
	return codes, cards, f, v
}

func locate(t *testing.T, codes [][]int32, cards []int, f, v []float64, opt Options) []Cause {
	t.Helper()
	c, err := Locate(codes, cards, f, v, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func same(c Cause, dims []int, codes []int32) bool {
	return slices.Equal(c.Dims, dims) && slices.Equal(c.Codes, codes)
}

func TestFindsOneLabelAndItsRisk(t *testing.T) {
	for _, by := range []float64{0.3, 2.5} { // a drop and a rise
		codes, cards, f, v := table(1, func(a, _, _ int32) float64 {
			if a == 2 {
				return by
			}
			return 1
		})
		got := locate(t, codes, cards, f, v, Options{})
		if len(got) != 1 || !same(got[0], []int{0}, []int32{2}) {
			t.Fatalf("×%v: %+v", by, got)
		}
		c := got[0]
		if c.Leaves != 20 || c.Risk < 0.5 || math.Abs(c.Risk-(c.High-c.Low)) > 1e-15 || math.Abs(c.Share-1) > 0.1 {
			t.Errorf("×%v: %+v", by, c)
		}
	}
}

func TestFindsCombinationsOneAfterTheOther(t *testing.T) {
	codes, cards, f, v := table(2, func(a, b, c int32) float64 {
		switch {
		case a == 1 && b == 3:
			return 0.2
		case a == 4 && c == 2:
			return 0.5
		}
		return 1
	})
	got := locate(t, codes, cards, f, v, Options{})
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	for _, c := range got {
		if !same(c, []int{0, 1}, []int32{1, 3}) && !same(c, []int{0, 2}, []int32{4, 2}) {
			t.Errorf("%+v", c)
		}
	}
}

func TestStopsAtTheShallowestLayer(t *testing.T) {
	codes, cards, f, v := table(3, func(_, b, _ int32) float64 {
		if b == 1 {
			return 0.4
		}
		return 1
	})
	for _, c := range locate(t, codes, cards, f, v, Options{}) {
		if len(c.Dims) > 1 {
			t.Errorf("%+v is deeper than its cause", c)
		}
	}
}

// A cause of one leaf has r1 ≤ ½ and r2 = 0: its risk suffices only from |d| = 1 on, the end of the
// published method.
func TestASingleLeafIsFoundFromAThirdOn(t *testing.T) {
	for by, found := range map[float64]bool{0.3: true, 0.5: false} {
		codes, cards, f, v := table(4, func(a, b, c int32) float64 {
			if a == 0 && b == 0 && c == 0 {
				return by
			}
			return 1
		})
		v[0] = f[0] * by
		got := locate(t, codes, cards, f, v, Options{Remove: -1})
		hit := slices.ContainsFunc(got, func(c Cause) bool { return same(c, []int{0, 1, 2}, []int32{0, 0, 0}) })
		if hit != found {
			t.Errorf("×%v: found is %v, causes %+v", by, hit, got)
		}
	}
}

// Four leaves by hand: d = −1, 0, 0, 0.4; the side of −1 reaches farther, so the
// cut-off is −0.4, and only the first leaf is beyond it.
func TestCutoffIsTheShorterReachMirrored(t *testing.T) {
	codes := [][]int32{{0, 1, 2, 3}}
	f, v := []float64{10, 10, 10, 12}, []float64{30, 10, 10, 8}
	s, err := newSearch(codes, []int{4}, f, v, Options{Remove: -1}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	if c := s.cutoff(); math.Abs(c+0.4) > 1e-15 {
		t.Errorf("cut-off %v", c)
	}
	if want := []bool{true, false, false, false}; !slices.Equal(s.bad, want) {
		t.Errorf("abnormal %v", s.bad)
	}
	for i, want := range []float64{1, 0.4, 0.4, 0.8} {
		if math.Abs(s.weight[i]-want) > 1e-15 {
			t.Errorf("weight %d is %v, want %v", i, s.weight[i], want)
		}
	}
	if high := s.highRisk([]int32{0, 1}); math.Abs(high-1/2.4) > 1e-15 {
		t.Errorf("r1 %v", high)
	}
	// Both leaves moved by the factor 40/20: a = 20, 20; d' = −2/5, 2/3.
	if low, want := s.lowRisk([]int32{0, 1}), (2./5+2./3)/1; math.Abs(low-want) > 1e-12 {
		t.Errorf("r2 %v, want %v", low, want)
	}
}

func TestFewDeviationsHaveFewOutliers(t *testing.T) {
	codes, cards, f, v := table(5, func(a, b, _ int32) float64 {
		if a == 5 && b == 4 {
			return 0.3
		}
		return 1
	})
	got := locate(t, codes, cards, f, v, Options{RemoveFew: true})
	if len(got) != 1 || !same(got[0], []int{0, 1}, []int32{5, 4}) {
		t.Errorf("%+v", got)
	}
}

func TestPowerOfTheCaller(t *testing.T) {
	codes, cards, f, v := table(6, func(a, _, _ int32) float64 {
		if a == 3 {
			return 2
		}
		return 1
	})
	power := make([]float64, len(f))
	for i := range f {
		power[i] = v[i] - f[i]
	}
	want := locate(t, codes, cards, f, v, Options{})
	if got := locate(t, codes, cards, f, v, Options{Power: power}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := locate(t, codes, cards, f, v, Options{Power: make([]float64, len(f))}); len(got) > 0 {
		t.Errorf("no leaf has any power: %+v", got)
	}
}

func TestSparseLabelsAreHashed(t *testing.T) {
	n := 300
	codes := [][]int32{make([]int32, n), make([]int32, n)}
	f, v := make([]float64, n), make([]float64, n)
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range n {
		codes[0][i], codes[1][i] = int32(i%20)*4000, int32(i%15)*5000
		f[i] = 50 + rng.Float64()
		v[i] = f[i] * (1 + 0.01*rng.NormFloat64())
		if i%20 == 3 {
			v[i] /= 5
		}
	}
	got := locate(t, codes, []int{80000, 75000}, f, v, Options{})
	if len(got) != 1 || !same(got[0], []int{0}, []int32{12000}) {
		t.Errorf("%+v", got)
	}
}

func TestNothingToFind(t *testing.T) {
	for name, x := range map[string]struct{ f, v []float64 }{
		"no leaves": {},
		"all zero":  {make([]float64, 3), make([]float64, 3)},
		"no change": {[]float64{1, 2, 3}, []float64{1, 2, 3}},
	} {
		codes := make([]int32, len(x.f))
		if got := locate(t, [][]int32{codes}, []int{1}, x.f, x.v, Options{}); len(got) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestBadInput(t *testing.T) {
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1), 1e101} {
		_, err := Locate([][]int32{{0, 1}}, []int{2}, []float64{1, 2}, []float64{3, bad}, Options{})
		var e *ValueError
		if !errors.As(err, &e) || e.Leaf != 1 {
			t.Errorf("%v: error %v", bad, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("lengths differ: no panic")
		}
	}()
	_, _ = Locate([][]int32{{0}}, []int{1}, []float64{1, 2}, []float64{1, 2}, Options{})
}

func FuzzFiniteInFiniteOut(f *testing.F) {
	f.Add(uint64(1), 0.0, 1e300, 1e-300)
	f.Add(uint64(2), 1e99, 3.0, 0.0)
	f.Fuzz(func(t *testing.T, seed uint64, a, b, c float64) {
		codes, cards, fo, v := table(seed, func(_, _, _ int32) float64 { return 1 })
		fo[0], v[1], v[2] = a, b, c
		got, err := Locate(codes, cards, fo, v, Options{})
		if err != nil {
			return
		}
		for _, k := range got {
			if math.IsNaN(k.Risk+k.High+k.Low+k.Share) || math.IsInf(k.Risk+k.High+k.Low+k.Share, 0) {
				t.Fatalf("%+v", k)
			}
		}
	})
}

func BenchmarkLocate(b *testing.B) {
	codes, cards, f, v := table(8, func(a, c, _ int32) float64 {
		if a == 1 && c == 1 {
			return 0.2
		}
		return 1
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Locate(codes, cards, f, v, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
