// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/culprit-dev/culprit/analysis/adtributor"
	"github.com/culprit-dev/culprit/analysis/grescan"
)

func TestOrderOfRowsIsNoMatter(t *testing.T) {
	in := breakdown(19, []int{5, 4, 3}, func(c []int32) float64 {
		if c[1] == 3 && c[2] == 0 {
			return 4
		}
		return 1
	})
	want := run(t, in, Options{})
	rng := rand.New(rand.NewPCG(19, 19))
	perm := rng.Perm(len(in.Forecast))
	turned := Input{Cards: in.Cards}
	for d := range in.Codes {
		turned.Codes = append(turned.Codes, pick(in.Codes[d], perm))
	}
	turned.Forecast, turned.Actual = pick(in.Forecast, perm), pick(in.Actual, perm)
	got := run(t, turned, Options{})
	if got.Verdict != want.Verdict || !slices.Equal(located(got), located(want)) {
		t.Errorf("%v, %v", located(got), located(want))
	}
}

func TestWorkersDoNotChangeABit(t *testing.T) {
	in := breakdown(20, []int{9, 8, 7, 6, 5}, func(c []int32) float64 { return 1 + float64(c[0]*c[3])/10 })
	if one, eight := run(t, in, Options{Workers: 1}), run(t, in, Options{Workers: 8}); !reflect.DeepEqual(one, eight) {
		t.Errorf("%+v\n%+v", one.Causes, eight.Causes)
	}
}

func TestBadInput(t *testing.T) {
	in := breakdown(21, []int{2, 2}, still)
	in.Actual[3] = -50
	_, err := Run(in, Options{})
	var value *adtributor.ValueError
	if !errors.As(err, &value) {
		t.Errorf("error %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("lengths differ: no panic")
		}
	}()
	in.Partial = []bool{true}
	_, _ = Run(in, Options{})
}

func TestEmptyInput(t *testing.T) {
	checkLocated(t, run(t, Input{}, Options{}), NoChange)
	checkLocated(t, run(t, Input{Marginals: []Measure{{}}}, Options{}), NoChange)
	one := Input{Measure: Measure{Forecast: []float64{1}, Actual: []float64{5}}, Codes: [][]int32{{0}}, Cards: []int{1}}
	checkLocated(t, run(t, one, Options{}), NoConfident) // a label with one value says nothing, not even that all moved alike
}

func TestLessThanOneEventBeforeIsNothing(t *testing.T) {
	in := Input{Codes: [][]int32{{0, 1, 2, 3}}, Cards: []int{4}, Measure: Measure{
		Forecast: []float64{1e-6, 1e-6, .024, 1e-6}, // all of the forecast is where the events came, by chance
		Actual:   []float64{0, 0, 7000, 0},
		Parts: &Parts{
			ForecastNum: []float64{1e-6, 1e-6, .024, 1e-6},
			ForecastDen: []float64{12e3, 18e3, 24e3, 30e3}, ActualDen: []float64{12e3, 18e3, 24e3, 30e3},
		},
	}}
	r := run(t, in, Options{Count: true})
	checkLocated(t, r, Explained, "[0] [2]")
	if !r.NoBaseline {
		t.Error("there was nothing before")
	}
	for i := range in.Forecast { // one event counts, and the others still didn't move
		in.Forecast[i] *= 100
	}
	r = run(t, in, Options{Count: true})
	checkLocated(t, r, Explained, "[0] [2]")
	if r.NoBaseline {
		t.Error("there was something before")
	}
}

// 600,000 leaves with five causes in different labels.
func TestFiveCausesInALargeTable(t *testing.T) {
	if testing.Short() {
		t.Skip("a second of work")
	}
	in := breakdown(23, []int{10, 5, 250, 8, 6}, func(c []int32) float64 {
		switch {
		case c[0] == 1:
			return 2
		case c[1] == 2 && c[3] == 5, c[2] == 17:
			return 4
		case c[0] == 3 && c[4] == 1, c[3] == 1 && c[4] == 2:
			return 2.5
		}
		return 1
	})
	checkLocated(t, run(t, in, Options{}), Explained, "[0 4] [3 1]", "[0] [1]", "[1 3] [2 5]", "[2] [17]", "[3 4] [1 2]")
}

func TestAnErrorNamesTheRowOfTheBreakdown(t *testing.T) {
	in := Input{
		Codes: [][]int32{{0, 0, 0, 1, 1, 1}, {0, 1, 2, 0, 1, 2}}, Cards: []int{2, 3},
		Measure: Measure{Forecast: []float64{0, 40, 50, 60, 70, 80}, Actual: []float64{0, 90, 120, 200, -5, 80}},
	}
	_, err := Run(in, Options{})
	var bad *grescan.ValueError
	if !errors.As(err, &bad) || bad.Leaf != 4 || bad.Value != -5 {
		t.Errorf("error %v, want one of row 4 and the value -5", err)
	}
}
