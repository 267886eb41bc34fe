// SPDX-License-Identifier: Apache-2.0

package adtributor

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func mustExplain(t *rapid.T, dims []Dimension, opt Options) Result {
	r, err := Explain(dims, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// byID indexes the elements of each table by value.
func byID(r Result) []map[int32]Element {
	all := make([]map[int32]Element, len(r.Tables))
	for d, table := range r.Tables {
		all[d] = map[int32]Element{}
		for _, e := range table.Elements {
			all[d][e.ID] = e
		}
	}
	return all
}

// Swapping forecast and actual selects the same values with the same share and surprise;
// appeared becomes vanished.
func TestReversedTimeSelectsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, a := genLeaves(t)
		opt := Options{Gate: Gate{Relative: -1}, Count: rapid.Bool().Draw(t, "count")}
		there, back := mustExplain(t, marginals(codes, cards, f, a), opt), mustExplain(t, marginals(codes, cards, a, f), opt)
		if there.NoBaseline != back.Outage || there.Outage != back.NoBaseline {
			t.Fatalf("no baseline %v and outage %v, backwards %v and %v", there.NoBaseline, there.Outage, back.NoBaseline, back.Outage)
		}
		if there.NoChange || back.NoChange || there.Gross || back.Gross {
			return // flagged by the forecast, which is another one now
		}
		turned := byID(back)
		for d, table := range there.Tables {
			other := back.Tables[d]
			if table.Churn != other.Churn || table.Rollover != other.Rollover || table.Volatile != other.Volatile {
				t.Errorf("label %d: churn %v, roll-over %v, volatile %v; backwards %v, %v, %v", d,
					table.Churn, table.Rollover, table.Volatile, other.Churn, other.Rollover, other.Volatile)
			}
			for _, e := range table.Elements {
				b := turned[d][e.ID]
				near := math.Abs(e.EP-b.EP) <= 1e-9*(1+math.Abs(e.EP)) && math.Abs(e.Surprise-b.Surprise) <= 1e-12
				if !near || e.Appeared != b.Vanished || e.Vanished != b.Appeared {
					t.Errorf("label %d: %+v, backwards %+v", d, e, b)
				}
			}
		}
	})
}

// A value that is zero before and after changes nothing, unless its label has only one other
// value.
func TestEmptyValueChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, a := genLeaves(t)
		dims := marginals(codes, cards, f, a)
		want := mustExplain(t, dims, Options{})
		for d := range dims {
			if len(dims[d].Forecast) > 1 {
				dims[d].Forecast, dims[d].Actual = append(dims[d].Forecast, 0), append(dims[d].Actual, 0)
			}
		}
		got := mustExplain(t, dims, Options{})
		for d := range got.Tables {
			got.Tables[d].Elements, want.Tables[d].Elements = nil, nil
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateApprox(1e-9, 1e-12)); diff != "" {
			t.Error(diff)
		}
	})
}

// Totals equal to the sums of the labels may be omitted; larger ones are what each label lacks.
func TestTotalsOfLabelsMayBeOmitted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, a := genLeaves(t)
		dims := marginals(codes, cards, f, a)
		want := mustExplain(t, dims, Options{})
		totals := Totals{Forecast: want.Forecast, Actual: want.Actual}
		if got := mustExplain(t, dims, Options{Totals: &totals}); !reflect.DeepEqual(want.Sets, got.Sets) || got.Gross != want.Gross || got.NoChange != want.NoChange {
			t.Errorf("with its own totals: %+v, without: %+v", got.Sets, want.Sets)
		}
		totals.Forecast, totals.Actual = 2*totals.Forecast+1, 3*totals.Actual+2
		more := mustExplain(t, dims, Options{Totals: &totals})
		if more.Forecast != totals.Forecast || more.Actual != totals.Actual {
			t.Errorf("%v → %v, given are %+v", more.Forecast, more.Actual, totals)
		}
		for d, table := range more.Tables {
			var have Totals
			for _, e := range table.Elements {
				have.Forecast, have.Actual = have.Forecast+e.Forecast, have.Actual+e.Actual
			}
			if !cmp.Equal([]float64{have.Forecast, have.Actual}, []float64{totals.Forecast, totals.Actual}, cmpopts.EquateApprox(1e-5, 0)) {
				t.Errorf("label %d holds %+v of %+v", d, have, totals)
			}
			if table.Excess != 0 {
				t.Errorf("label %d holds %v more than all", d, table.Excess)
			}
		}
	})
}

