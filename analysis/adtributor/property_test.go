// SPDX-License-Identifier: Apache-2.0

package adtributor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// checkFinite fails on any number in a result that isn't finite.
func checkFinite(t interface {
	Helper()
	Errorf(string, ...any)
}, r Result,
) {
	t.Helper()
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		switch v.Kind() {
		case reflect.Float64:
			if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
				t.Errorf("%s is %v", path, v.Float())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
			}
		}
	}
	walk(reflect.ValueOf(r), "result")
}

// genLeaves draws a leaf table with zeros, ties and widely spread sizes.
func genLeaves(t *rapid.T) (codes [][]int32, cards []int, f, a []float64) {
	n := rapid.IntRange(1, 40).Draw(t, "leaves")
	cards = rapid.SliceOfN(rapid.IntRange(1, 6), 1, 4).Draw(t, "cards")
	codes = make([][]int32, len(cards))
	for d, c := range cards {
		codes[d] = rapid.SliceOfN(rapid.Int32Range(0, int32(c-1)), n, n).Draw(t, "codes")
	}
	value := rapid.OneOf(rapid.Just(0.0), rapid.Just(1.0), rapid.Float64Range(1e-80, 1e9)) // below 1e-100 counts as zero
	f = rapid.SliceOfN(value, n, n).Draw(t, "forecast")
	a = rapid.SliceOfN(value, n, n).Draw(t, "actual")
	return codes, cards, f, a
}

func TestPowersAddUpToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, a := genLeaves(t)
		r, err := Explain(marginals(codes, cards, f, a), Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkFinite(t, r)
		if r.NoChange {
			return
		}
		for i, table := range r.Tables {
			var ep, size float64
			for _, e := range table.Elements {
				ep += e.EP
				size += math.Abs(e.EP)
			}
			// Under a constant total, a dimension may be constant too.
			if math.Abs(ep-1) > 1e-9*max(1, size) && !(r.Gross && size == 0) {
				t.Errorf("dimension %d: EP adds up to %v", i, ep)
			}
			if table.Surprise < 0 || table.Surprise > 1+1e-9 {
				t.Errorf("dimension %d: divergence of %v bits", i, table.Surprise)
			}
		}
	})
}

func TestRatioEffectsAddUpToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, a := genLeaves(t)
		value := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1, 1e6))
		fd := rapid.SliceOfN(value, len(f), len(f)).Draw(t, "forecast of the denominator")
		ad := rapid.SliceOfN(value, len(f), len(f)).Draw(t, "actual of the denominator")
		dims, den := marginals(codes, cards, f, a), marginals(codes, cards, fd, ad)
		for i := range dims {
			dims[i].ForecastDen, dims[i].ActualDen = den[i].Forecast, den[i].Actual
		}
		for _, mode := range []Mode{Complete, NSDI} {
			r, err := Explain(dims, Options{Mode: mode, Gate: Gate{Relative: -1}})
			if err != nil {
				t.Fatal(err)
			}
			checkFinite(t, r)
			if r.NoBaseline || r.Outage || r.NoChange || r.Actual == r.Forecast {
				continue
			}
			for i, table := range r.Tables {
				var sum, size float64
				for _, e := range table.Elements {
					sum += e.Rate + e.Mix
					size += math.Abs(e.Rate) + math.Abs(e.Mix)
				}
				// The ratio of events without traffic belongs to no share of traffic.
				if orphan(fd, f) || orphan(ad, a) {
					continue
				}
				if math.Abs(sum-1) > 1e-9*max(1, size) {
					t.Errorf("dimension %d: effects add up to %v", i, sum)
				}
			}
		}
	})
}

// orphan reports whether some numerator has no denominator.
func orphan(den, num []float64) bool {
	for i := range den {
		if den[i] == 0 && num[i] != 0 {
			return true
		}
	}
	return false
}

func TestFinerLabelsAreNeverLessSurprising(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, _, f, a := genLeaves(t)
		fine := make([]int32, len(f))
		coarse := make([]int32, len(f))
		k := rapid.Int32Range(1, 5).Draw(t, "groups")
		for i := range fine {
			fine[i], coarse[i] = int32(i), int32(i)%k
		}
		r, err := Explain(marginals([][]int32{fine, coarse}, []int{len(f), int(k)}, f, a), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Tables[0].Surprise < r.Tables[1].Surprise-1e-9 {
			t.Errorf("%v bits, coarser %v", r.Tables[0].Surprise, r.Tables[1].Surprise)
		}
	})
}

func TestScaleChangesOnlyTheSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, a := genLeaves(t)
		scale := math.Ldexp(1, rapid.IntRange(-20, 20).Draw(t, "scale"))
		big := func(x []float64) []float64 {
			y := slices.Clone(x)
			for i := range y {
				y[i] *= scale
			}
			return y
		}
		one, err1 := Explain(marginals(codes, cards, f, a), Options{})
		two, err2 := Explain(marginals(codes, cards, big(f), big(a)), Options{})
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if !reflect.DeepEqual(one.Sets, two.Sets) {
			t.Errorf("%+v\n%+v", one.Sets, two.Sets)
		}
	})
}

func TestOrderOfLabelsAndValuesDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		dims := make([]Dimension, 3)
		for i := range dims {
			c := 2 + rng.IntN(8)
			d := Dimension{Forecast: make([]float64, c), Actual: make([]float64, c)}
			var sf, sa float64
			for k := range c {
				d.Forecast[k], d.Actual[k] = rng.ExpFloat64(), rng.ExpFloat64()*(1+3*rng.Float64())
				sf += d.Forecast[k]
				sa += d.Actual[k]
			}
			for k := range c {
				d.Forecast[k] *= 100 / sf
				d.Actual[k] *= 150 / sa
			}
			dims[i] = d
		}
		want := explain(t, dims, Options{})
		turned := make([]Dimension, 3)
		for i, d := range dims { // labels and values reversed
			e := Dimension{Forecast: slices.Clone(d.Forecast), Actual: slices.Clone(d.Actual)}
			slices.Reverse(e.Forecast)
			slices.Reverse(e.Actual)
			turned[2-i] = e
		}
		got := explain(t, turned, Options{})
		if len(got.Sets) != len(want.Sets) {
			t.Fatalf("%d sets, %d before", len(got.Sets), len(want.Sets))
		}
		for k := range got.Sets {
			d := want.Sets[k].Dimension
			if got.Sets[k].Dimension != 2-d {
				t.Fatalf("set %d is of dimension %d", k, got.Sets[k].Dimension)
			}
			for j, e := range got.Sets[k].Elements {
				if want.Sets[k].Elements[j] != int32(len(dims[d].Forecast)-1)-e {
					t.Fatalf("set %d differs", k)
				}
			}
		}
	}
}

func TestThresholdsAreExclusive(t *testing.T) {
	// EP is exactly 0.5, 0.25, 0.25.
	dims := []Dimension{{Forecast: []float64{0, 0, 0, 100}, Actual: []float64{4, 2, 2, 100}}}
	if r := explain(t, dims, Options{ElementShare: .25}); len(r.Sets) > 0 {
		t.Errorf("elements of exactly the threshold were taken: %+v", r.Sets)
	}
	if r := explain(t, dims, Options{SetShare: 1}); len(r.Sets) > 0 {
		t.Errorf("a set of exactly the threshold was taken: %+v", r.Sets)
	}
}

func TestOneElementIsNeverSelective(t *testing.T) {
	r := explain(t, []Dimension{{Forecast: []float64{10}, Actual: []float64{30}}}, Options{})
	checkElements(t, r.Tables[0], []wantElement{{0, 1, 0}}, 0)
	if !r.External {
		t.Error("the only value of a label explains nothing")
	}
}

func TestEqualScoresKeepTheOrderOfIds(t *testing.T) {
	r := explain(t, []Dimension{{Forecast: []float64{9, 9, 9, 73}, Actual: []float64{19, 19, 19, 73}}}, Options{})
	if !slices.Equal(r.Sets[0].Elements, []int32{0, 1, 2}) {
		t.Errorf("set %v", r.Sets[0].Elements)
	}
}

func TestNothingToExplain(t *testing.T) {
	if r := explain(t, nil, Options{}); !r.NoChange {
		t.Errorf("%+v", r)
	}
	if r := explain(t, []Dimension{{}}, Options{}); !r.NoChange {
		t.Errorf("%+v", r)
	}
	if r := explain(t, []Dimension{{Forecast: []float64{0}, Actual: []float64{0}}}, Options{}); !r.NoChange {
		t.Errorf("%+v", r)
	}
}

func TestWrongShapesPanic(t *testing.T) {
	for name, dims := range map[string][]Dimension{
		"lengths": {{Forecast: []float64{1, 2}, Actual: []float64{1}}},
		"mixture": {{Forecast: []float64{1}, Actual: []float64{1}}, {
			Forecast: []float64{1}, Actual: []float64{1}, ForecastDen: []float64{1}, ActualDen: []float64{1},
		}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			_, _ = Explain(dims, Options{})
		}()
	}
}

func FuzzFiniteInFiniteOut(f *testing.F) {
	f.Add(1.0, 2.0, 0.0, 4.0, 1.0, 0.0, 3.0, 1e300)
	f.Add(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
	f.Add(5e-324, 1e308, 1e-300, 7.0, 1.0, 1.0, 0.0, 0.0)
	f.Fuzz(func(t *testing.T, f0, f1, a0, a1, fd0, fd1, ad0, ad1 float64) {
		add := Dimension{Forecast: []float64{f0, f1}, Actual: []float64{a0, a1}}
		ratio := add
		ratio.ForecastDen, ratio.ActualDen = []float64{fd0, fd1}, []float64{ad0, ad1}
		for _, d := range []Dimension{add, ratio} {
			for _, opt := range []Options{{}, {Mode: NSDI}, {Count: true}} {
				if r, err := Explain([]Dimension{d}, opt); err == nil {
					checkFinite(t, r)
				}
			}
		}
	})
}

func BenchmarkExplain(b *testing.B) {
	for _, size := range []struct{ labels, values int }{{10, 100}, {10, 1000}, {1, 100000}} {
		rng := rand.New(rand.NewPCG(3, 4))
		dims := make([]Dimension, size.labels)
		for i := range dims {
			dims[i] = Dimension{Forecast: make([]float64, size.values), Actual: make([]float64, size.values)}
			for k := range size.values {
				dims[i].Forecast[k] = rng.ExpFloat64()
				dims[i].Actual[k] = dims[i].Forecast[k] * (0.9 + 0.4*rng.Float64())
			}
		}
		b.Run(fmt.Sprintf("%dx%d", size.labels, size.values), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Explain(dims, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
