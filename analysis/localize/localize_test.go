// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/culprit-dev/culprit/analysis/adtributor"
)

// breakdown has all combinations of values of some labels, with 2 % noise, scaled by scale.
func breakdown(seed uint64, cards []int, scale func(c []int32) float64) Input {
	rng := rand.New(rand.NewPCG(seed, 1))
	in := Input{Cards: cards, Codes: make([][]int32, len(cards))}
	n := 1
	for _, c := range cards {
		n *= c
	}
	code := make([]int32, len(cards))
	for i := range n {
		k := i
		for d := len(cards) - 1; d >= 0; d-- {
			code[d] = int32(k % cards[d])
			k /= cards[d]
			in.Codes[d] = append(in.Codes[d], code[d])
		}
		f := 20 + 100*rng.ExpFloat64()
		in.Forecast = append(in.Forecast, f)
		in.Actual = append(in.Actual, f*(1+0.02*rng.NormFloat64())*scale(code))
	}
	return in
}

func run(t *testing.T, in Input, opt Options) Result {
	t.Helper()
	r, err := Run(in, opt)
	if err != nil {
		t.Fatal(err)
	}
	checkFinite(t, r)
	if len(r.Dimensions) != in.labels() {
		t.Errorf("%d tables of %d labels", len(r.Dimensions), in.labels())
	}
	return r
}

