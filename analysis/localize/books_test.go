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

// booked recomputes the figures of a cause from its leaves in the breakdown.
func booked(in Input, c Cause) Cause {
	out := Cause{Appeared: true, Vanished: true}
	var all adtributor.Totals
	part := make([]adtributor.Totals, len(c.Combinations))
	for i := range in.Forecast {
		leaf := adtributor.Totals{Forecast: in.Forecast[i], Actual: in.Actual[i]}
		if p := in.Parts; p != nil {
			leaf = adtributor.Totals{Forecast: p.ForecastNum[i], Actual: in.Actual[i], ForecastDen: p.ForecastDen[i], ActualDen: p.ActualDen[i]}
		}
		all = all.Plus(leaf)
		at := slices.IndexFunc(c.Combinations, func(k Combination) bool { return k.holds(in.Codes, i) })
		if at < 0 {
			continue
		}
		part[at] = part[at].Plus(leaf)
		out.Forecast, out.Actual, out.Leaves = out.Forecast+in.Forecast[i], out.Actual+in.Actual[i], out.Leaves+1
		if in.Partial != nil && in.Partial[i] {
			out.Partial++
		}
	}
	if out.Forecast > 0 {
		out.Ratio = out.Actual / out.Forecast
	}
	for _, p := range part {
		before, now := p.Forecast, p.Actual
		if in.Parts != nil {
			rate, mix := adtributor.Effects(p, all)
			change := all.Actual/all.ActualDen - all.Forecast/all.ForecastDen
			out.Rate, out.Mix = out.Rate+rate/change, out.Mix+mix/change
			before, now = p.ForecastDen, p.ActualDen
		}
		out.Appeared, out.Vanished = out.Appeared && before == 0, out.Vanished && now == 0
	}
	return out
}

// says are the figures that a cause reports.
func says(c Cause) Cause {
	return Cause{
		Forecast: c.Forecast, Actual: c.Actual, Ratio: c.Ratio, Leaves: c.Leaves, Partial: c.Partial,
		Rate: c.Rate, Mix: c.Mix, Appeared: c.Appeared, Vanished: c.Vanished,
	}
}

// nearlyEqual compares causes up to rounding.
func nearlyEqual(a, b Cause) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if x.Field(i).Kind() == reflect.Float64 {
			if math.Abs(x.Field(i).Float()-y.Field(i).Float()) > 1e-9*(1+math.Abs(y.Field(i).Float())) {
				return false
			}
		} else if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			return false
		}
	}
	return true
}

// scaling multiplies some values of one label.
func scaling(label int, by float64, values ...int32) func(c []int32) float64 {
	return func(c []int32) float64 {
		if slices.Contains(values, c[label]) {
			return by
		}
		return 1
	}
}

// However a cause was found, its figures are the sums of its leaves: for a combination, several
// values, a ratio, and leaves that vanished or appeared.
func TestFiguresOfCausesAreSumsOfLeaves(t *testing.T) {
	incidents := map[string]func(seed uint64) Input{
		"a combination": clearCase,
		"two values":    func(seed uint64) Input { return breakdown(seed, []int{5, 6, 3}, scaling(1, 3, 2, 4)) },
		"vanished":      func(seed uint64) Input { return breakdown(seed, []int{5, 6, 3}, scaling(1, 0, 2, 4)) },
		"one vanished": func(seed uint64) Input {
			return breakdown(seed, []int{5, 6, 3}, func(c []int32) float64 { return scaling(1, 0, 2)(c) * scaling(1, .3, 4)(c) })
		},
		"appeared": func(seed uint64) Input {
			in := breakdown(seed, []int{5, 6, 3}, still)
			for i := range in.Forecast {
				if c := in.Codes[1][i]; c == 2 || c == 4 {
					in.Forecast[i] = 0
				}
			}
			return in
		},
		"a ratio": func(seed uint64) Input {
			return ratioOf(seed, []int{4, 5}, scaling(0, 1.2, 3), scaling(1, 5, 2, 3))
		},
		"a ratio by combination": func(seed uint64) Input {
			return ratioOf(seed, []int{4, 5}, still, func(c []int32) float64 { return scaling(0, 1, 1)(c) + 9*float64(count(c[0] == 2 && c[1] == 1)) })
		},
	}
	for name, of := range incidents {
		for seed := range uint64(6) {
			in := of(seed)
			in.Partial = make([]bool, len(in.Forecast))
			rng := rand.New(rand.NewPCG(seed, 3))
			for i := range in.Partial {
				in.Partial[i] = rng.Float64() < .1
			}
			for _, mode := range []Mode{Auto, GREScan, Complete, NSDI} {
				r := run(t, in, Options{Mode: mode, Count: in.Parts != nil})
				if len(r.Causes) == 0 && mode == Auto {
					t.Errorf("%s, seed %d: no cause", name, seed)
				}
				for _, c := range r.Causes {
					got, want := says(c), booked(in, c)
					if c.Method == "adtributor" { // its tables have no leaves
						got.Leaves, want.Leaves, got.Partial, want.Partial = 0, 0, 0, 0
					}
					if mode == NSDI && in.Parts != nil { // the parts alone, without the forecast from traffic
						got.Forecast, got.Ratio, want.Forecast, want.Ratio = 0, 0, 0, 0
					}
					if !nearlyEqual(got, want) {
						t.Errorf("%s, seed %d, mode %d, %v:\n%+v, want\n%+v", name, seed, mode, c.Combinations, got, want)
					}
				}
			}
		}
	}
}

