// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"slices"
	"testing"
)

// minutes is one leaf whose value is its row number, with the given step, from time 0.
func minutes(n int, step float64) Series {
	s := Series{Values: [][]float64{make([]float64, n)}}
	for i := range n {
		s.Times = append(s.Times, step*float64(i))
		s.Values[0][i] = float64(i)
	}
	return s
}

func TestCutTakesTheRightRows(t *testing.T) {
	s := minutes(8*288, 300)
	onset := 7*288 + 100 // row
	p := Cut(s, Span{Onset: 300 * float64(onset), End: 300 * float64(onset+2)})
	near(t, "incident", p.Actual[0], float64(onset+1))
	for j := 1; j <= 7; j++ {
		near(t, "the window of an earlier day", p.Profile[j-1][0], float64(onset+1-288*j))
		near(t, "the hour before it", p.Level[j-1][0], float64(onset-288*j)-7) // rows −12 … −2
	}
	near(t, "hour", p.Hour[0], float64(onset)-7)
	near(t, "day", p.Day[0], float64(onset)-145) // rows −288 … −2
	if len(p.Recent) != 23 {
		t.Fatalf("%d steps in two hours", len(p.Recent))
	}
	near(t, "oldest step", p.Recent[0][0], float64(onset-24))
	near(t, "newest step", p.Recent[22][0], float64(onset-2))
}

func TestNothingReachesIntoTheIncident(t *testing.T) {
	for _, step := range []float64{15, 60, 300, 900} {
		n := int(3 * 86400 / step)
		s := minutes(n, step)
		at := n - 5
		for i := at; i < n; i++ {
			s.Values[0][i] = 1e12
		}
		s.Values[0][at-1] = 1e12 // the step before may belong to the incident
		p := Cut(s, Span{Onset: s.Times[at], End: s.Times[n-1]})
		pieces := append([][]float64{p.Hour, p.Day}, p.Recent...)
		pieces = append(append(pieces, p.Profile...), p.Level...)
		for _, x := range pieces {
			if x != nil && x[0] > 1e9 {
				t.Errorf("step %v: a piece of %v", step, x[0])
			}
		}
	}
}

func TestRowsOfAMinuteMakeStepsOfFive(t *testing.T) {
	s := minutes(200, 60)
	p := Cut(s, Span{Onset: 60 * 190, End: 60 * 199})
	if len(p.Recent) != 23 {
		t.Fatalf("%d steps", len(p.Recent))
	}
	near(t, "newest step: rows −10 … −6", p.Recent[22][0], 182)
	if p.Profile[0] != nil || p.Day != nil {
		t.Error("there is no day of history")
	}
}

func TestStepMissingInAllLeavesIsNotZero(t *testing.T) {
	s := minutes(40, 300)
	s.Values = append(s.Values, slices.Repeat([]float64{6}, 40))
	onset := 30
	for _, i := range []int{20, 21} { // no leaf has a sample
		s.Values[0][i], s.Values[1][i] = math.NaN(), math.NaN()
	}
	s.Values[1][22] = math.NaN() // only this leaf has none
	p := Cut(s, Span{Onset: s.Times[onset], End: s.Times[onset]})
	rows := 9.0 // 18 … 28 less two
	near(t, "mean over the rows that exist", p.Hour[1], 6*(rows-1)/rows)
	for i := 18; i < 24; i++ {
		s.Values[0][i], s.Values[1][i] = math.NaN(), math.NaN()
	}
	if p = Cut(s, Span{Onset: s.Times[onset], End: s.Times[onset]}); p.Hour != nil {
		t.Errorf("5 rows of 11 make no hour: %v", p.Hour)
	}
}

func TestRule4_16PartialLeaves(t *testing.T) {
	s := minutes(100, 300)
	whole := s.Values[0]
	few, gone := slices.Clone(whole), slices.Clone(whole)
	for i := 90; i < 100; i++ {
		gone[i] = math.NaN()
		if i%2 == 0 {
			few[i] = math.NaN()
		}
	}
	s.Values = [][]float64{whole, few, gone}
	got := Partial(s, Span{Onset: s.Times[90], End: s.Times[99]})
	if !slices.Equal(got, []bool{false, true, false}) {
		t.Errorf("partial %v: half the samples are too few, none at all is a leaf that vanished", got)
	}
}

func TestForecastOfAWeekIsNearTheTruth(t *testing.T) {
	s := week(50, 7)
	span := Span{Onset: s.Times[6*288+200], End: s.Times[6*288+205]}
	p := Cut(s, span)
	f := additive(t, p, 0)
	if f.Method != Profile || f.Days != 6 {
		t.Fatalf("%+v", f)
	}
	var wrong, sum float64
	for e := range f.Expected {
		wrong += math.Abs(f.Expected[e] - p.Actual[e])
		sum += p.Actual[e]
	}
	if wrong > 0.05*sum {
		t.Errorf("errs by %.3f", wrong/sum)
	}
}

func TestNoRowsNoForecast(t *testing.T) {
	p := Cut(Series{Values: make([][]float64, 2)}, Span{Onset: 1, End: 2})
	if _, err := Additive(p, 0); err == nil {
		t.Error("no error")
	}
}

func TestALeafOfAnotherLengthPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Cut(Series{Times: []float64{1, 2}, Values: [][]float64{{1}}}, Span{})
}