func checkFinite(t *testing.T, r Result) {
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

// located lists the combinations of all causes.
func located(r Result) []string {
	var all []string
	for _, c := range r.Causes {
		for _, k := range c.Combinations {
			all = append(all, fmt.Sprint(k.Labels, k.Values))
		}
	}
	slices.Sort(all)
	return all
}

func checkLocated(t *testing.T, r Result, v Verdict, want ...string) {
	t.Helper()
	if r.Verdict != v || !slices.Equal(located(r), want) {
		t.Errorf("verdict %d, located %v; want %d, %v", r.Verdict, located(r), v, want)
	}
}

func still(_ []int32) float64 { return 1 }

func TestValuesOfOneLabelAreOneCause(t *testing.T) {
	in := breakdown(1, []int{6, 5, 4}, func(c []int32) float64 {
		if c[1] == 2 || c[1] == 4 {
			return 3
		}
		return 1
	})
	r := run(t, in, Options{})
	checkLocated(t, r, Explained, "[1] [2]", "[1] [4]")
	if len(r.Causes) != 1 {
		t.Fatalf("%d causes", len(r.Causes))
	}
	c := r.Causes[0]
	if c.Confidence != High || math.Abs(c.Share-1) > 0.1 || math.Abs(c.Ratio-3) > 0.1 || c.Leaves != 48 || c.Surprise <= 0 || c.Score < c.Bar {
		t.Errorf("%+v", c)
	}
	if r.Dimensions[0].Label != 1 || r.Dimensions[0].Set.EP < 0.9 {
		t.Errorf("the label comes first: %+v", r.Dimensions[0])
	}
}

func TestRule4_11CombinationOfLabels(t *testing.T) {
	in := breakdown(2, []int{6, 5, 4}, func(c []int32) float64 {
		if c[0] == 3 && c[2] == 1 {
			return 0.1
		}
		return 1
	})
	r := run(t, in, Options{})
	checkLocated(t, r, Explained, "[0 2] [3 1]")
	if single := run(t, in, Options{Mode: Complete}); slices.Equal(located(single), located(r)) {
		t.Error("single labels cannot say this")
	}
}

func TestRule4_12CausesInDifferentLabels(t *testing.T) {
	in := breakdown(3, []int{8, 9, 5}, func(c []int32) float64 {
		switch {
		case c[0] == 1:
			return 4
		case c[1] == 7:
			return 2.5
		}
		return 1
	})
	r := run(t, in, Options{})
	checkLocated(t, r, Explained, "[0] [1]", "[1] [7]")
	if len(r.Causes) != 2 {
		t.Errorf("two labels are two causes: %+v", r.Causes)
	}
}

func TestRule4_13EverythingMovedAlike(t *testing.T) {
	for _, cards := range [][]int{{6, 5, 4}, {100, 3}, {2, 2}, {40}} {
		for _, by := range []float64{0.4, 1.7, 5} {
			in := breakdown(4, cards, func([]int32) float64 { return by })
			checkLocated(t, run(t, in, Options{}), External)
			checkLocated(t, run(t, in, Options{Mode: Complete}), External)
		}
	}
}

func TestRule4_15MarginalsAreSumsOfLeaves(t *testing.T) {
	in := breakdown(5, []int{3, 4}, func(c []int32) float64 { return 1 + float64(c[0]) })
	r := run(t, in, Options{})
	for _, d := range r.Dimensions {
		var f, a float64
		for _, e := range d.Elements {
			f += e.Forecast
			a += e.Actual
		}
		if math.Abs(f-r.Forecast) > 1e-9*f || math.Abs(a-r.Actual) > 1e-9*a {
			t.Errorf("label %d has %v and %v of %v and %v", d.Label, f, a, r.Forecast, r.Actual)
		}
	}
}

func TestNoiseIsNoChange(t *testing.T) {
	for seed := range uint64(50) {
		in := breakdown(100+seed, []int{6, 5, 4}, still)
		checkLocated(t, run(t, in, Options{}), NoChange)
	}
	in := breakdown(6, []int{3, 3}, still)
	in.Actual = in.Forecast
	checkLocated(t, run(t, in, Options{}), NoChange)
}

func TestRule4_5Outage(t *testing.T) {
	in := breakdown(7, []int{3, 3}, func([]int32) float64 { return 0 })
	r := run(t, in, Options{})
	checkLocated(t, r, Outage)
	if len(r.Dimensions[0].Elements) != 3 {
		t.Error("the tables are there all the same")
	}
}

func TestRule4_5NoBaseline(t *testing.T) {
	in := breakdown(8, []int{4, 3}, func(c []int32) float64 {
		if c[0] == 2 {
			return 1
		}
		return 0
	})
	for i := range in.Forecast {
		in.Forecast[i] = 0
	}
	r := run(t, in, Options{Count: true})
	if !r.NoBaseline {
		t.Error("there was nothing before")
	}
	checkLocated(t, r, Explained, "[0] [2]")
	for i := range in.Actual { // now on one value of each label
		if in.Codes[1][i] != 1 {
			in.Actual[i] = 0
		}
	}
	checkLocated(t, run(t, in, Options{}), Explained, "[0 1] [2 1]")
	for i := range in.Actual { // and now everywhere
		in.Actual[i] = 7
	}
	checkLocated(t, run(t, in, Options{}), External)
}

func TestUnmovedTotal(t *testing.T) {
	in := breakdown(9, []int{5, 4, 3}, still)
	var from, to float64
	for i := range in.Forecast {
		switch in.Codes[0][i] {
		case 1:
			from += in.Forecast[i]
		case 3:
			to += in.Forecast[i]
		}
	}
	for i := range in.Forecast {
		switch in.Codes[0][i] {
		case 1:
			in.Actual[i] = 0.4 * in.Forecast[i]
		case 3:
			in.Actual[i] = in.Forecast[i] * (1 + 0.6*from/to)
		}
	}
	r := run(t, in, Options{})
	if !r.Gross {
		t.Fatal("the total moved")
	}
	checkLocated(t, r, Explained, "[0] [1]", "[0] [3]")
	if r.Causes[0].Confidence != Medium {
		t.Errorf("confidence %s", r.Causes[0].Confidence)
	}
}

// ratioOf gives each leaf requests, and 1 % of them as errors, scaled by errs.
func ratioOf(seed uint64, cards []int, traffic, errs func(c []int32) float64) Input {
	in := breakdown(seed, cards, still)
	n := len(in.Forecast)
	p := &Parts{ForecastNum: make([]float64, n), ForecastDen: make([]float64, n), ActualDen: make([]float64, n)}
	code := make([]int32, len(cards))
	for i := range n {
		for d := range code {
			code[d] = in.Codes[d][i]
		}
		requests := 1000 * in.Forecast[i]
		rate := 0.01 * (1 + float64(code[0]))
		p.ForecastDen[i] = requests
		p.ForecastNum[i] = rate * requests
		p.ActualDen[i] = requests * traffic(code)
		in.Forecast[i] = rate * p.ActualDen[i]
		in.Actual[i] = in.Forecast[i] * errs(code)
	}
	in.Parts = p
	return in
}

func TestRatioCauseAndItsEffects(t *testing.T) {
	in := ratioOf(10, []int{4, 5}, still, func(c []int32) float64 {
		if c[1] == 2 {
			return 5
		}
		return 1
	})
	r := run(t, in, Options{Count: true})
	checkLocated(t, r, Explained, "[1] [2]")
	c := r.Causes[0]
	if math.Abs(c.Rate-1) > 1e-9 || math.Abs(c.Mix) > 1e-9 {
		t.Errorf("rate %v, mix %v: its own ratio rose, its traffic did not", c.Rate, c.Mix)
	}
	if r.RatioNow <= 1.2*r.RatioBefore {
		t.Errorf("ratio %v, before %v", r.RatioNow, r.RatioBefore)
	}
}

func TestRule4_9TrafficMix(t *testing.T) {
	// Value 3 of the first label has always had four times the errors; now it has ten times the
	// traffic.
	in := ratioOf(11, []int{4, 5}, func(c []int32) float64 {
		if c[0] == 3 {
			return 10
		}
		return 1
	}, still)
	r := run(t, in, Options{Count: true})
	checkLocated(t, r, TrafficMix)
	in.Marginals = in.marginals()
	in.Codes, in.Cards, in.Measure = nil, nil, Measure{}
	checkLocated(t, run(t, in, Options{Count: true}), TrafficMix)
}

func TestPublishedModeOfARatioUsesItsParts(t *testing.T) {
	in := ratioOf(12, []int{4, 5}, still, func(c []int32) float64 {
		if c[1] == 2 {
			return 5
		}
		return 1
	})
	r := run(t, in, Options{Mode: NSDI})
	if len(r.Causes) == 0 || !slices.Equal(located(Result{Causes: r.Causes[:1]}), []string{"[1] [2]"}) {
		t.Errorf("%+v", r.Causes)
	}
	if f := r.Dimensions[0].Elements[0]; f.ForecastDen == 0 {
		t.Error("the tables are those of the parts")
	}
}

func TestMarginalsWithoutLeaves(t *testing.T) {
	in := breakdown(13, []int{6, 5}, func(c []int32) float64 {
		if c[0] == 1 || c[0] == 2 {
			return 4
		}
		return 1
	})
	alone := Input{Marginals: in.marginals()}
	r := run(t, alone, Options{})
	checkLocated(t, r, Explained, "[0] [1]", "[0] [2]")
	if len(r.Causes) != 1 || r.Causes[0].Method != "adtributor" || r.Causes[0].Confidence != Medium {
		t.Errorf("%+v", r.Causes)
	}
	alone.Totals = &adtributor.Totals{Forecast: 2 * r.Forecast, Actual: 2 * r.Actual}
	half := run(t, alone, Options{})
	if !slices.ContainsFunc(half.Dimensions[0].Elements, func(e adtributor.Element) bool { return e.ID == adtributor.Missing }) {
		t.Error("half of the total is missing")
	}
}

func TestModes(t *testing.T) {
	in := breakdown(14, []int{6, 5, 4}, func(c []int32) float64 {
		if c[0] == 2 {
			return 3
		}
		return 1
	})
	for mode, method := range map[Mode]string{
		Auto: "grescan", NSDI: "adtributor", Complete: "adtributor", GREScan: "grescan",
	} {
		r := run(t, in, Options{Mode: mode})
		if r.Verdict != Explained || r.Causes[0].Method != method || located(Result{Causes: r.Causes[:1]})[0] != "[0] [2]" {
			t.Errorf("mode %d: verdict %d, %+v", mode, r.Verdict, r.Causes)
		}
	}
}

func TestLabelsThatGiveNoCauses(t *testing.T) {
	in := breakdown(15, []int{4, 5}, func(c []int32) float64 {
		if c[0] == 1 {
			return 3
		}
		return 1
	})
	n := len(in.Forecast)
	alias, fixed, pod := make([]int32, n), make([]int32, n), make([]int32, n)
	for i := range n {
		alias[i] = 3 - in.Codes[0][i]
		pod[i] = int32(i)
	}
	in.Codes = append(in.Codes, alias, fixed, pod)
	in.Cards = []int{4, 5, 4, 1, n}
	in.TableOnly = []bool{false, false, false, false, true}
	r := run(t, in, Options{})
	checkLocated(t, r, Explained, "[0] [1]")
	want := map[int]Reason{0: None, 1: None, 2: Alias, 3: Constant, 4: OnlyShown}
	for _, d := range r.Dimensions {
		if d.Reason != want[d.Label] {
			t.Errorf("label %d: reason %d, want %d", d.Label, d.Reason, want[d.Label])
		}
		if d.Label == 2 && d.AliasOf != 0 {
			t.Errorf("label 2 says the same as %d", d.AliasOf)
		}
	}
}

func TestVolatileLabelsAreShownOnly(t *testing.T) {
	in := breakdown(16, []int{3, 24}, still)
	for i, pod := range in.Codes[1] { // half of the pods go, the other half comes
		if pod < 12 {
			in.Actual[i] = 0
		} else {
			in.Forecast[i] = 0
			in.Actual[i] *= 1.5 + float64(in.Codes[0][i])
		}
	}
	for _, d := range run(t, in, Options{}).Dimensions {
		if d.Label == 1 && d.Reason != Volatile {
			t.Errorf("reason %d", d.Reason)
		}
	}
	for _, d := range run(t, in, Options{KeepVolatile: true}).Dimensions {
		if d.Reason != None {
			t.Errorf("asked for: reason %d", d.Reason)
		}
	}
}

func TestTheMostSurprisingLabelsAreCombined(t *testing.T) {
	in := breakdown(17, []int{2, 3, 2, 3, 2}, func(c []int32) float64 {
		if c[1] == 2 && c[3] == 1 {
			return 6
		}
		return 1
	})
	r := run(t, in, Options{MaxLabels: 2})
	checkLocated(t, r, Explained, "[1 3] [2 1]")
	surplus := 0
	for _, d := range r.Dimensions {
		if d.Reason == Surplus {
			surplus++
		}
	}
	if surplus != 3 {
		t.Errorf("%d labels left out", surplus)
	}
}

func TestRule4_16MissingSamplesLowerTheConfidence(t *testing.T) {
	in := breakdown(18, []int{4, 5}, func(c []int32) float64 {
		if c[0] == 1 {
			return 0.3
		}
		return 1
	})
	in.Partial = make([]bool, len(in.Forecast))
	for i := range in.Partial {
		in.Partial[i] = in.Codes[0][i] == 1 && in.Codes[1][i] < 2
	}
	r := run(t, in, Options{})
	if c := r.Causes[0]; c.Confidence != Medium || c.Partial != 2 {
		t.Errorf("confidence %s, %d partial leaves", c.Confidence, c.Partial)
	}
}
