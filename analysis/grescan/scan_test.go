// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func scan(t *testing.T, codes [][]int32, cards []int, f, v []float64, opt Options) Result {
	t.Helper()
	r, err := Scan(codes, cards, f, v, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func checkCause(t *testing.T, c Cause, dims []int, codes []int32) {
	t.Helper()
	if !slices.Equal(c.Dims, dims) || !slices.Equal(c.Codes, codes) {
		t.Errorf("cause is %v=%v, want %v=%v", c.Dims, c.Codes, dims, codes)
	}
}

// smallTable is 3×4×2 with 2 % noise; scale changes some leaves.
func smallTable(seed uint64, scale func(a, b, c int32) float64) (codes [][]int32, cards []int, f, v []float64) {
	cards = []int{3, 4, 2}
	codes, f, _ = fullTable(cards, seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	v = make([]float64, len(f))
	for i := range f {
		f[i] += 20
		v[i] = f[i] * scale(codes[0][i], codes[1][i], codes[2][i]) * (1 + 0.02*rng.NormFloat64())
	}
	return codes, cards, f, v
}

func TestFindsOneLabel(t *testing.T) {
	codes, cards, f, v := smallTable(1, func(a, _, _ int32) float64 {
		if a == 1 {
			return 2.5
		}
		return 1
	})
	r := scan(t, codes, cards, f, v, Options{})
	if len(r.Causes) != 1 {
		t.Fatalf("%d causes: %+v", len(r.Causes), r.Causes)
	}
	c := r.Causes[0]
	checkCause(t, c, []int{0}, []int32{1})
	if c.LowChance || c.Leaves != 8 || math.Abs(c.Ratio-2.5) > 0.1 || c.R2 < 0.95 || math.Abs(c.Share-1) > 0.1 {
		t.Errorf("%+v", c)
	}
}

func TestFindsACombinationAndNotItsParents(t *testing.T) {
	codes, cards, f, v := smallTable(2, func(a, b, _ int32) float64 {
		if a == 2 && b == 3 {
			return 0.2
		}
		return 1
	})
	r := scan(t, codes, cards, f, v, Options{})
	if len(r.Causes) != 1 {
		t.Fatalf("%d causes: %+v", len(r.Causes), r.Causes)
	}
	checkCause(t, r.Causes[0], []int{0, 1}, []int32{2, 3})
}

func TestFindsSeveralCausesOfDifferentLayers(t *testing.T) {
	cards := []int{6, 8, 5}
	codes, f, _ := fullTable(cards, 4)
	rng := rand.New(rand.NewPCG(4, 3))
	v := make([]float64, len(f))
	for i := range f {
		f[i] += 50
		v[i] = f[i] * (1 + 0.02*rng.NormFloat64())
		switch {
		case codes[0][i] == 1:
			v[i] *= 3
		case codes[1][i] == 2 && codes[2][i] == 4:
			v[i] *= 1.8
		}
	}
	r := scan(t, codes, cards, f, v, Options{})
	if len(r.Causes) != 2 {
		t.Fatalf("%d causes: %+v", len(r.Causes), r.Causes)
	}
	checkCause(t, r.Causes[0], []int{0}, []int32{1})
	checkCause(t, r.Causes[1], []int{1, 2}, []int32{2, 4})
}

func TestConstantTotalHidesNoCause(t *testing.T) {
	codes, cards, f, v := smallTable(5, func(a, _, _ int32) float64 { return 1 })
	var up, down float64
	for i := range f {
		switch {
		case codes[1][i] == 0:
			up += f[i]
		case codes[1][i] == 3:
			down += f[i]
		}
	}
	for i := range f { // value 0 gains what value 3 loses
		switch {
		case codes[1][i] == 0:
			v[i] = f[i] * (1 + 0.5*down/up)
		case codes[1][i] == 3:
			v[i] = f[i] * 0.5
		}
	}
	r := scan(t, codes, cards, f, v, Options{Both: true})
	if len(r.Causes) != 2 {
		t.Fatalf("%d causes: %+v", len(r.Causes), r.Causes)
	}
	found := []int32{r.Causes[0].Codes[0], r.Causes[1].Codes[0]}
	slices.Sort(found)
	if !slices.Equal(found, []int32{0, 3}) {
		t.Errorf("found %v", found)
	}
}

func TestOneDirectionByDefault(t *testing.T) {
	codes, cards, f, v := smallTable(6, func(a, b, _ int32) float64 {
		switch {
		case a == 0:
			return 3
		case b == 3:
			return 0.7
		}
		return 1
	})
	r := scan(t, codes, cards, f, v, Options{})
	for _, c := range r.Causes {
		if c.Ratio < 1 {
			t.Errorf("the total rises; %+v falls", c)
		}
	}
}

func TestDeepFindsWhatTheTotalDoesNotShow(t *testing.T) {
	cards := []int{10, 24, 10, 15}
	codes, f, v := fullTable(cards, 8)
	rng := rand.New(rand.NewPCG(8, 8))
	for i := range f {
		f[i] += 10
		v[i] = f[i] * (1 + 0.03*rng.NormFloat64())
	}
	leaf := 12345
	f[leaf], v[leaf] = 60, 240 // of a total of four million
	plain := scan(t, codes, cards, f, v, Options{Both: true})
	for _, c := range plain.Causes {
		if !c.LowChance {
			t.Errorf("by default the share of a cause has a floor: %+v", c)
		}
	}
	deep := scan(t, codes, cards, f, v, Options{Deep: true, Both: true})
	if len(deep.Causes) == 0 || deep.Causes[0].LowChance || deep.Causes[0].Actual != 240 {
		t.Errorf("deep: %+v", deep.Causes)
	}
}

func TestNoiseAloneGivesNoConfidentCause(t *testing.T) {
	confident := 0
	for seed := range uint64(200) {
		codes, cards, f, v := smallTable(seed+100, func(_, _, _ int32) float64 { return 1 })
		for _, c := range scan(t, codes, cards, f, v, Options{Both: true}).Causes {
			if !c.LowChance {
				confident++
			}
		}
	}
	if confident > 2 {
		t.Errorf("%d confident causes in 200 tables of noise", confident)
	}
}

func TestSmallCountsAreNoise(t *testing.T) {
	codes, f, _ := fullTable([]int{5, 5, 5}, 3)
	v := make([]float64, len(f))
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range f {
		f[i] = 0.5
		if rng.Float64() < 0.4 {
			v[i] = 1
		}
	}
	v[7] = 4
	for _, c := range scan(t, codes, []int{5, 5, 5}, f, v, Options{Count: true, Both: true}).Causes {
		if !c.LowChance {
			t.Errorf("%+v", c)
		}
	}
}

func TestWorkersDoNotChangeABit(t *testing.T) {
	for _, cards := range [][]int{{6, 9, 7, 5, 8}, {12, 10, 30, 40}, {4, 4, 4, 4, 4, 4, 2}} {
		codes, f, v := fullTable(cards, 11)
		one := scan(t, codes, cards, f, v, Options{Workers: 1, Deep: true})
		eight := scan(t, codes, cards, f, v, Options{Workers: 8, Deep: true})
		if !reflect.DeepEqual(one, eight) {
			t.Errorf("cards %v: %+v\n%+v", cards, one, eight)
		}
	}
}

func TestOrderOfRowsIsNoMatter(t *testing.T) {
	codes, cards, f, v := smallTable(12, func(a, b, _ int32) float64 { return 1 + float64(a*b)/3 })
	want := scan(t, codes, cards, f, v, Options{})
	rng := rand.New(rand.NewPCG(12, 12))
	perm := make([]int32, len(f))
	for i, k := range rng.Perm(len(f)) {
		perm[i] = int32(k)
	}
	turned := make([][]int32, len(codes))
	for d := range codes {
		turned[d] = gather(codes[d], perm)
	}
	got := scan(t, turned, cards, gather(f, perm), gather(v, perm), Options{})
	if len(got.Causes) != len(want.Causes) {
		t.Fatalf("%+v\n%+v", got.Causes, want.Causes)
	}
	for k := range got.Causes {
		checkCause(t, got.Causes[k], want.Causes[k].Dims, want.Causes[k].Codes)
	}
	if math.Abs(got.Noise.Kappa-want.Noise.Kappa) > 1e-12 {
		t.Errorf("noise %v, %v", got.Noise, want.Noise)
	}
}

func TestOrderOfLabelsAndCodesDoesNotMatter(t *testing.T) {
	codes, cards, f, v := smallTable(13, func(a, b, _ int32) float64 {
		if a == 2 && b == 1 {
			return 4
		}
		return 1
	})
	want := scan(t, codes, cards, f, v, Options{})
	n := len(cards)
	turned, cards2 := make([][]int32, n), make([]int, n)
	for d := range codes {
		c := slices.Clone(codes[d])
		for i := range c {
			c[i] = int32(cards[d]-1) - c[i]
		}
		turned[n-1-d], cards2[n-1-d] = c, cards[d]
	}
	got := scan(t, turned, cards2, f, v, Options{})
	if len(got.Causes) != len(want.Causes) {
		t.Fatalf("%+v\n%+v", got.Causes, want.Causes)
	}
	checkCause(t, got.Causes[0], []int{1, 2}, []int32{2, 0})
}

func TestScaleDoesNotMatter(t *testing.T) {
	codes, cards, f, v := smallTable(14, func(a, _, c int32) float64 { return 1 + float64(a*c) })
	want := scan(t, codes, cards, f, v, Options{})
	for _, by := range []float64{1e-9, 1e-3, 1e6, 1e12} {
		big, bigger := slices.Clone(f), slices.Clone(v)
		for i := range big {
			big[i] *= by
			bigger[i] *= by
		}
		got := scan(t, codes, cards, big, bigger, Options{})
		for k := range want.Causes {
			checkCause(t, got.Causes[k], want.Causes[k].Dims, want.Causes[k].Codes)
			if math.Abs(got.Causes[k].Score-want.Causes[k].Score) > 1e-6*want.Causes[k].Score {
				t.Errorf("×%g: score %v, %v", by, got.Causes[k].Score, want.Causes[k].Score)
			}
		}
	}
}

func TestAConstantOrRandomLabelChangesNothing(t *testing.T) {
	codes, cards, f, v := smallTable(15, func(a, b, _ int32) float64 {
		if a == 1 && b == 2 {
			return 5
		}
		return 1
	})
	rng := rand.New(rand.NewPCG(15, 15))
	random := make([]int32, len(f))
	for i := range random {
		random[i] = rng.Int32N(6)
	}
	for name, extra := range map[string][]int32{"constant": make([]int32, len(f)), "random": random} {
		r := scan(t, append(slices.Clone(codes), extra), append(slices.Clone(cards), 6), f, v, Options{})
		if len(r.Causes) != 1 {
			t.Fatalf("%s: %+v", name, r.Causes)
		}
		checkCause(t, r.Causes[0], []int{0, 1}, []int32{1, 2})
	}
}

func TestBadValues(t *testing.T) {
	codes, cards := [][]int32{{0, 1}}, []int{2}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1), 1e101} {
		_, err := Scan(codes, cards, []float64{1, 2}, []float64{3, bad}, Options{})
		var e *ValueError
		if !errors.As(err, &e) || e.Leaf != 1 {
			t.Errorf("%v: error %v", bad, err)
		}
	}
	if r := scan(t, codes, cards, []float64{1e6, 2}, []float64{2e6, -1e-5}, Options{}); len(r.Causes) == 0 {
		t.Error("rounding below 0 is 0")
	}
}

