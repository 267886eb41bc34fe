// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// level is a KPI that stands at 40, begins to fall at one row, and has fallen to 10 at another.
func level(rows, begins, ends int, noise float64) []float64 {
	rng := rand.New(rand.NewPCG(3, 4))
	values := make([]float64, rows)
	for i := range values {
		way := min(1, max(0, float64(i-begins)/float64(ends-begins)))
		values[i] = 40 - 30*way + noise*rng.NormFloat64()
	}
	return values
}

// returned is a level that had fallen by some amount between two rows before, and kept a part
// of that fall.
func returned(values []float64, from, to int, by, kept float64) []float64 {
	for row := from; row < len(values); row++ {
		fall := by
		if row >= to {
			fall = kept
		}
		values[row] = min(values[row], 40-fall)
	}
	return values
}

func TestMoveBeginsBeforeThreshold(t *testing.T) {
	const onset, rows = 150, 160
	gap := level(rows, 110, 150, .1)
	gap[130], gap[131] = math.NaN(), math.NaN()
	chance := level(rows, 110, 150, .1)
	for i := 112; i < 116; i++ { // one sample of a rate, spread over four steps
		chance[i] -= 25
	}
	for name, c := range map[string]struct {
		values     []float64
		least, top int
	}{
		"a slow fall after another":     {returned(level(rows, 110, 150, .1), 60, 80, 30, 12), 126, 129},
		"a step soon after another":     {returned(level(rows, 150, 151, .1), 90, 110, 40, 16), onset, onset},
		"a slow fall, and chance":       {chance, 110, 113},
		"a slow fall":                   {level(rows, 110, 150, .1), 110, 113},
		"a slow fall with a gap":        {gap, 110, 113},
		"without any noise":             {level(rows, 110, 150, 0), 110, 113},
		"a step":                        {level(rows, 150, 151, .1), onset, onset},
		"what the ranking dates itself": {level(rows, 140, 150, .1), onset, onset},
		"on its way all the time":       {level(rows, 0, 150, .1), onset, onset},
		"a small part before the onset": {level(rows, 140, 210, .1), onset, onset},
		"nothing but noise":             {level(rows, 300, 400, 5), onset, onset},
		"nothing at all":                {make([]float64, rows), onset, onset},
		"no sample before the onset":    {append(missing(onset), level(10, 0, 1, 0)...), onset, onset},
		"no sample in the first half":   {append(missing(80), level(80, 0, 70, 0)...), onset, onset},
		"a rise before a fall":          {append(level(onset, 110, 150, .1), 80, 80, 80, 80, 80, 80), onset, onset},
	} {
		if got := Began(c.values, onset); got < c.least || got > c.top {
			t.Errorf("%s: row %d, want %d to %d", name, got, c.least, c.top)
		}
	}
}

func TestBaselineWithinMove(t *testing.T) {
	const onset, rows = 60, 64
	above := func(limit float64) *Limit { return &Limit{Operator: "<", Value: limit} }
	for name, c := range map[string]struct {
		values []float64
		limit  *Limit
		want   bool
	}{
		"falls all the time":            {level(rows, -20, 80, .5), above(20), true},
		"falls from the first quarter":  {level(rows, 8, 70, .5), above(20), true},
		"falls, and has no limit":       {level(rows, -20, 80, .5), nil, true},
		"fell before":                   {level(rows, -20, -10, .5), above(20), true},
		"fell before, by what limit":    {level(rows, -20, -10, .5), nil, false},
		"falls at the end":              {level(rows, 45, 70, .5), above(20), false},
		"a step":                        {level(rows, 58, 59, .5), above(20), false},
		"nothing but noise":             {level(rows, 300, 400, 5), above(20), false},
		"nothing but noise, on a limit": {level(rows, 300, 400, 5), above(40), false},
		"nothing at all":                {make([]float64, rows), nil, false},
		"no samples":                    {missing(rows), above(20), false},
		"three samples":                 {level(rows, -20, 80, .5)[57:], above(20), false},
	} {
		if got := UnderWay(c.values, min(onset, len(c.values)-4), c.limit); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func missing(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

// filling is a disk that a log fills from row 120 on, and that crosses its threshold at row
// 160; another candidate only wanders.
func filling() Frame {
	rng := rand.New(rand.NewPCG(5, 6))
	f := Frame{}
	writes, load := make([]float64, 170), make([]float64, 170)
	for i := range writes {
		f.Times = append(f.Times, float64(1_700_000_000+step*i))
		writes[i], load[i] = 2+.2*rng.NormFloat64(), 1.4+.2*rng.NormFloat64()
		if i >= 120 {
			writes[i] += 18
		}
	}
	f.Onset = f.Times[160]
	f.Targets = []Target{{
		Name: "DiskFull", Title: "space left", Values: level(170, 120, 170, .05), Crossing: true,
		Candidates: []Series{{Name: "load", Query: "load", Values: load}, {Name: "writes", Query: "writes", Values: writes}},
	}}
	return f
}

func TestSeriesThatMovedWithStartOfDriftIsCause(t *testing.T) {
	r := Run(filling(), Options{})
	if len(r.Causes) == 0 || r.Causes[0].Name != "writes" || *r.Causes[0].Evidence.Before > 3 {
		t.Errorf("%+v", r.Causes)
	}
	checkSaid(t, r, "onset: space left began to move 37 min before the alert's condition held")

	f := filling()
	f.Targets[0].Crossing = false // the onset is given
	for _, w := range Run(f, Options{}).Warnings {
		if w.Source == "onset" {
			t.Error(w.Text)
		}
	}
}

// A job that appeared, ran for half an hour and is gone has not been moving since it appeared.
func TestTransientSeriesIsNotDrifting(t *testing.T) {
	values := slices.Concat(make([]float64, 60), slices.Repeat([]float64{1}, 50), make([]float64, 10))
	if got := Began(values, 110); got != 110 {
		t.Errorf("began in row %d, not in that of the onset", got)
	}
}
