// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// clearCase is a table with one obvious cause: labels 0 and 2 at values 1 and 2.
func clearCase(seed uint64) Input {
	return breakdown(seed, []int{4, 5, 3}, func(c []int32) float64 {
		if c[0] == 1 && c[2] == 2 {
			return 5
		}
		return 1
	})
}

func TestAnotherLabelDoesNotChangeAClearVerdict(t *testing.T) {
	for seed := range uint64(20) {
		in := clearCase(seed)
		n := len(in.Forecast)
		rng := rand.New(rand.NewPCG(seed, 9))
		random, fixed, unique := make([]int32, n), make([]int32, n), make([]int32, n)
		for i := range n {
			random[i], unique[i] = rng.Int32N(5), int32(i)
		}
		for name, extra := range map[string][]int32{"constant": fixed, "random": random, "one a leaf": unique} {
			more := in
			more.Codes = append(slices.Clone(in.Codes), extra)
			more.Cards = append(slices.Clone(in.Cards), n)
			r := run(t, more, Options{})
			if r.Verdict != Explained || !slices.Equal(located(r), []string{"[0 2] [1 2]"}) {
				t.Errorf("seed %d, a label that is %s: verdict %d, located %v", seed, name, r.Verdict, located(r))
			}
		}
	}
}

func TestOrderAndNamesOfLabelsAreNoMatter(t *testing.T) {
	for seed := range uint64(20) {
		in := clearCase(seed)
		turned := Input{Measure: in.Measure}
		for d := len(in.Codes) - 1; d >= 0; d-- {
			codes := slices.Clone(in.Codes[d])
			for i := range codes {
				codes[i] = int32(in.Cards[d]-1) - codes[i]
			}
			turned.Codes, turned.Cards = append(turned.Codes, codes), append(turned.Cards, in.Cards[d])
		}
		r := run(t, turned, Options{})
		if !slices.Equal(located(r), []string{"[0 2] [0 2]"}) { // values 2 of 3 and 1 of 4, counted from the end
			t.Errorf("seed %d: located %v", seed, located(r))
		}
	}
}

func TestScaleChangesNothingButTheSums(t *testing.T) {
	for seed := range uint64(20) {
		in := clearCase(seed)
		want := run(t, in, Options{})
		for _, by := range []float64{1e-6, 1e6} {
			big := in
			big.Forecast, big.Actual = slices.Clone(in.Forecast), slices.Clone(in.Actual)
			for i := range big.Forecast {
				big.Forecast[i] *= by
				big.Actual[i] *= by
			}
			got := run(t, big, Options{})
			if got.Verdict != want.Verdict || !slices.Equal(located(got), located(want)) ||
				got.Causes[0].Confidence != want.Causes[0].Confidence {
				t.Errorf("×%g: %+v, %+v", by, got.Causes, want.Causes)
			}
		}
	}
}

func TestTheSplitOfARatioAddsUp(t *testing.T) {
	for seed := range uint64(20) {
		in := ratioOf(seed, []int{4, 5}, func(c []int32) float64 { return 1 + float64(c[1])/3 }, func(c []int32) float64 {
			return 1 + float64(c[0])
		})
		r := run(t, in, Options{Count: true})
		for _, d := range r.Dimensions {
			var sum float64
			for _, e := range d.Elements {
				sum += e.Rate + e.Mix
			}
			if sum < 1-1e-9 || sum > 1+1e-9 {
				t.Errorf("label %d: effects add up to %v", d.Label, sum)
			}
		}
	}
}

func TestDeepCausesAreAnswered(t *testing.T) {
	in := breakdown(30, []int{10, 12, 10, 8}, still)
	leaf := 4321
	in.Forecast[leaf], in.Actual[leaf] = 100, 500 // of a total of a million
	r := run(t, in, Options{Deep: true})
	if !r.Gross || r.Verdict != Explained || len(r.Causes) != 1 || r.Causes[0].Actual != 500 || r.Causes[0].Leaves != 1 {
		t.Errorf("gross %v, verdict %d, %+v", r.Gross, r.Verdict, r.Causes)
	}
	if r.Causes[0].Confidence != Medium {
		t.Errorf("confidence %s in what the total does not show", r.Causes[0].Confidence)
	}
}

// A leaf of five labels next to a cause a thousand times its size.
func TestDeepFindsLeafNextToLargeCause(t *testing.T) {
	in := breakdown(31, []int{6, 5, 4, 4, 3}, func(c []int32) float64 {
		if c[0] == 1 {
			return 5
		}
		return 1
	})
	leaf := len(in.Forecast) - 1
	in.Forecast[leaf], in.Actual[leaf] = 200, 500
	checkLocated(t, run(t, in, Options{Deep: true}), Explained, "[0 1 2 3 4] [5 4 3 3 2]", "[0] [1]")
}

// The drop of revenue in tables 2 to 4 of the NSDI'14 paper, as marginals.
func TestPaperTablesThroughMarginals(t *testing.T) {
	in := Input{Marginals: []Measure{
		{Forecast: []float64{94, 6}, Actual: []float64{47, 3}},
		{Forecast: []float64{50, 20, 20, 10}, Actual: []float64{24, 21, 4, 1}},
		{Forecast: []float64{50, 25, 25}, Actual: []float64{49, 1, 0}},
	}}
	r := run(t, in, Options{})
	checkLocated(t, r, Explained, "[2] [1]", "[2] [2]")
	published := run(t, in, Options{Mode: NSDI})
	if len(published.Causes) != 3 || len(published.Causes[1].Combinations) != 3 {
		t.Errorf("%+v", published.Causes)
	}
	var order []int
	for _, d := range r.Dimensions {
		order = append(order, d.Label)
	}
	if !slices.Equal(order, []int{2, 1, 0}) {
		t.Errorf("tables in the order %v", order)
	}
}

// The sums of a cause are those of the leaves it names, and no leaf belongs to two causes, so
// that the shares add up to that of all named leaves.
func TestSumsOfCausesAreThoseOfTheirLeaves(t *testing.T) {
	for seed := range uint64(30) {
		in := breakdown(seed, []int{4, 3, 3}, func(c []int32) float64 {
			return 1 + float64(uint64(c[0])*seed%3) + float64(uint64(c[1]*c[2])*seed%2)
		})
		r := run(t, in, Options{})
		named := map[int]bool{}
		var shares float64
		for _, c := range r.Causes {
			var forecast, actual float64
			leaves := 0
			for i := range in.Forecast {
				if slices.ContainsFunc(c.Combinations, func(k Combination) bool { return k.holds(in.Codes, i) }) {
					forecast += in.Forecast[i]
					actual += in.Actual[i]
					leaves++
					named[i] = true
				}
			}
			near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(b)) }
			if !near(c.Forecast, forecast) || !near(c.Actual, actual) || c.Leaves != leaves {
				t.Errorf("seed %d: %+v; its %d leaves have %v → %v", seed, c, leaves, forecast, actual)
			}
			if share := (actual - forecast) / (r.Actual - r.Forecast); len(r.Causes) == 1 && !near(c.Share, share) {
				t.Errorf("seed %d: share %v, want %v", seed, c.Share, share)
			}
			shares += c.Share
		}
		var all float64
		for i := range named {
			all += (in.Actual[i] - in.Forecast[i]) / (r.Actual - r.Forecast)
		}
		if math.Abs(shares-all) > 0.02 { // the share of a set that was dropped
			t.Errorf("seed %d: the shares add up to %v, the leaves to %v", seed, shares, all)
		}
	}
}
