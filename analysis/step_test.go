// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

// stepFrame is an incident of a shop whose services have a few series each.
func stepFrame(c synth.StepCase) Frame {
	metrics := []string{"cpu", "queue_depth", "threads"}
	f := Frame{}
	for i := range c.Y {
		f.Times = append(f.Times, float64(1_700_000_000+60*i))
	}
	f.Onset = f.Times[c.Onset]
	t := Target{Name: "front|latency", Values: c.Y}
	for j, x := range c.X {
		service := fmt.Sprintf("svc%02d", j/len(metrics))
		t.Candidates = append(t.Candidates, Series{Name: service + "|" + metrics[j%len(metrics)], Service: service, Values: x})
	}
	f.Targets = []Target{t}
	return f
}

// steps runs incidents of many lengths and sizes, and passes each result with the name of the
// true cause, "" if there is none.
func steps(draw synth.Step, opt SeriesOptions, each func(name string, r Result, truth string)) {
	for _, rows := range []int{130, 250, 610} {
		for seed, p := range []int{6, 13, 30, 60, 120} {
			draw.N, draw.P, draw.Incident = rows, p, 10
			c := draw.Case(synth.Rand(uint64(seed)))
			f, truth := stepFrame(c), ""
			if c.Cause >= 0 {
				truth = f.Targets[0].Candidates[c.Cause].Name
			}
			each(fmt.Sprintf("%d rows, %d candidates", rows, p), Run(f, Options{Series: opt, Graph: GraphOptions{Off: true}}), truth)
		}
	}
}

// By chance some series make a step of five standard deviations, too. What identifies the cause
// is that the KPI has always followed it and no other. Regression alone would also blame a
// shared load, of which no series is the cause.
func TestStepOfSeriesThatKPIFollowsIsConfident(t *testing.T) {
	for _, noise := range []float64{.05, .12} {
		said, all := 0, 0
		steps(synth.Step{Noise: noise, Height: 5}, SeriesOptions{}, func(name string, r Result, truth string) {
			all++
			switch first := r.Causes[0]; {
			case first.Confidence == Low:
				t.Logf("noise %v, %s: not said: %s", noise, name, r.Unclear)
			case first.Series != truth:
				t.Errorf("noise %v, %s: %s is said, want %s", noise, name, first.Series, truth)
			default:
				said++
			}
		})
		if said < all-1 {
			t.Errorf("noise %v: %d of %d are said", noise, said, all)
		}
	}
}

func TestStepOfSharedLoadBlamesNobody(t *testing.T) {
	for _, load := range []float64{.3, .5, .8} {
		steps(synth.Step{Noise: .05, Height: 5, Load: load}, SeriesOptions{}, func(name string, r Result, _ string) {
			if first := r.Causes[0]; first.Confidence != Low {
				t.Errorf("load %v, %s: %s is said with %s confidence", load, name, first.Series, first.Confidence)
			}
		})
	}
}

// A relation that isn't linear is reported: a threshold, a valley, and a relation that changed.
func TestStepWithNonlinearRelationIsReported(t *testing.T) {
	for want, shape := range map[string]func(float64) float64{
		"beyond a threshold": func(v float64) float64 { return 3 * math.Max(0, v-.5) },
		"to the KPI turns":   func(v float64) float64 { return 3 * math.Abs(v) },
		"":                   nil,
	} {
		said, all := 0, 0
		steps(synth.Step{Noise: .1, Height: 8, Shape: shape}, SeriesOptions{}, func(name string, r Result, truth string) {
			all++
			if i := slices.IndexFunc(r.Warnings, func(w Warning) bool { return strings.Contains(w.Text, "the relation of") }); i >= 0 {
				said++
				if text := r.Warnings[i].Text; want == "" || !strings.Contains(text, want) || !strings.Contains(text, truth) {
					t.Errorf("%s: %s, want %q of %s", name, text, want, truth)
				}
			}
		})
		if want != "" && said < all*2/3 {
			t.Errorf("%q is said in %d of %d", want, said, all)
		}
	}
	f := stepFrame(synth.Step{N: 400, P: 12, Incident: 10, Noise: .1, Height: 8}.Case(synth.Rand(1)))
	cause := f.Targets[0].Candidates[slices.IndexFunc(f.Targets[0].Candidates, func(s Series) bool {
		return s.Name == Run(f, Options{}).Causes[0].Series
	})]
	f = kpi(f, func(y []float64) {
		for i := range y[:250] {
			y[i] = 400 - y[i] // reversed, at about the same level
		}
	})
	if r := Run(f, Options{}); !warned(r, "the relation of "+cause.Name+" to the KPI changed before the incident") {
		t.Errorf("warnings %+v", r.Warnings)
	}
}
