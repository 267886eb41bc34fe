// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/culprit-dev/culprit/analysis"
)

func TestGraphIsDrawnWithItsCaveat(t *testing.T) {
	doc := examplePage(t, nil)
	graph := doc.Find("svg.graph")
	if n := graph.Find(".node").Length(); n != 6 {
		t.Errorf("%d nodes, want 6", n)
	}
	if n := graph.Find(".link").Length(); n != 7 {
		t.Errorf("%d links, want 7", n)
	}
	if n := graph.Find(".link.unknown").Length(); n != 2 {
		t.Errorf("%d links of unknown direction, want 2", n)
	}
	if n := graph.Find(".link.unknown .head").Length(); n != 0 {
		t.Error("a link of unknown direction has an arrow head")
	}
	if got := textOf(graph.Find(".node.target")); !strings.Contains(got, "errors per second") {
		t.Errorf("the KPI is %q", got)
	}
	if got := texts(graph.Find(".badge-text")); strings.Join(got, "") != "234" {
		t.Errorf("places among the causes: %q", got)
	}
	for selector, want := range map[string]string{
		".caveat":          "Learned from 130 samples of correlation, before and in the incident: a hint, not a proof.",
		".chains li":       `db connections{pod="cart-db-0"} → cart latency p99{pod="cart-7c9f"} → errors per second`,
		".scroll tbody tr": `db connections{pod="cart-db-0"} → cart latency p99{pod="cart-7c9f"}0.881e-12topology`,
	} {
		if got := textOf(doc.Find(selector).First()); got != want {
			t.Errorf("%s: got %q", selector, got)
		}
	}
	if got := graph.AttrOr("aria-label", ""); !strings.Contains(got, `retries{service="checkout"} — errors per second (direction unknown)`) {
		t.Errorf("in words: %q", got)
	}
}

// The KPI is below its causes and above its effects.
func TestCausesStandAboveEffects(t *testing.T) {
	v := drawGraph(example(t).Result)
	y := map[string]float64{}
	for _, n := range v.Nodes {
		var at float64
		if _, err := fmt.Sscan(n.Y, &at); err != nil {
			t.Fatal(err)
		}
		y[n.Title] = at
	}
	order := []string{`db connections{pod="cart-db-0"} (moves exactly as db wait time{pod="cart-db-0"})`, `cart latency p99{pod="cart-7c9f"}`, "errors per second", `cpu{pod="checkout-5d8b"}`}
	for i := 1; i < len(order); i++ {
		if !(y[order[i-1]] < y[order[i]]) {
			t.Errorf("%s at %g is not above %s at %g", order[i-1], y[order[i-1]], order[i], y[order[i]])
		}
	}
}

func TestArrowHeads(t *testing.T) {
	draw := func(e analysis.Edge) linkView {
		e.From, e.To = "a", "kpi"
		return drawGraph(analysis.Result{Graph: analysis.Graph{
			Nodes: []analysis.Node{{Name: "kpi", Role: "target"}, {Name: "a"}}, Edges: []analysis.Edge{e},
		}}).Links[0]
	}
	for name, tt := range map[string]struct {
		edge    analysis.Edge
		heads   int
		unknown bool
	}{
		"directed":   {analysis.Edge{Directed: true}, 1, false},
		"undirected": {analysis.Edge{}, 0, true},
		"feedback":   {analysis.Edge{Feedback: true}, 2, false},
	} {
		if got := draw(tt.edge); len(got.Heads) != tt.heads || got.Unknown != tt.unknown {
			t.Errorf("%s: %d heads, unknown %t", name, len(got.Heads), got.Unknown)
		}
	}
}

func TestLargeGraphShowsWhatMatters(t *testing.T) {
	g := analysis.Graph{Nodes: []analysis.Node{{Name: "kpi", Role: "target"}}}
	for i := range 25 {
		name := fmt.Sprintf("n%d", i)
		g.Nodes = append(g.Nodes, analysis.Node{Name: name, Score: float64(i)})
		g.Edges = append(g.Edges, analysis.Edge{From: name, To: "kpi", Directed: true})
	}
	g.Nodes = append(g.Nodes, analysis.Node{Name: "alone", Score: 99})
	g.Chains = []analysis.Chain{{Nodes: []string{"n0", "kpi"}}}
	v := drawGraph(analysis.Result{Graph: g})
	var names []string
	for _, n := range v.Nodes {
		names = append(names, n.Title)
	}
	if got := strings.Join(names, " "); got != "kpi n0 n24 n23 n22 n21 n20 n19 n18 n17 n16 n15" {
		t.Errorf("drawn: %s", got)
	}
	if v.Left != "14 more are not drawn." || len(v.Table) != 25 || v.Chains[0] != "n0 → kpi" {
		t.Errorf("left %q, %d links in the table, chains %q", v.Left, len(v.Table), v.Chains)
	}
}

func TestNoLinksNoGraph(t *testing.T) {
	if v := drawGraph(analysis.Result{Graph: analysis.Graph{Nodes: []analysis.Node{{Name: "kpi", Role: "target"}}}}); v != nil {
		t.Errorf("drawn: %+v", v)
	}
	doc := examplePage(t, nil)
	if doc.Find("#graph").Length() != 1 {
		t.Error("the heading is there twice, or not at all")
	}
	if goquery.NodeName(doc.Find("#graph")) != "h2" {
		t.Error("the graph's heading is none")
	}
}

func TestNodeNames(t *testing.T) {
	for name, want := range map[string][2]string{
		`cpu{pod="a",namespace="b"}`: {"cpu", "a b"},
		"cart|latency":               {"latency", "cart"},
		`{pod="a"}`:                  {`{pod="a"}`, ""},
		"plain":                      {"plain", ""},
		`x{regex="a|b"}`:             {"x", "a|b"},
	} {
		if metric, who := splitName(name); metric != want[0] || who != want[1] {
			t.Errorf("%s: got %q of %q", name, metric, who)
		}
	}
}
