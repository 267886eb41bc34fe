// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// eightDays is a measure of two leaves in rows of 5 minutes, starting eight days before the
// onset. change returns the factor of a leaf at a minute relative to the onset.
func eightDays(change func(leaf int, minute float64) float64) (Series, Span) {
	s := Series{Values: make([][]float64, 2)}
	for i := range 8*288 + 3 {
		at := float64(i-8*288) * 5
		s.Times = append(s.Times, 60*at)
		for e, base := range []float64{300, 900} {
			wobble := 1 + .02*math.Sin(float64(7*i+e))
			s.Values[e] = append(s.Values[e], base*wobble*change(e, at))
		}
	}
	return s, Span{Onset: 0, End: 600}
}

// during multiplies one leaf by a factor between two minutes.
func during(leaf int, from, until, factor float64) func(int, float64) float64 {
	return func(e int, minute float64) float64 {
		if e == leaf && minute >= from && minute < until {
			return factor
		}
		return 1
	}
}

func TestAnEarlierIncidentIsNoBaseline(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(int, float64) float64
		want   []Span // in minutes
	}{
		{"quiet", during(0, 0, 0, 1), nil},
		{"a spike", during(0, -50, -30, 8), []Span{{-50, -30}}},
		{"a fall", during(1, -60, -40, 0), []Span{{-60, -40}}},
		{"an alert that is late", during(0, -20, 20, 6), []Span{{-20, -5}}},
		{"two spikes", func(e int, m float64) float64 { return during(0, -90, -80, 9)(e, m) * during(1, -40, -30, 3)(e, m) }, []Span{{-90, -80}, {-40, -30}}},
		{"all of it", func(e int, m float64) float64 { return during(0, -50, -30, 8)(e, m) * during(1, -50, -30, 8)(e, m) }, []Span{{-50, -30}}},
		{"its habit", func(_ int, m float64) float64 {
			if math.Mod(m+1e4, 20) == 0 {
				return 3
			}
			return 1
		}, nil},
		{"another level since an hour", during(0, -65, 20, 8), []Span{{-120, -65}}},
		{"less than matters", during(0, -50, -30, 1.15), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, span := eightDays(c.change)
			p := Cut(s, span)
			steps := Steps{Length: 300, Event: 0}
			got, aside := SetAside(p, nil, steps)
			var want []Span
			for _, w := range c.want {
				want = append(want, Span{Onset: 60 * w.Onset, End: 60 * w.End})
			}
			if stretches := steps.Stretches(aside, -300); !slices.Equal(stretches, want) {
				t.Fatalf("set aside %v, want %v", stretches, want)
			}
			if c.want == nil || c.name == "another level since an hour" {
				return
			}
			f, err := Additive(got, 0)
			if err != nil {
				t.Fatal(err)
			}
			for e, usual := range []float64{300, 900} {
				if math.Abs(f.Expected[e]/usual-1) > .05 {
					t.Errorf("leaf %d: %g is expected, %g is usual (%g with the incident)", e, f.Expected[e], usual, p.Hour[e])
				}
				if math.Abs(got.Day[e]/usual-1) > .02 {
					t.Errorf("leaf %d: the day before had %g, %g is usual", e, got.Day[e], usual)
				}
			}
		})
	}
}

func TestBaselineOfRatioIsARate(t *testing.T) {
	traffic, span := eightDays(during(1, -50, -30, 4)) // more traffic isn't an incident of its errors
	errors, _ := eightDays(func(e int, m float64) float64 {
		return .02 * during(1, -50, -30, 4)(e, m) * during(0, -90, -80, 10)(e, m)
	})
	num, den := Cut(errors, span), Cut(traffic, span)
	got, aside := SetAside(num, &den, Steps{Length: 300, Event: 1})
	if want := []Span{{-5400, -4800}}; !slices.Equal(Steps{Length: 300}.Stretches(aside, -300), want) {
		t.Errorf("set aside %v", Steps{Length: 300}.Stretches(aside, -300))
	}
	for k, step := range got.Recent {
		if rate := step[0] / den.Recent[k][0]; math.Abs(rate-.02) > .001 {
			t.Errorf("step %d has the rate %g", k, rate)
		}
	}
}

func TestGivenTimesAreNoBaseline(t *testing.T) {
	s, span := eightDays(during(0, -100, -30, 8)) // more than half of the time
	p := Cut(s, span)
	known := make([]bool, len(p.Recent))
	for k := range known {
		minute := -5 - 5*float64(len(known)-k)
		known[k] = minute >= -100 && minute < -30
	}
	got, aside := SetAside(p, nil, Steps{Length: 300, Known: known})
	if !slices.Equal(aside, known) {
		t.Errorf("set aside %v, known %v", aside, known)
	}
	if math.Abs(got.Hour[0]/300-1) > .05 {
		t.Errorf("the last hour has %g", got.Hour[0])
	}
}

// What is left out depends only on the values and not on their unit, and the input is not
// modified.
func TestUnitDoesNotChangeBaseline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := float64(rapid.IntRange(-24, -4).Draw(t, "from") * 5)
		factor := rapid.Float64Range(0, 20).Draw(t, "factor")
		unit := math.Pow(10, float64(rapid.IntRange(-6, 6).Draw(t, "unit")))
		one, span := eightDays(during(0, from, from+15, factor))
		other, _ := eightDays(func(e int, m float64) float64 { return unit * during(0, from, from+15, factor)(e, m) })
		a, b := Cut(one, span), Cut(other, span)
		before := slices.Clone(a.Hour)
		_, asideA := SetAside(a, nil, Steps{Length: 300})
		_, asideB := SetAside(b, nil, Steps{Length: 300})
		if !slices.Equal(asideA, asideB) {
			t.Errorf("set aside %v, in another unit %v", asideA, asideB)
		}
		if !slices.Equal(a.Hour, before) {
			t.Error("the given pieces were changed")
		}
	})
}

// A new server has no earlier days and few steps; its first incident still isn't the baseline
// of the second.
func TestFirstIncidentOfNewServerIsNoBaseline(t *testing.T) {
	p := Pieces{Hour: []float64{200. / 5, 7}, Recent: [][]float64{{10, 7}, {150, 7}, {20, 7}, {10, 7}, {10, 7}}}
	for _, c := range []struct {
		known []bool
		hour  float64
	}{
		{[]bool{false, true, true, false, false}, 10},
		{[]bool{false, false, false, false, false}, 40}, // the alert's history is unknown, and there are too few steps to judge
		{[]bool{true, true, true, false, false}, 40},    // no step is left as a baseline
	} {
		got, aside := SetAside(p, nil, Steps{Length: 300, Known: c.known})
		if got.Hour[0] != c.hour || got.Hour[1] != 7 {
			t.Errorf("%v: %v an hour, want %v and 7", c.known, got.Hour, c.hour)
		}
		if want := c.hour == 10; want != (aside != nil) {
			t.Errorf("%v: %v is said to be set aside", c.known, aside)
		}
	}
	if p.Hour[0] != 40 || p.Recent[1][0] != 150 {
		t.Error("the pieces of the caller were changed")
	}
}