// ofRatio draws a ratio in which every value has traffic in both windows.
func ofRatio(t *rapid.T) []Dimension {
	codes, cards, f, a := genLeaves(t)
	traffic := rapid.Float64Range(1, 1e6)
	fd := rapid.SliceOfN(traffic, len(f), len(f)).Draw(t, "forecast of the denominator")
	ad := rapid.SliceOfN(traffic, len(f), len(f)).Draw(t, "actual of the denominator")
	for i := range f { // errors are a fraction of the traffic
		f[i], a[i] = fd[i]*math.Mod(f[i], 1), ad[i]*math.Mod(a[i], 1)
	}
	dims, den := marginals(codes, cards, f, a), marginals(codes, cards, fd, ad)
	for d := range dims {
		dims[d].ForecastDen, dims[d].ActualDen = den[d].Forecast, den[d].Actual
	}
	return dims
}

// The units of events and traffic don't change the causes of a ratio.
func TestUnitsOfRatioDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := ofRatio(t)
		want := mustExplain(t, dims, Options{})
		num, den := math.Ldexp(1, rapid.IntRange(-9, 9).Draw(t, "numerator")), math.Ldexp(1, rapid.IntRange(-9, 9).Draw(t, "denominator"))
		for d := range dims {
			dims[d].Forecast, dims[d].Actual = times(num, dims[d].Forecast), times(num, dims[d].Actual)
			dims[d].ForecastDen, dims[d].ActualDen = times(den, dims[d].ForecastDen), times(den, dims[d].ActualDen)
		}
		got := mustExplain(t, dims, Options{})
		if !reflect.DeepEqual(want.Sets, got.Sets) || got.Forecast != want.Forecast*num/den || got.TrafficMix != want.TrafficMix {
			t.Errorf("×%g of ×%g: %+v, want %+v", num, den, got.Sets, want.Sets)
		}
	})
}

func times(by float64, x []float64) []float64 {
	x = slices.Clone(x)
	for i := range x {
		x[i] *= by
	}
	return x
}

// Under a constant total, a value moved by the sum of its two effects, in either direction, and
// these add up to all that moved.
func TestPartsOfConstantRatioAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := mustExplain(t, ofRatio(t), Options{Gate: Gate{Relative: 1e9}})
		if !r.Gross {
			return
		}
		for d, table := range r.Tables {
			var sum float64
			for _, e := range table.Elements {
				sum += e.EP
				if math.Abs(e.EP-math.Abs(e.Rate+e.Mix)) > 1e-9*(1+math.Abs(e.Rate)) {
					t.Errorf("label %d: %v, its effects %v and %v", d, e.EP, e.Rate, e.Mix)
				}
			}
			if math.Abs(sum-1) > 1e-9 && sum != 0 {
				t.Errorf("label %d: all that moved is %v", d, sum)
			}
		}
	})
}

// A label equivalent to an earlier one is its alias and adds no set.
func TestCopyOfLabelIsAnAlias(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, a := genLeaves(t)
		want := mustExplain(t, marginals(codes, cards, f, a), Options{Top: -1, Parents: Refinements(codes, cards)})
		copied := rapid.IntRange(0, len(codes)-1).Draw(t, "copied")
		if !several(codes[copied]) {
			return // a label with one value says nothing
		}
		codes, cards = append(codes, codes[copied]), append(cards, cards[copied])
		got := mustExplain(t, marginals(codes, cards, f, a), Options{Top: -1, Parents: Refinements(codes, cards)})
		if diff := cmp.Diff(want.Sets, got.Sets, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if of := got.Tables[len(codes)-1].AliasOf; of < 0 || of > copied {
			t.Errorf("a copy of label %d is an alias of %d", copied, of)
		}
	})
}
