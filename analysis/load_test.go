// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// surge is a shop of six services whose requests and CPU double with the load, as the KPI does.
// The CPU of the service beyond rises beyond that.
func surge(beyond string) Frame {
	rng := rand.New(rand.NewPCG(3, 3))
	const rows, onset = 240, 225
	load := make([]float64, rows)
	f := Frame{}
	for i := range rows {
		f.Times = append(f.Times, float64(1_700_000_000+step*i))
		load[i] = 1 + 0.05*rng.NormFloat64()
		if i >= onset {
			load[i] *= 2
		}
	}
	f.Onset = f.Times[onset]
	series := func(name string, level, noise float64, times func(i int) float64) Series {
		s := Series{Name: name, Values: make([]float64, rows)}
		s.Service, _, _ = strings.Cut(name, "|")
		for i := range s.Values {
			s.Values[i] = level * (1 + noise*rng.NormFloat64()) * times(i)
		}
		return s
	}
	with := func(i int) float64 { return load[i] }
	t := Target{Name: "front|latency", Values: series("kpi", 100, 0.03, with).Values}
	t.Candidates = append(t.Candidates, series("lb|requests", 2000, 0.005, with))
	for k := range 6 {
		name := fmt.Sprintf("svc%d", k)
		cpu := func(i int) float64 {
			if name == beyond && i >= onset {
				return 5 * load[i]
			}
			return load[i]
		}
		t.Candidates = append(t.Candidates, series(name+"|requests", 300, 0.02, with), series(name+"|cpu", 20, 0.03, cpu))
	}
	f.Targets = []Target{t}
	return f
}

// A surge of load is external, and the series that carries it is named.
func TestLoadIsExternal(t *testing.T) {
	r := Run(surge(""), Options{})
	if r.Verdict != External || r.Everywhere != MovedAlike || r.Load == nil || r.Load.Series != "lb|requests" || r.Load.Moved != 13 || r.Load.Of != 13 {
		t.Fatalf("verdict %s, everywhere %s, load %+v", r.Verdict, r.Everywhere, r.Load)
	}
	for i, c := range r.Causes {
		if want := []Confidence{Medium, Low}[min(i, 1)]; c.Confidence != want || (c.Series == "lb|requests") != (i == 0) {
			t.Errorf("place %d is %s, %s, want the load balancer alone to be sure", i+1, c.Series, c.Confidence)
		}
	}
	for _, burning := range []string{"svc1", "svc4"} {
		r := Run(surge(burning), Options{})
		if r.Verdict != Explained || r.Causes[0].Series != burning+"|cpu" {
			t.Errorf("beside the load %s burns: %s, %s", burning, r.Verdict, r.Causes[0].Sentence)
		}
	}
}

// NoChange requires that nothing moved at all.
func TestNoChangeNeedsStillCandidates(t *testing.T) {
	still := func(x []float64) {
		for i := range x {
			x[i] = 50
		}
	}
	r := Run(kpi(slowQueue(200, 5), still), Options{})
	if r.Verdict == NoChange {
		t.Errorf("the queue waits ten times longer, and it is %s", r.Verdict)
	}
	calm := slowQueue(200, 5)
	calm.Onset, calm.End = calm.Times[150], calm.Times[160]
	if r := Run(calm, Options{}); r.Verdict != NoChange {
		t.Errorf("nothing moved, and it is %s: %s", r.Verdict, asJSON(t, r.Causes))
	}
}

// A result without a confident cause says why.
func TestNoConfidentCauseSaysWhy(t *testing.T) {
	f := slowQueue(200, 5)
	f.Topology = nil
	for i, s := range f.Targets[0].Candidates { // three candidates that are alike
		if s.Service == "cart" {
			f.Targets[0].Candidates[i].Values = slices.Clone(f.Targets[0].Values)
		}
	}
	if r := Run(f, Options{}); r.Verdict == NoConfidentCause && !strings.Contains(r.Unclear, "stands out as much as the first") {
		t.Errorf("%s, unclear: %q", r.Verdict, r.Unclear)
	}
	calm := f
	calm.Targets = []Target{f.Targets[0]}
	calm.Targets[0].Candidates = f.Targets[0].Candidates[len(f.Targets[0].Candidates)-2 : len(f.Targets[0].Candidates)-1]
	if r := Run(calm, Options{}); r.Verdict != NoConfidentCause || !strings.Contains(r.Unclear, "when nothing is wrong") {
		t.Errorf("%s, unclear: %q of %s", r.Verdict, r.Unclear, calm.Targets[0].Candidates[0].Name)
	}
}

func TestCallerFromName(t *testing.T) {
	for name, want := range map[string]string{
		"cart|source_latency_p50_from_front":                                      "front",
		`requests{destination_workload="cart",source_workload="front-v1"}`:        "front-v1",
		`traces_service_graph_request_failed_total{client="front",server="cart"}`: "front",
		`istio_requests_total{destination_app="cart",source_app="unknown"}`:       "unknown",
		`grpc_client_handled_total{grpc_service="cart"}`:                          "",
		`calls_total{callee="cart",caller="front"}`:                               "front",
		"cart|bytes_from_": "",
		"cart|cpu":         "",
	} {
		if got := callerOf(name); got != want {
			t.Errorf("%s is called by %q, want %q", name, got, want)
		}
	}
}
