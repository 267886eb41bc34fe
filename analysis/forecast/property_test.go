// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// history has every piece that a forecast can use; values returns the values of a piece.
func history(actual []float64, values func(piece string) []float64) Pieces {
	p := Pieces{Actual: actual, Hour: values("hour"), Day: values("day")}
	for range 3 {
		p.Profile, p.Level = append(p.Profile, values("profile")), append(p.Level, values("level"))
	}
	for range ewmaSteps {
		p.Recent = append(p.Recent, values("recent"))
	}
	return p
}

// shorter are histories with ever less data: without days, without the hour, with half an hour,
// and with a chosen baseline.
func shorter(p Pieces) map[Method]Pieces {
	smoothed := Pieces{Actual: p.Actual, Recent: p.Recent}
	return map[Method]Pieces{
		Profile: p, Smoothed: smoothed,
		Mean:   {Actual: p.Actual, Recent: p.Recent[:meanSteps]},
		Chosen: {Actual: p.Actual, Baseline: p.Hour},
	}
}

func drawLeaves(t *rapid.T, name string) []float64 {
	return rapid.SliceOfN(rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.01, 1e6)), 1, 8).Draw(t, name)
}

func closeTo(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// Constant values are forecast to stay, with errors of 0, whichever method the history allows.
func TestConstantIsForecastToStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		level := drawLeaves(t, "level")
		p := history(level, func(string) []float64 { return slices.Clone(level) })
		unit := rapid.SampledFrom([]float64{0, 1, 1. / 300}).Draw(t, "unit")
		for method, pieces := range shorter(p) {
			f, err := Additive(pieces, unit)
			if err != nil || f.Method != method || f.SD > 1e-9*total(level) {
				t.Fatalf("method %d, %v, past errors %v; want method %d", f.Method, err, f.SD, method)
			}
			for e, x := range f.Expected {
				if !closeTo(x, level[e]) {
					t.Fatalf("%s: leaf %d is expected at %v, was always %v", f, e, x, level[e])
				}
			}
		}
	})
}

// A constant rate is applied to the current traffic: more or shifted traffic explains itself.
func TestConstantRateAppliesToCurrentTraffic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		traffic := drawLeaves(t, "traffic")
		now := rapid.SliceOfN(rapid.Float64Range(0, 1e6), len(traffic), len(traffic)).Draw(t, "now")
		rate := rapid.Float64Range(0.001, 1).Draw(t, "rate")
		times := func(x []float64, by float64) []float64 {
			y := slices.Clone(x)
			for i := range y {
				y[i] *= by
			}
			return y
		}
		den := history(now, func(string) []float64 { return slices.Clone(traffic) })
		num := history(times(now, rate), func(string) []float64 { return times(traffic, rate) })
		if total(traffic) == 0 {
			t.Skip("no traffic, no rate")
		}
		dens := shorter(den)
		count := rapid.Bool().Draw(t, "count")
		for method, pieces := range shorter(num) {
			f, err := Ratio(pieces, dens[method], Scale{Window: 2, Hour: 12, Day: 288}, count)
			if err != nil {
				t.Fatal(err)
			}
			for e, x := range f.Expected {
				if !closeTo(x, rate*now[e]) {
					t.Fatalf("%s: leaf %d is expected at %v, want %v of %v", f, e, x, rate, now[e])
				}
			}
		}
	})
}

// Reordering leaves doesn't change their forecasts, nor does duplicating them.
func TestOrderAndNumberOfLeavesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "leaves")
		piece := func(name string) []float64 {
			return rapid.SliceOfN(rapid.Float64Range(0, 1e6), n, n).Draw(t, name)
		}
		p := history(piece("actual"), piece)
		turn := func(x []float64) []float64 { // reversed, twice
			y := slices.Clone(x)
			slices.Reverse(y)
			return append(y, y...)
		}
		many := func(x [][]float64) [][]float64 {
			y := make([][]float64, len(x))
			for i := range x {
				y[i] = turn(x[i])
			}
			return y
		}
		q := Pieces{
			Actual: turn(p.Actual), Hour: turn(p.Hour), Day: turn(p.Day),
			Profile: many(p.Profile), Level: many(p.Level), Recent: many(p.Recent),
		}
		turned := shorter(q)
		for method, pieces := range shorter(p) {
			want, err1 := Additive(pieces, 0)
			got, err2 := Additive(turned[method], 0)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			for e, x := range got.Expected {
				if w := want.Expected[n-1-e%n]; !closeTo(x, w) {
					t.Fatalf("%s: leaf %d is expected at %v, %v before", got, e, x, w)
				}
			}
		}
	})
}
