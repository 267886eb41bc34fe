// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis/forecast"
	"github.com/culprit-dev/culprit/analysis/order"
)

// An earlier incident that the labels leave out of their baseline is left out of the baseline
// of the series, too.
func TestBaselineOfSeriesLeavesOutEarlierIncident(t *testing.T) {
	f := slowQueue(200, 20)
	f.Targets[0].Breakdown = &Breakdown{Aside: []forecast.Span{{Onset: f.Times[100], End: f.Times[120]}}}
	plain := Run(f, Options{})
	for i := 100; i < 120; i++ { // an earlier incident: everything jumped at once, and the KPI with it
		f.Targets[0].Values[i] *= 30
		for _, s := range f.Targets[0].Candidates {
			s.Values[i] *= 30
		}
	}
	r := Run(f, Options{})
	if r.Causes[0].Series != plain.Causes[0].Series || r.Causes[0].Confidence != plain.Causes[0].Confidence ||
		math.Abs(*r.Causes[0].Evidence.Deviation / *plain.Causes[0].Evidence.Deviation - 1) > 1e-9 {
		t.Errorf("%s\nwithout the incident %s", asJSON(t, r.Causes[0]), asJSON(t, plain.Causes[0]))
	}
	if len(r.Aside) != 1 || r.Aside[0] != (Stretch{f.Times[100], f.Times[120], Far}) {
		t.Errorf("set aside: %v", r.Aside)
	}
	if !strings.Contains(asJSON(t, r.Warnings), "is not part of the baseline") {
		t.Error(asJSON(t, r.Warnings))
	}
}

// Without a breakdown the series still detect an earlier incident: if the same incident
// happened twice, no row of the first stays in the baseline.
func TestRepeatedIncidentIsNotBaseline(t *testing.T) {
	f := slowQueue(200, 20)
	target := f.Targets[0]
	plain := Run(f, Options{})
	onset := len(f.Times) - 20
	for _, values := range append([][]float64{target.Values}, valuesOf(target.Candidates)...) {
		copy(values[80:100], values[onset:])
	}
	c := newCandidates(f, target, Options{})
	usual, now := order.Median(target.Values[:60]), order.Median(target.Values[onset:])
	for i, v := range c.target.Values[:onset] {
		if present(v) && math.Abs(v-usual) > math.Abs(now-usual)/2 {
			t.Errorf("row %d of the earlier incident is left: %v, usual %v, now %v", i, v, usual, now)
		}
	}
	if r := Run(f, Options{}); r.Causes[0].Series != plain.Causes[0].Series || r.Causes[0].Confidence != plain.Causes[0].Confidence {
		t.Errorf("%s\nthe first time %s", asJSON(t, r.Causes[0]), asJSON(t, plain.Causes[0]))
	}
}

func valuesOf(series []Series) [][]float64 {
	var all [][]float64
	for _, s := range series {
		all = append(all, s.Values)
	}
	return all
}