func TestNothingToFind(t *testing.T) {
	for name, x := range map[string]struct{ f, v []float64 }{
		"no leaves": {},
		"all zero":  {make([]float64, 3), make([]float64, 3)},
		"no change": {[]float64{1, 2, 3}, []float64{1, 2, 3}},
	} {
		codes := make([]int32, len(x.f))
		for i := range codes {
			codes[i] = int32(i)
		}
		if r := scan(t, [][]int32{codes}, []int{3}, x.f, x.v, Options{}); len(r.Causes) > 0 {
			t.Errorf("%s: %+v", name, r.Causes)
		}
	}
	if r := scan(t, nil, nil, []float64{1}, []float64{2}, Options{}); len(r.Causes) > 0 {
		t.Error("no labels, no causes")
	}
}

func TestLabelsOfMoreKeysThan64BitsHold(t *testing.T) {
	n := 40
	codes := make([][]int32, 4)
	cards := make([]int, 4)
	f, v := make([]float64, n), make([]float64, n)
	for d := range codes {
		cards[d] = 1 << 20
		codes[d] = make([]int32, n)
		for i := range codes[d] {
			codes[d][i] = int32(i * 1000 * (d + 1) % cards[d])
		}
	}
	for i := range f {
		f[i], v[i] = 100, 100+float64(i%3)
	}
	v[5] = 900
	r := scan(t, codes, cards, f, v, Options{})
	if len(r.Causes) == 0 || r.Causes[0].Actual != 900 {
		t.Errorf("%+v", r.Causes)
	}
}

