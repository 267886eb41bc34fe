// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"testing"
)

// reading is one KPI without a breakdown, one row a minute.
func reading(onset int, values ...float64) Frame {
	f := Frame{Onset: float64(1_700_000_000 + 60*onset)}
	for i := range values {
		f.Times = append(f.Times, float64(1_700_000_000+60*i))
	}
	f.Targets = []Target{{Name: "Full", Title: "disk used", Values: values, Limit: &Limit{Operator: ">", Value: 90}}}
	return f
}

func TestDurationOfLevel(t *testing.T) {
	for name, c := range map[string]struct {
		values  []float64
		held    float64
		atLeast bool
	}{
		"as far as was asked": {[]float64{95, 95, math.NaN(), 95, 95}, 240, true},
		"since a row":         {[]float64{80, 80, 95, 95, 95}, 120, false},
		"again":               {[]float64{95, 80, 95, 95, 95}, 120, false},
		"no longer":           {[]float64{95, 95, 95, 95, 80}, 0, false},
	} {
		f := reading(3, c.values...)
		l := f.level(f.Targets[0])
		if l == nil || l.Held != c.held || l.AtLeast != c.atLeast || l.Threshold != 90 || l.Operator != ">" {
			t.Errorf("%s: %+v", name, l)
		}
	}
	for name, values := range map[string][]float64{"not yet": {80, 80, 80, 80, 80}, "only just": {80, 80, 80, 80, 95}} {
		f := reading(3, values...)
		if l := f.level(f.Targets[0]); l != nil {
			t.Errorf("%s: %+v", name, l)
		}
	}
	f := reading(3, 95, 95, 95, 95)
	f.Targets[0].Limit = nil
	if l := f.level(f.Targets[0]); l != nil {
		t.Errorf("without a limit: %+v", l)
	}
}

func TestInsufficientEvidenceSaysWhatWouldHelp(t *testing.T) {
	nan := math.NaN()
	flat := make([]float64, 60)
	for name, c := range map[string]struct {
		frame Frame
		want  string
	}{
		"little history":    {reading(10, flat[:14]...), "disk used has 10 min of history before the onset; 20 min more would help"},
		"none":              {reading(2, nan, nan, 1, 1), "disk used has no history before the onset; 30 min more would help"},
		"nothing since":     {reading(3, 1, 1, 1, nan), "disk used has no samples since the onset; hint: look whether it is still scraped"},
		"nothing to ask of": {reading(50, flat...), "disk used has no labels to split by, and there is nothing to compare it with; hint: name candidates in a rule"},
		"nothing at all":    {reading(2, nan, nan, nan), "disk used has no samples, neither before the onset nor since; hint: look whether it is still scraped"},
	} {
		r := Run(c.frame, Options{})
		if r.Verdict != InsufficientEvidence || len(r.Warnings) == 0 || r.Warnings[0] != (Warning{Source: SourceNeeded, Text: c.want}) {
			t.Errorf("%s: %s, %v", name, r.Verdict, r.Warnings)
		}
	}
	refused := reading(2, nan, nan, nan)
	refused.Warnings = []Warning{{Source: "Full", Text: "Prometheus refused the query"}}
	if r := Run(refused, Options{}); r.Warnings[0] != refused.Warnings[0] {
		t.Errorf("whoever refused has said so: %v", r.Warnings)
	}
}

func TestReplacingCertificateByShorterOneIsAChange(t *testing.T) {
	const day = 86400
	f := ages()
	until := func(i int, days float64) float64 { return days*day - 60*float64(i) }
	for i := range f.Targets[0].Values {
		f.Targets[0].Values[i] = until(i, 80)
		if i >= 60 {
			f.Targets[0].Values[i] = until(i, 10)
		}
	}
	f.Targets[0].Breakdown = nil
	r := Run(f, Options{})
	if c := r.Change; c == nil || c.Clock || c.Rising || math.Abs(c.Forecast/day-80) > 1 || math.Abs(c.Actual/day-10) > 1 {
		t.Errorf("%+v", c)
	}
	for i := range f.Targets[0].Values { // a longer one fires no alert
		f.Targets[0].Values[i] = until(i, 10)
		if i >= 60 {
			f.Targets[0].Values[i] = until(i, 80)
		}
	}
	if c := Run(f, Options{}).Change; c == nil || !c.Clock {
		t.Errorf("%+v", c)
	}
}
