// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// withEvent is a KPI that doubles at row 300, with noise and one more series.
func withEvent(name string, at int, before, then float64) Frame {
	rng := rand.New(rand.NewPCG(1, 1))
	f := Frame{Onset: 1.7e9 + 300*60}
	noise := func(level float64) []float64 {
		values := make([]float64, 312)
		for i := range values {
			values[i] = level * (1 + .04*rng.NormFloat64())
		}
		return values
	}
	for i := range 312 {
		f.Times = append(f.Times, 1.7e9+60*float64(i))
	}
	kpi, event := noise(120), make([]float64, 312)
	for i := range kpi {
		if i >= 300 {
			kpi[i] += 150
		}
		if event[i] = before; i >= at {
			event[i] = then
		}
	}
	service, _, _ := strings.Cut(name, "|")
	f.Targets = []Target{{Name: "front|latency", Values: kpi, Candidates: []Series{
		{Name: "img|threads", Service: "img", Values: noise(60)},
		{Name: name, Service: service, Values: event},
		{Name: "ads|requests", Service: "ads", Values: noise(300)},
	}}}
	return f
}

// For an event the size of the step means nothing, and its time everything.
func TestCandidateThatRecordsAChange(t *testing.T) {
	for _, c := range []struct {
		name         string
		before, then float64
		want         Confidence
		verdict      Verdict
	}{
		{"deploy|observed_generation", 5, 6, Medium, Explained},
		{"deploy|observed_generation", 1312, 1313, Medium, Explained},
		{"app|start_time_seconds", 1.69e9, 1.7e9 + 299*60 - 10, Medium, Explained},
		{"app|renamed", 12, 13, Low, NoConfidentCause}, // threads and backlogs have that shape, too
	} {
		near := Run(withEvent(c.name, 299, c.before, c.then), Options{})
		if first := near.Causes[0]; first.Kind != KindChange || first.Series != c.name || first.Confidence != c.want || near.Verdict != c.verdict {
			t.Errorf("%s: %s %s %s %s", c.name, first.Kind, first.Series, first.Confidence, first.Sentence)
		}
		for _, f := range Run(withEvent(c.name, 40, c.before, c.then), Options{}).Causes {
			if f.Confidence != Low {
				t.Errorf("%s hours before: %s", c.name, f.Sentence)
			}
		}
	}
	for _, f := range Run(withEvent("db|connections", 299, 20, 80), Options{}).Causes {
		if f.Kind == KindChange {
			t.Errorf("a measure is no change: %s", f.Sentence)
		}
	}
}