// Explained has a trusted cause; every other verdict has no confident one. Trusted causes come
// first, by share.
func TestVerdictAgreesWithConfidence(t *testing.T) {
	seen := map[Verdict]int{}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 4))
		factor := func() float64 { return math.Exp(rng.NormFloat64() * []float64{.02, .3, 1.5}[seed%3]) }
		by := [2][]float64{{factor(), 1, factor()}, {1, 1, factor(), factor()}}
		all := []float64{1, 1.6}[rng.IntN(2)]
		change := func(c []int32) float64 { return all * by[0][c[0]] * by[1][c[1]] }
		in := breakdown(seed, []int{3, 4, 2}, change)
		if seed%2 == 1 {
			in = ratioOf(seed, []int{3, 4}, change, func(c []int32) float64 { return by[1][3-c[1]] })
		}
		r := run(t, in, Options{Count: seed%2 == 1})
		seen[r.Verdict]++
		sure := slices.ContainsFunc(r.Causes, func(c Cause) bool { return c.Confidence != Low })
		if sure != (r.Verdict == Explained) {
			t.Errorf("seed %d: verdict %d, trusted causes: %v", seed, r.Verdict, sure)
		}
		if r.Gross && slices.ContainsFunc(r.Causes, func(c Cause) bool { return c.Confidence == High }) {
			t.Errorf("seed %d: high confidence in what the total does not show", seed)
		}
		for k := 1; k < len(r.Causes); k++ {
			if a, b := r.Causes[k-1], r.Causes[k]; a.Confidence == Low && b.Confidence != Low && len(a.Combinations) == 1 {
				t.Errorf("seed %d: cause %d is trusted, and %d is not", seed, k, k-1)
			}
		}
	}
	for _, v := range []Verdict{Explained, NoConfident, External, TrafficMix, NoChange} {
		if seen[v] == 0 {
			t.Errorf("no case has the verdict %d: %v", v, seen)
		}
	}
}

// Missing samples lower the confidence of a cause and don't change it.
func TestMissingSamplesNeverAddConfidence(t *testing.T) {
	for _, mode := range []Mode{Auto, GREScan} {
		in := clearCase(3)
		var members []int
		for i := range in.Forecast {
			if in.Codes[0][i] == 1 && in.Codes[2][i] == 2 {
				members = append(members, i)
			}
		}
		last := High
		for n := range len(members) + 1 {
			in.Partial = make([]bool, len(in.Forecast))
			for _, i := range members[:n] {
				in.Partial[i] = true
			}
			r := run(t, in, Options{Mode: mode})
			c := r.Causes[0]
			if fmt.Sprint(located(r)) != "[[0 2] [1 2]]" || c.Partial != n || c.Confidence > last {
				t.Errorf("mode %d, %d of %d partial: %v, %d, %v confidence after %v", mode, n, len(members), located(r), c.Partial, c.Confidence, last)
			}
			last = c.Confidence
		}
		if last == High {
			t.Errorf("mode %d: high confidence without a whole sample", mode)
		}
	}
}

// A label equivalent to another under other names is an alias, and changes nothing.
func TestCopyOfLabelIsNoSeparateCause(t *testing.T) {
	for seed := range uint64(10) {
		for copied := range 3 {
			in := clearCase(seed)
			want := run(t, in, Options{})
			more := in
			other := slices.Clone(in.Codes[copied])
			for i := range other {
				other[i] = int32(in.Cards[copied]-1) - other[i]
			}
			more.Codes, more.Cards = append(slices.Clone(in.Codes), other), append(slices.Clone(in.Cards), in.Cards[copied])
			got := run(t, more, Options{})
			if !slices.Equal(located(got), located(want)) || got.Causes[0].Confidence != want.Causes[0].Confidence {
				t.Errorf("seed %d, a copy of label %d: %v of %v confidence, want %v of %v", seed, copied,
					located(got), got.Causes[0].Confidence, located(want), want.Causes[0].Confidence)
			}
			at := slices.IndexFunc(got.Dimensions, func(d Dimension) bool { return d.Label == 3 })
			if d := got.Dimensions[at]; d.Reason != Alias || d.AliasOf != copied {
				t.Errorf("seed %d, a copy of label %d: reason %d, alias of %d", seed, copied, d.Reason, d.AliasOf)
			}
		}
	}
}
