// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// chain is disk → queue → latency, and an unrelated series, with noise.
func chain(rows int) Frame {
	rng := rand.New(rand.NewPCG(5, 6))
	disk, queue, latency, other := make([]float64, rows), make([]float64, rows), make([]float64, rows), make([]float64, rows)
	f := Frame{}
	for i := range rows {
		disk[i] = rng.NormFloat64()
		queue[i] = disk[i] + 0.5*rng.NormFloat64()
		latency[i] = queue[i] + 0.5*rng.NormFloat64()
		other[i] = rng.NormFloat64()
		f.Times = append(f.Times, float64(60*(i+1)))
	}
	f.Targets = []Target{{Name: "front|latency", Values: latency, Candidates: []Series{
		{Name: "db|disk", Service: "db", Values: disk},
		{Name: "bus|queue", Service: "bus", Values: queue},
		{Name: "bus|queue2", Service: "bus", Values: queue},
		{Name: "cart|cpu", Service: "cart", Values: other},
	}}}
	return f
}

func edge(g Graph, a, b string) (Edge, bool) {
	i := slices.IndexFunc(g.Edges, func(e Edge) bool {
		return e.From == a && e.To == b || !e.Directed && e.From == b && e.To == a
	})
	if i < 0 {
		return Edge{}, false
	}
	return g.Edges[i], true
}

func TestAGraphNeedsNoOnset(t *testing.T) {
	r := Run(chain(300), Options{})
	if r.Verdict != InsufficientEvidence || len(r.Causes) > 0 || !warned(r, "no onset is known") {
		t.Errorf("verdict %s, %d causes, warnings %v", r.Verdict, len(r.Causes), r.Warnings)
	}
	g := r.Graph
	if len(g.Nodes) != 4 || g.Nodes[0].Name != "front|latency" || g.Nodes[0].Role != "target" {
		t.Fatalf("nodes %+v", g.Nodes)
	}
	if g.Nodes[1].Name != "bus|queue" || !slices.Equal(g.Nodes[1].Aliases, []string{"bus|queue2"}) {
		t.Errorf("a copy is no alias: %+v", g.Nodes[1])
	}
	e, ok := edge(g, "bus|queue", "front|latency")
	if !ok || !e.Directed || e.Source != "given" || e.PartialCorrelation < 0.5 || e.P > 1e-6 {
		t.Errorf("queue → latency: %+v", e)
	}
	if _, ok := edge(g, "db|disk", "bus|queue"); !ok {
		t.Errorf("disk and queue are not linked: %+v", g.Edges)
	}
	if e, ok := edge(g, "db|disk", "front|latency"); ok {
		t.Errorf("what the queue explains is a link: %+v", e)
	}
	if len(g.Notes) != 2 || strings.Contains(g.Notes[0], "incident") || !strings.Contains(g.Notes[1], "symptom") {
		t.Errorf("notes %q", g.Notes)
	}
}

func TestCallsAndTiersDirectLinks(t *testing.T) {
	f := chain(300)
	f.Topology = [][2]string{{"bus", "db"}} // the queue depends on the disk
	if e, ok := edge(Run(f, Options{}).Graph, "db|disk", "bus|queue"); !ok || !e.Directed || e.Source != "topology" {
		t.Errorf("by the call graph: %+v", e)
	}
	f.Topology = nil
	f.Tiers = map[string]int{"bus|queue": 0, "db|disk": 1, "front|latency": 2, "nobody": 3}
	if e, ok := edge(Run(f, Options{}).Graph, "bus|queue", "db|disk"); !ok || !e.Directed || e.Source != "given" {
		t.Errorf("by the tiers: %+v", e)
	}
	f.Tiers = map[string]int{"front|latency": 0, "bus|queue": 1}
	if e, ok := edge(Run(f, Options{}).Graph, "front|latency", "bus|queue"); !ok || !e.Directed {
		t.Errorf("a KPI in the first tier is no cause: %+v", e)
	}
}

func TestDemandMayBeACause(t *testing.T) {
	f := chain(300)
	f.Targets[0].Kind = "traffic"
	g := Run(f, Options{}).Graph
	if e, ok := edge(g, "bus|queue", "front|latency"); !ok || e.Source == "given" || len(g.Notes) != 1 {
		t.Errorf("link %+v, notes %q", e, g.Notes)
	}
}

func TestChainsLeadFromSuspectToKPI(t *testing.T) {
	f := chain(300)
	f.Onset = f.Times[290]
	f = change(f, func(x []float64) []float64 { return x }, true, true)
	for i := 290; i < 300; i++ {
		for _, s := range f.Targets[0].Candidates[:3] {
			s.Values[i] += 20
		}
		f.Targets[0].Values[i] += 20
	}
	r := Run(f, Options{})
	if len(r.Graph.Chains) == 0 {
		t.Fatalf("no chains in %s", asJSON(t, r.Graph))
	}
	for _, c := range r.Graph.Chains {
		if c.Nodes[len(c.Nodes)-1] != "front|latency" || len(c.Nodes) < 2 || c.Weight <= 0 || c.Weight > 1 {
			t.Errorf("chain %+v", c)
		}
		if !c.Directed && !strings.Contains(c.Sentence, "direction unknown") {
			t.Errorf("chain %q", c.Sentence)
		}
	}
	if n := r.Graph.Nodes[1]; n.Onset < f.Times[285] || n.Onset > f.Times[292] {
		t.Errorf("%s moved at %g, want about %g", n.Name, n.Onset, f.Onset)
	}
}

// TestSeriesThatAllMoveAlike has a graph too dense to search exhaustively: all series follow
// one load, with many samples.
func TestSeriesThatAllMoveAlike(t *testing.T) {
	f := many(60, 1000)
	f.Onset = 0
	g := Run(f, Options{}).Graph
	if len(g.Nodes) > denseNodes {
		t.Errorf("%d nodes, want at most %d", len(g.Nodes), denseNodes)
	}
	if slices.ContainsFunc(g.Notes, func(n string) bool { return strings.Contains(n, "Too many links") }) {
		t.Errorf("notes %q", g.Notes)
	}
}

func TestAGraphCanBeLeftOut(t *testing.T) {
	if g := Run(slowQueue(200, 5), Options{Graph: GraphOptions{Off: true}}).Graph; len(g.Nodes) > 0 {
		t.Errorf("nodes %+v", g.Nodes)
	}
}

func TestOptionsOfTheGraphReachTheSearch(t *testing.T) {
	f := slowQueue(200, 5)
	links := func(o GraphOptions) int { return len(Run(f, Options{Graph: o}).Graph.Edges) }
	if few, many := links(GraphOptions{Alpha: 1e-9}), links(GraphOptions{Alpha: 0.5}); few >= many {
		t.Errorf("%d links at level 1e-9, %d at 0.5", few, many)
	}
}
