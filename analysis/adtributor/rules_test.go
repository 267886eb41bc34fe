// SPDX-License-Identifier: Apache-2.0

package adtributor

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// Each test of this file is about one case in which equations 4–8 mislead.
// The numbers in the names are those of the table of rules in the manual.

func TestRule4_1GrossMode(t *testing.T) {
	// The total is constant; a and b swap 40 units.
	dims := []Dimension{
		{Forecast: []float64{50, 50, 100}, Actual: []float64{90, 10, 101}},
		{Forecast: []float64{100, 100}, Actual: []float64{100.5, 100.5}},
	}
	r := explain(t, dims, Options{})
	if !r.Gross || r.NoChange {
		t.Fatalf("gross %v, no change %v", r.Gross, r.NoChange)
	}
	var sum float64
	for _, e := range r.Tables[0].Elements {
		sum += e.EP
	}
	near(t, "sum of EP", sum, 1, 1e-12)
	if s := r.Sets[0]; s.Dimension != 0 || len(s.Elements) != 2 || s.Uniform {
		t.Errorf("set %+v", s)
	}
	if nsdi := explain(t, dims, Options{Mode: NSDI}); nsdi.Gross {
		t.Error("the published mode has no gate")
	}
}

func TestRule4_1GateBounds(t *testing.T) {
	dims := []Dimension{{Forecast: []float64{50, 50}, Actual: []float64{50, 60}}}
	for _, c := range []struct {
		gate  Gate
		gross bool
	}{
		{Gate{}, false},
		{Gate{Relative: .11}, true},
		{Gate{Relative: -1}, false},
		{Gate{SD: 3}, false},
		{Gate{SD: 4}, true},
	} {
		if r := explain(t, dims, Options{Gate: c.gate}); r.Gross != c.gross {
			t.Errorf("gate %+v: gross is %v", c.gate, r.Gross)
		}
	}
}

