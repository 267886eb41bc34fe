// SPDX-License-Identifier: Apache-2.0

package attribution_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/culprit-dev/culprit/analysis/attribution"
	"github.com/culprit-dev/culprit/analysis/bmfs"
	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

// TestIncidents runs all steps on incidents of a database under load, where four statements
// move alike and one of them drives the KPI. About three quarters can be had without luck; the
// benchmark is a Bayesian ridge alone, with 0.83 among the first three.
func TestIncidents(t *testing.T) {
	const incidents = 60
	top3, listed := 0, 0
	for seed := range uint64(incidents) {
		c := synth.Incident{}.Case(synth.Rand(seed))
		findings := explain(c)
		listed += len(findings)
		for k, f := range findings {
			if k < 3 && f.Candidate == c.Cause {
				top3++
			}
		}
	}
	if top3 < 50 || listed > 4*incidents {
		t.Errorf("the cause is among the first three of %d in %d, and %d causes are listed", incidents, top3, listed)
	}
}

func explain(c synth.IncidentCase) []attribution.Finding {
	n := len(c.Y)
	w := attribution.Window{Onset: n - 1, End: n}
	o := bmfs.Options{Scale: bmfs.Common}
	var phi [][]float64
	for _, b := range [][]float64{bmfs.Fit(c.X, c.Y, o).Coefficient, bmfs.Ridge(c.X, c.Y, o).Coefficient} {
		phi = append(phi, attribution.Attribute(w.Change(b, c.X, c.Y)).Phi)
	}
	deviation := make([]float64, len(c.X))
	for j, s := range c.X {
		deviation[j] = w.Deviation(s)
	}
	at, base := w.Levels(c.Y)
	return attribution.Shortlist{}.Select(phi, nil, deviation, at-base)
}

func TestShortlist(t *testing.T) {
	phi := [][]float64{{6, 3, 1, 0, -5}, {0, 6, .1, 3, -5}}
	deviation := []float64{9, -4, 8, 2.9, 20}
	got := attribution.Shortlist{}.Select(phi, nil, deviation, 2)
	// Candidate 3 did not move, 4 pulled the other way. Shares of the others:
	// .6 .3 .1 and 0 6/6.1 .1/6.1.
	want := []attribution.Finding{
		{Candidate: 1, Share: (.3 + 6/6.1) / 2, Deviation: -4},
		{Candidate: 0, Share: .3, Deviation: 9},
		{Candidate: 2, Share: (.1 + .1/6.1) / 2, Deviation: 8},
	}
	if len(got) != len(want) {
		t.Fatalf("findings = %+v, want %+v", got, want)
	}
	for k := range want {
		if got[k].Candidate != want[k].Candidate || math.Abs(got[k].Share-want[k].Share) > 1e-12 || got[k].Deviation != want[k].Deviation {
			t.Errorf("finding %d = %+v, want %+v", k, got[k], want[k])
		}
	}
	if few := (attribution.Shortlist{MinShare: .5}).Select(phi, nil, deviation, 2); len(few) != 1 || few[0].Candidate != 1 {
		t.Errorf("above a half: %+v, want candidate 1", few)
	}
	if none := (attribution.Shortlist{}).Select(phi, nil, make([]float64, 5), 2); none != nil {
		t.Errorf("nothing moved gives %+v", none)
	}
}

func TestDeviation(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		series []float64
		want   float64
	}{
		{"in units of the median deviation", []float64{1, 2, 3, 4, 5, 3 + 7*1.4826}, 7},
		{"gaps do not count", []float64{1, nan, 2, 3, nan, 4, 5, 3 - 7*1.4826}, -7},
		{"mostly still", []float64{0, 0, 0, 4, 0, 0, 0, 0, 0, 1}, 1 / (4. / 3 / 4)},
		{"never moved before", []float64{2, 2, 2, 2, 3}, 1e6},
		{"never moved", []float64{2, 2, 2, 2, 2}, 0},
		{"not observed in the anomaly", []float64{1, 2, 3, nan}, 0},
		{"not observed before", []float64{nan, nan, 3}, 0},
	} {
		w := attribution.Window{Onset: len(c.series) - 1, End: len(c.series)}
		if got := w.Deviation(c.series); math.Abs(got-c.want) > 1e-9*math.Max(1, math.Abs(c.want)) {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

func TestLevels(t *testing.T) {
	at, base := attribution.Window{Onset: 4, End: 7}.Levels([]float64{1, 9, math.NaN(), 2, 4, math.Inf(1), 8})
	if at != 6 || base != 2 {
		t.Errorf("levels %g and %g, want the mean 6 and the median 2", at, base)
	}
	c := attribution.Window{Onset: 2, End: 3}.Change([]float64{5}, [][]float64{{1, 3, 7}}, []float64{10, 20, 40})
	want := attribution.Change{Coefficient: []float64{5}, At: []float64{7}, Baseline: []float64{2}, TargetAt: 40, TargetBase: 15}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("change = %+v, want %+v", c, want)
	}
}
