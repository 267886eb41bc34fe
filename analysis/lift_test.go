// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"testing"
)

// rooms are temperatures below zero; one of them rises.
func rooms(now, usual func(room int) float64) *Breakdown {
	b := &Breakdown{Labels: []string{"room"}}
	for i := range 6 {
		b.Leaves = append(b.Leaves, []string{string(rune('a' + i))})
		b.Numerator.Actual = append(b.Numerator.Actual, now(i))
	}
	for k := range 24 {
		step := make([]float64, 6)
		for i := range step {
			step[i] = usual(i) + .1*math.Sin(float64(k+i))
		}
		b.Numerator.Recent = append(b.Numerator.Recent, step)
	}
	return b
}

func TestNegativePartsKeepTheirValues(t *testing.T) {
	cold := func(int) float64 { return -20 }
	for name, c := range map[string]struct {
		now    func(int) float64
		actual float64
	}{
		"one rises, and stays below":   {func(i int) float64 { return -20 + map[int]float64{3: 15}[i] }, -5},
		"one falls to its lowest":      {func(i int) float64 { return -20 - map[int]float64{3: 40}[i] }, -60},
		"one crosses zero":             {func(i int) float64 { return -20 + map[int]float64{3: 26}[i] }, 6},
		"one is there as never before": {func(i int) float64 { return -20 + map[int]float64{3: 20}[i] }, 0},
	} {
		r := analyse(t, rooms(c.now, cold), LabelOptions{})
		if len(r.Causes) == 0 || r.Causes[0].Labels[0]["room"] != "d" {
			t.Errorf("%s: %s, %v", name, r.Verdict, r.Causes)
			continue
		}
		e := r.Causes[0].Evidence
		if math.Abs(*e.Forecast+20) > .2 || math.Abs(*e.Actual-c.actual) > 1e-6 || e.Vanished || e.Appeared {
			t.Errorf("%s: %v → %v, vanished %t, appeared %t", name, *e.Forecast, *e.Actual, e.Vanished, e.Appeared)
		}
		if want := -120 + c.actual + 20; math.Abs(r.Change.Actual-want) > 1e-6 || math.Abs(r.Change.Forecast+120) > 1 {
			t.Errorf("%s: in all %v → %v, want %v", name, r.Change.Forecast, r.Change.Actual, want)
		}
	}
}

func TestRiseFromNegativeIsNoOutage(t *testing.T) {
	r := analyse(t, rooms(func(int) float64 { return -20 }, func(int) float64 { return 5 }), LabelOptions{})
	if r.Verdict != External || r.Everywhere == AllStopped {
		t.Errorf("%s, %s", r.Verdict, r.Everywhere)
	}
}

// The part that a ratio lacks may be negative because of noise.
func TestRatioWithNegativeParts(t *testing.T) {
	b := rooms(func(i int) float64 { return -1 + map[int]float64{3: 60}[i] }, func(i int) float64 { return math.Sin(float64(i)) })
	b.Numerator.Hour = []float64{1, -1, 1, -1, 1, -1}
	b.Denominator = &Pieces{Actual: make([]float64, 6), Hour: make([]float64, 6)}
	for i := range 6 {
		b.Denominator.Actual[i], b.Denominator.Hour[i] = 100, 100
	}
	r := analyse(t, b, LabelOptions{})
	if len(r.Causes) == 0 || r.Causes[0].Labels[0]["room"] != "d" || math.Abs(r.Change.Actual-54./600) > 1e-9 || math.Abs(r.Change.Forecast) > .02 {
		t.Errorf("%s, %+v, %+v", r.Verdict, r.Change, r.Causes)
	}
}