func TestRule4_1NothingMovedAtAll(t *testing.T) {
	for _, mode := range []Mode{Complete, NSDI} {
		r := explain(t, []Dimension{{Forecast: []float64{5, 7}, Actual: []float64{5, 7}}}, Options{Mode: mode})
		if !r.NoChange || len(r.Sets) > 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestRule4_2OffsettingElements(t *testing.T) {
	r := explain(t, []Dimension{{Forecast: []float64{10, 50, 40}, Actual: []float64{100, 10, 40}}}, Options{})
	table := r.Tables[0]
	if !slices.Equal(table.Offsetting, []int32{1}) {
		t.Errorf("offsetting %v", table.Offsetting)
	}
	near(t, "masking", table.Masking, 130./50, 1e-12)
	if !slices.Equal(r.Sets[0].Elements, []int32{0}) {
		t.Errorf("a set holds what moved with the total only: %v", r.Sets[0].Elements)
	}
}

func TestRule4_3NegativeValuesAreRefused(t *testing.T) {
	dims := []Dimension{{Forecast: []float64{1, 2}, Actual: []float64{1, 3}}, {Forecast: []float64{4, -1}, Actual: []float64{4, 0}}}
	_, err := Explain(dims, Options{})
	var bad *ValueError
	if !errors.As(err, &bad) || bad.Dimension != 1 || bad.Element != 1 || bad.Value != -1 {
		t.Fatalf("error is %v", err)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := Explain([]Dimension{{Forecast: []float64{v}, Actual: []float64{1}}}, Options{}); err == nil {
			t.Errorf("%v passed", v)
		}
	}
}

func TestRule4_3RoundingBelowZeroIsZero(t *testing.T) {
	r := explain(t, []Dimension{{Forecast: []float64{1e3, -1e-8}, Actual: []float64{5e2, 0}}}, Options{})
	if r.Tables[0].Elements[1].Forecast != 0 {
		t.Errorf("%+v", r.Tables[0].Elements)
	}
}

func TestRule4_4Rollover(t *testing.T) {
	dims := []Dimension{
		{Forecast: []float64{100, 0}, Actual: []float64{0, 70}},
		{Forecast: []float64{60, 40}, Actual: []float64{42, 28}},
	}
	r := explain(t, dims, Options{})
	checkElements(t, r.Tables[0], []wantElement{{0, 10. / 3, .5}, {1, -7. / 3, .5}}, 1e-9)
	checkElements(t, r.Tables[1], []wantElement{{0, .6, 0}, {1, .4, 0}}, 1e-9)
	e := r.Tables[0].Elements
	if !e[0].Vanished || !e[1].Appeared || !r.Tables[0].Rollover || !r.Sets[0].Rollover {
		t.Errorf("tags: %+v", r.Tables[0])
	}
	checkSet(t, r.Sets[0], 0, []int32{0}, 10./3, .5, 1e-9)
	if !r.Sets[1].Uniform {
		t.Error("both zones fell alike")
	}
	if r.Tables[0].Volatile {
		t.Error("two versions are a deploy, not a volatile label")
	}
}

func TestRule4_4RolloverYields(t *testing.T) {
	// A new version took over the traffic; one path broke, three quarters as surprising.
	dims := []Dimension{
		{Forecast: []float64{100, 0}, Actual: []float64{0, 200}},
		{Forecast: []float64{2, 98}, Actual: []float64{180, 20}},
	}
	r := explain(t, dims, Options{})
	if r.Sets[0].Dimension != 1 || r.Sets[1].Dimension != 0 {
		t.Errorf("order %d, %d", r.Sets[0].Dimension, r.Sets[1].Dimension)
	}
	if nsdi := explain(t, dims, Options{Mode: NSDI}); nsdi.Sets[0].Dimension != 0 {
		t.Error("the published mode ranks by surprise alone")
	}
}

func TestRule4_5NoBaseline(t *testing.T) {
	r := explain(t, []Dimension{{Forecast: []float64{0, 0}, Actual: []float64{3, 1}}}, Options{})
	if !r.NoBaseline || r.Gross {
		t.Errorf("flags of %+v", r)
	}
	checkElements(t, r.Tables[0], []wantElement{{0, .75, .375}, {1, .25, .125}}, 1e-12)

	ratio := explain(t, []Dimension{{
		Forecast: []float64{0, 0}, Actual: []float64{3, 1},
		ForecastDen: []float64{0, 0}, ActualDen: []float64{10, 10},
	}}, Options{})
	if !ratio.NoBaseline {
		t.Error("a ratio without a baseline is not flagged")
	}
	near(t, "EP", ratio.Tables[0].Elements[0].EP, .75, 1e-12)
}

func TestRule4_5OutageHasNoLocation(t *testing.T) {
	r := explain(t, []Dimension{{Forecast: []float64{30, 10}, Actual: []float64{0, 0}}}, Options{})
	if !r.Outage || len(r.Sets) > 0 {
		t.Errorf("outage %v, sets %v", r.Outage, r.Sets)
	}
	checkElements(t, r.Tables[0], []wantElement{{0, .75, .375}, {1, .25, .125}}, 1e-12)
	ratio := explain(t, []Dimension{{
		Forecast: []float64{3, 1}, Actual: []float64{0, 0},
		ForecastDen: []float64{10, 10}, ActualDen: []float64{0, 0},
	}}, Options{})
	if !ratio.Outage || len(ratio.Sets) > 0 {
		t.Error("a ratio without traffic is an outage")
	}
}

func TestRule4_6NoiseFloorOfCounts(t *testing.T) {
	dims := []Dimension{{Forecast: []float64{10, 10, 10, 10}, Actual: []float64{21, 9, 11, 10}}}
	plain := explain(t, dims, Options{})
	count := explain(t, dims, Options{Count: true})
	floor := 1. / 8 * (1./40 + 1./51) / math.Ln2
	near(t, "adjusted", count.Sets[0].Adjusted, plain.Sets[0].Surprise-floor, 1e-12)
	near(t, "not a count", plain.Sets[0].Adjusted, plain.Sets[0].Surprise, 0)
	for k := range dims[0].Forecast { // the same shares of a fiftieth of the events
		dims[0].Forecast[k] /= 50
		dims[0].Actual[k] /= 50
	}
	noisy := explain(t, dims, Options{Count: true})
	if noisy.Sets[0].Adjusted != 0 || !noisy.External {
		t.Errorf("below the floor there is nothing to say: %+v", noisy.Sets[0])
	}
}

func TestRule4_6LongDimensionsAreFolded(t *testing.T) {
	d := Dimension{Forecast: make([]float64, 3000), Actual: make([]float64, 3000)}
	for i := range d.Forecast {
		d.Forecast[i], d.Actual[i] = 1, 1
	}
	d.Actual[2999] = 5000
	r := explain(t, []Dimension{d}, Options{})
	table := r.Tables[0]
	if len(table.Elements) != 2001 || table.Folded != 1000 {
		t.Fatalf("%d elements, %d folded", len(table.Elements), table.Folded)
	}
	if !slices.Equal(r.Sets[0].Elements, []int32{2999}) {
		t.Errorf("set %v", r.Sets[0].Elements)
	}
	i := slices.IndexFunc(table.Elements, func(e Element) bool { return e.ID == Other })
	near(t, "forecast of the rest", table.Elements[i].Forecast, 1000, 0)
	near(t, "forecast of all", r.Forecast, 3000, 0)
}

func TestRule4_6OtherIsNeverACandidate(t *testing.T) {
	r := explain(t, []Dimension{{Forecast: []float64{10, 1, 1}, Actual: []float64{10, 9, 9}}}, Options{Fold: 1})
	if len(r.Sets) > 0 {
		t.Errorf("sets %+v", r.Sets)
	}
}

func TestRule4_7Refinement(t *testing.T) {
	// Zones 0–3 of region 0 fell alike; zone determines region.
	region := []int32{0, 0, 0, 0, 1, 1, 1, 1}
	zone := []int32{0, 1, 2, 3, 4, 5, 6, 7}
	site := []int32{7, 6, 5, 4, 3, 2, 1, 0} // zone by another name
	other := []int32{0, 1, 0, 1, 0, 1, 0, 1}
	fixed := make([]int32, 8)
	codes := [][]int32{zone, region, site, other, fixed}
	parents := Refinements(codes, []int{8, 2, 8, 2, 1})
	want := [][]int{{1, 2, 3}, nil, {0, 1, 3}, nil, nil}
	for i := range want {
		if !slices.Equal(parents[i], want[i]) {
			t.Errorf("label %d determines %v, want %v", i, parents[i], want[i])
		}
	}
	f := []float64{10, 10, 10, 10, 10, 10, 10, 10}
	a := []float64{5, 5.2, 4.8, 5, 10, 10, 10, 10}
	r := explain(t, marginals(codes[:3], []int{8, 2, 8}, f, a), Options{Parents: parents[:3]})
	if r.Sets[0].Dimension != 1 || len(r.Sets[0].Elements) != 1 {
		t.Errorf("the region says the same with one value: %+v", r.Sets)
	}
	if r.Tables[2].AliasOf != 0 || len(r.Sets) != 2 {
		t.Errorf("an alias is merged: %d, %d sets", r.Tables[2].AliasOf, len(r.Sets))
	}
}

func TestRule4_7VolatileLabelsGiveNoSet(t *testing.T) {
	d := Dimension{Forecast: make([]float64, 24), Actual: make([]float64, 24)}
	for i := range 12 {
		d.Forecast[i], d.Actual[12+i] = 10, 1
	}
	d.Actual[12] = 500
	r := explain(t, []Dimension{d}, Options{})
	if !r.Tables[0].Volatile || len(r.Sets) > 0 {
		t.Errorf("volatile %v, sets %v", r.Tables[0].Volatile, r.Sets)
	}
	near(t, "churn", r.Tables[0].Churn, 1, 0)
	if kept := explain(t, []Dimension{d}, Options{KeepVolatile: true}); len(kept.Sets) != 1 {
		t.Error("asked for, it gives a set")
	}
}

func TestRule4_8IncompleteLabels(t *testing.T) {
	dims := []Dimension{
		{Forecast: []float64{60, 40}, Actual: []float64{60, 140}},
		{Forecast: []float64{50}, Actual: []float64{55}},
	}
	r := explain(t, dims, Options{})
	i := slices.IndexFunc(r.Tables[1].Elements, func(e Element) bool { return e.ID == Missing })
	if i < 0 {
		t.Fatal("nothing stands for the rest")
	}
	e := r.Tables[1].Elements[i]
	near(t, "forecast of the rest", e.Forecast, 50, 1e-12)
	near(t, "actual of the rest", e.Actual, 145, 1e-12)
	if r.Tables[1].Set.Accepted || len(r.Tables[1].Set.Elements) > 0 {
		t.Error("what lacks the label is no candidate")
	}
	over := explain(t, dims, Options{Totals: &Totals{Forecast: 80, Actual: 180}})
	near(t, "excess", over.Tables[0].Excess, .25, 1e-12)
}

func TestRule4_9ExactSplitWhenEquation8HasNoSum(t *testing.T) {
	// Traffic moves from a bad element to a good one while the good one gets
	// worse: the partials nearly cancel, the split does not.
	d := Dimension{
		Forecast: []float64{90, 10}, Actual: []float64{9, 190},
		ForecastDen: []float64{100, 900}, ActualDen: []float64{10, 1900},
	}
	r := explain(t, []Dimension{d}, Options{Gate: Gate{Relative: -1}})
	if !r.Tables[0].Exact {
		t.Fatal("equation 8 was used")
	}
	var sum float64
	for _, e := range r.Tables[0].Elements {
		near(t, "EP", e.EP, e.Rate+e.Mix, 1e-12)
		sum += e.EP
	}
	near(t, "sum of EP", sum, 1, 1e-9)
}

func TestRule4_9UndefinedTerms(t *testing.T) {
	r := explain(t, []Dimension{{ // element 0 vanishes, element 2 appears
		Forecast: []float64{5, 5, 0}, Actual: []float64{0, 5, 40},
		ForecastDen: []float64{50, 50, 0}, ActualDen: []float64{0, 50, 50},
	}}, Options{})
	var sum float64
	for _, e := range r.Tables[0].Elements {
		sum += e.Rate + e.Mix
		if e.ID == 2 && (e.Mix != 0 || !e.Appeared) {
			t.Errorf("a new element has no mix effect: %+v", e)
		}
		if e.ID == 0 && (e.Rate != 0 || !e.Vanished) {
			t.Errorf("a vanished element has no rate effect: %+v", e)
		}
	}
	near(t, "sum of the effects", sum, 1, 1e-12)

	all := explain(t, []Dimension{{ // element 0 carried all of the traffic and lost it
		Forecast: []float64{5, 0}, Actual: []float64{0, 9},
		ForecastDen: []float64{50, 0}, ActualDen: []float64{0, 30},
	}}, Options{})
	if !all.Tables[0].Exact {
		t.Error("equation 8 divides by zero here")
	}
}

func TestRule4_9TrafficMixIsNoFailure(t *testing.T) {
	r := explain(t, []Dimension{{
		Forecast: []float64{10, 10}, Actual: []float64{50, 6},
		ForecastDen: []float64{100, 1000}, ActualDen: []float64{500, 600},
	}}, Options{})
	if !r.TrafficMix {
		t.Error("no element degraded")
	}
	if r = explain(t, costPerClick(), Options{}); r.TrafficMix {
		t.Error("advertiser 3 has a rate effect")
	}
}

func TestRule4_13Uniform(t *testing.T) {
	r := explain(t, []Dimension{
		{Forecast: []float64{94, 6}, Actual: []float64{188, 12}},
		{Forecast: []float64{30, 30, 40}, Actual: []float64{60, 60, 80}},
	}, Options{})
	if !r.External {
		t.Errorf("everything doubled: %+v", r.Sets)
	}
	if r = explain(t, revenueDims(), Options{}); r.External || !r.Sets[2].Uniform {
		t.Error("the device explains the drop; the data centre does not")
	}
	for _, a := range []float64{188, 282, 9} { // one value holds nearly all and moves alone
		r = explain(t, []Dimension{{Forecast: []float64{94, 6}, Actual: []float64{a, 6}}}, Options{})
		if r.External || len(r.Sets) != 1 || r.Sets[0].Uniform {
			t.Errorf("the others stood still: %+v", r.Sets)
		}
	}
}

// marginals sums the leaves into one dimension per label.
func marginals(codes [][]int32, cards []int, f, a []float64) []Dimension {
	dims := make([]Dimension, len(codes))
	for d := range codes {
		dims[d] = Dimension{Forecast: make([]float64, cards[d]), Actual: make([]float64, cards[d])}
		for i, c := range codes[d] {
			dims[d].Forecast[c] += f[i]
			dims[d].Actual[c] += a[i]
		}
	}
	return dims
}