func TestWrongShapesPanic(t *testing.T) {
	for name, call := range map[string]func(){
		"values": func() { _, _ = Scan(nil, nil, []float64{1}, nil, Options{}) },
		"labels": func() { _, _ = Scan([][]int32{{0}}, nil, []float64{1}, []float64{1}, Options{}) },
		"codes":  func() { _, _ = Scan([][]int32{{0, 0}}, []int{1}, []float64{1}, []float64{1}, Options{}) },
		"range":  func() { _, _ = Scan([][]int32{{1}}, []int{1}, []float64{1}, []float64{1}, Options{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

func TestIndexIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Uint64Range(1, 1<<40).Draw(t, "limit")
		keys := rapid.SliceOfN(rapid.Uint64Range(0, limit-1), 0, 60).Draw(t, "keys")
		var x index
		for range 2 { // its memory is used twice
			x.reset(limit, len(keys))
			want := map[uint64]int32{}
			for _, k := range keys {
				if _, ok := want[k]; !ok {
					want[k] = int32(len(want))
				}
				if got := x.id(k); got != want[k] {
					t.Fatalf("id %d, want %d", got, want[k])
				}
			}
			for k, id := range want {
				if got, ok := x.find(k); !ok || got != id {
					t.Fatalf("found %d %v, want %d", got, ok, id)
				}
			}
			if _, ok := x.find(limit - 1); ok != (len(want) > 0 && hasKey(want, limit-1)) {
				t.Fatal("found what is not there")
			}
		}
	})
}

func hasKey(m map[uint64]int32, k uint64) bool {
	_, ok := m[k]
	return ok
}

func FuzzFiniteInFiniteOut(f *testing.F) {
	f.Add(uint64(1), 1.0, 1e300, 0.0, false)
	f.Add(uint64(2), 1e99, 1e-300, 5.0, true)
	f.Fuzz(func(t *testing.T, seed uint64, a, b, c float64, flag bool) {
		cards := []int{3, 2, 4}
		codes, fo, v := sparseTable(cards, 24, seed)
		fo[3], v[5], v[7] = a, b, c
		r, err := Scan(codes, cards, fo, v, Options{Count: flag, Deep: !flag, Both: flag})
		if err != nil {
			return
		}
		for _, k := range r.Causes {
			for _, x := range []float64{k.Score, k.Ratio, k.R2, k.Share, k.Forecast, k.Actual} {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Fatalf("%+v", k)
				}
			}
		}
		if math.IsNaN(r.Noise.Phi + r.Noise.Kappa) {
			t.Fatalf("%+v", r.Noise)
		}
	})
}
