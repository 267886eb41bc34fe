// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/culprit-dev/culprit/analysis/pcalg"
	"github.com/culprit-dev/culprit/analysis/rank"
	"github.com/culprit-dev/culprit/analysis/words"
)

const (
	graphNodes    = 26   // the KPI and the 25 leading candidates: what fits on a page
	graphRows     = 1000 // without an onset: older rows describe another system
	graphSuspects = 5

	// graphTests bounds the search for separating sets. Real incidents need a tenth of it.
	// Where all series move alike, a complete search over fewer of them beats a partial one
	// over many.
	graphTests = 150_000
	denseNodes = 13
)

// lead is a candidate for the graph.
type lead struct {
	series int
	score  float64         // the best is 1
	began  *rank.Beginning // nil: it has not moved
	why    string          // whether it is the cause, in words; empty: unknown
}

// leads returns the leading candidates of a ranking.
func (a *accounts) leads() (list []lead) {
	for _, cause := range a.ranking.Causes {
		if cause.Score <= 0 {
			continue
		}
		l := lead{series: cause.Series, score: cause.Score / a.ranking.Causes[0].Score, why: a.of[cause.Series].clause()}
		if cause.Stirred() {
			l.began = &cause.Began
		}
		list = append(list, l)
	}
	return list
}

// undated returns only a graph of the candidates most associated with the KPI, learned on all
// rows: without an onset there is no ranking.
func (c *candidates) undated() seriesAnswer {
	leads := make([]lead, len(c.series))
	for i, s := range c.series {
		leads[i] = lead{series: i, score: association(c.target.Values, s.Values)}
	}
	slices.SortStableFunc(leads, func(a, b lead) int { return cmp.Compare(b.score, a.score) })
	return seriesAnswer{
		graph:    c.graph(leads, len(c.times), nil),
		warnings: warnings("series", []string{"no onset is known: nothing is ranked, and the graph is learned from all samples alike"}),
	}
}

// association returns |Pearson's r| over the samples that both have; 0 if undefined.
func association(x, y []float64) float64 {
	var a, b []float64
	for i := range x {
		if !math.IsNaN(x[i]+y[i]) && !math.IsInf(x[i]+y[i], 0) {
			a, b = append(a, x[i]), append(b, y[i])
		}
	}
	if len(a) < 3 {
		return 0
	}
	return finite(math.Abs(stat.Correlation(a, b, nil)))
}

// graph learns the links between the KPI and its leading candidates, on rows before and in the
// incident, because a disturbance shows more of the links than a quiet hour. It is for people
// to look at; the ranking uses a graph of the baseline alone, in package rank.
func (c *candidates) graph(leads []lead, onset int, kpi *rank.Beginning) Graph {
	if c.options.Graph.Off || len(leads) == 0 {
		return Graph{}
	}
	v := c.variables(whatMoved(leads), onset, kpi)
	opt := pcalg.SeriesOptions{
		Options: pcalg.Options{
			Alpha: c.options.Graph.Alpha, MaxK: c.options.Graph.MaxK, Knowledge: c.knowledge(v), MaxTests: graphTests,
		},
		MaxNodes: graphNodes,
	}
	net := pcalg.Learn(v.columns, opt)
	if net.CutOff >= 0 {
		opt.MaxNodes = denseNodes
		net = pcalg.Learn(v.columns, opt)
	}
	return v.describe(net)
}

// fewMoved is how many candidates must have moved for the graph to show only those.
const fewMoved = 3

// whatMoved returns the leads that moved. Those that stood still took no part, and conditioning
// on them would hide the others. If hardly any moved, all are kept.
func whatMoved(leads []lead) []lead {
	moved := slices.DeleteFunc(slices.Clone(leads), func(l lead) bool { return l.began == nil })
	if len(moved) < fewMoved {
		return leads
	}
	return moved
}

// variables are the columns of a graph: the KPI first, then candidates by score.
type variables struct {
	columns  [][]float64
	names    []string
	services []int
	kinds    []rank.Metric
	scores   []float64         // the best is 1; the KPI's is 1
	began    []*rank.Beginning // as rows of times; nil: it has not moved
	whys     []string          // whether each is the cause, in words
	times    []float64
	onset    int  // row of the columns
	dated    bool // there is an onset
	effect   bool // the KPI is assumed to be a symptom, the cause of nothing
}

// graphStart returns the first row to learn from. A disturbance must be a good part of the rows
// to show in correlations, so only the minutes before an incident are used: three of four
// learned arrows between services then agree with their calls, instead of five of eight.
func (c *candidates) graphStart(onset int) int {
	rows := graphRows
	if c.dated {
		incident := len(c.times) - onset
		rows = incident + max(60, 6*incident)
	}
	return max(0, len(c.times)-rows)
}

func (c *candidates) variables(leads []lead, onset int, kpi *rank.Beginning) *variables {
	first := c.graphStart(onset)
	v := &variables{
		columns: [][]float64{c.target.Values[first:]}, names: []string{c.target.Name},
		services: []int{-1}, kinds: []rank.Metric{c.kpiKind()}, scores: []float64{1}, began: []*rank.Beginning{kpi}, whys: []string{""}, times: c.times,
		onset: max(0, onset-first), dated: c.dated,
	}
	_, placed := c.tiers[c.target.Name]
	v.effect = !placed && !kindOf(c.target.Kind, metricOf(c.target.Name)).Demand()
	for _, l := range leads[:min(graphNodes-1, len(leads))] {
		v.columns = append(v.columns, c.series[l.series].Values[first:])
		v.names = append(v.names, c.series[l.series].Name)
		v.services = append(v.services, c.codes[l.series])
		v.kinds = append(v.kinds, c.series[l.series].kind())
		v.scores = append(v.scores, l.score)
		v.began, v.whys = append(v.began, l.began), append(v.whys, l.why)
	}
	return v
}

// knowledge collects what is known beforehand: tiers, calls, that a variable cannot cause one
// that moved before it, and that the KPI is the cause of nothing, unless a tier places it or it
// measures demand.
func (c *candidates) knowledge(v *variables) pcalg.Knowledge {
	k := pcalg.Knowledge{Likely: c.likely(v)}
	for i, cause := range v.names {
		for j, effect := range v.names {
			a, known := c.tiers[cause]
			b, too := c.tiers[effect]
			if i != j && (known && too && a > b || i == 0 && v.effect || v.later(i, j)) {
				k.Forbidden = append(k.Forbidden, [2]int{i, j})
			}
		}
	}
	return k
}

// later says whether one variable certainly began to move after another.
func (v *variables) later(i, j int) bool {
	return v.began[i] != nil && v.began[j] != nil && v.began[i].After(*v.began[j])
}

// likely returns the arrows expected in any system: from a resource of a service to its
// symptoms, and from callee to caller.
func (c *candidates) likely(v *variables) [][2]int {
	called := map[[2]int]bool{}
	for _, call := range c.calls {
		called[call] = true
	}
	var arrows [][2]int
	for i := range v.columns {
		for j := range v.columns {
			if called[[2]int{v.services[i], v.services[j]}] || v.services[i] == v.services[j] && v.kinds[i].Symptom() && v.kinds[j].Resource() {
				arrows = append(arrows, [2]int{j, i})
			}
		}
	}
	return arrows
}

// describe names the nodes and edges of a learned graph.
func (v *variables) describe(net *pcalg.Network) Graph {
	g := Graph{Notes: v.notes(net)}
	for i, n := range net.Nodes {
		node := Node{Name: v.names[n.Column], Role: "candidate", Score: finite(v.scores[n.Column]), Why: v.whys[n.Column]}
		if b := v.began[n.Column]; b != nil {
			node.Onset, node.Earliest, node.Latest = v.times[b.At], v.times[max(0, b.Earliest-1)], v.times[b.Latest]
		}
		if i == 0 && n.Column == 0 {
			node.Role = "target"
		}
		for _, alias := range n.Aliases {
			node.Aliases = append(node.Aliases, v.names[alias])
		}
		g.Nodes = append(g.Nodes, node)
	}
	weights := net.Weights(v.columns, v.onset)
	for i, e := range net.Edges {
		source := e.Origin.String()
		if e.Origin == pcalg.Undirected {
			source = pcalg.Learned.String() // the link is learned, but not its direction
		}
		g.Edges = append(g.Edges, Edge{
			From: g.Nodes[e.From].Name, To: g.Nodes[e.To].Name, Directed: e.Directed, Feedback: e.Feedback,
			PartialCorrelation: finite(e.R), P: finite(e.P), Weight: finite(weights[i]), Source: source,
		})
	}
	g.Chains = v.chains(net, weights, g)
	return g
}

// chains returns the likely paths from the leading suspects to the KPI.
func (v *variables) chains(net *pcalg.Network, weights []float64, g Graph) []Chain {
	if len(net.Nodes) == 0 || net.Nodes[0].Column != 0 {
		return nil // the KPI is constant or mostly missing
	}
	scores := make([]float64, len(net.Nodes))
	var suspects []int
	for i, n := range net.Nodes {
		if v.moved(n.Column) {
			scores[i] = v.scores[n.Column]
		}
		if n.Column > 0 && n.Column <= graphSuspects {
			suspects = append(suspects, i)
		}
	}
	var chains []Chain
	for _, c := range net.Chains(0, suspects, weights, scores) {
		if v.inTime(c, net) {
			chains = append(chains, describeChain(c, net, g))
		}
	}
	return chains
}

// moved says whether a variable may be on a path: without an incident, all may.
func (v *variables) moved(column int) bool { return !v.dated || v.began[column] != nil }

// inTime says whether nothing on a path began to move after what it acts on.
func (v *variables) inTime(c pcalg.Chain, net *pcalg.Network) bool {
	for i, node := range c.Nodes[1:] {
		if v.later(net.Nodes[c.Nodes[i]].Column, net.Nodes[node].Column) {
			return false
		}
	}
	return true
}

func describeChain(c pcalg.Chain, net *pcalg.Network, g Graph) Chain {
	chain := Chain{Weight: finite(c.Weight), Directed: true}
	var text strings.Builder
	for i, node := range c.Nodes {
		name := g.Nodes[node].Name
		chain.Nodes = append(chain.Nodes, name)
		text.WriteString(name)
		if i == len(c.Nodes)-1 {
			break
		}
		if net.Edges[c.Edges[i]].Directed {
			text.WriteString(" → ")
			continue
		}
		chain.Directed = false
		text.WriteString(" — ")
	}
	if !chain.Directed {
		text.WriteString(" (— means: direction unknown)")
	}
	chain.Sentence = text.String()
	return chain
}

// notes say what the graph was learned from and what it assumes.
func (v *variables) notes(net *pcalg.Network) []string {
	when := ", before and in the incident"
	if !v.dated {
		when = ""
	}
	text := fmt.Sprintf("Learned from %d samples of correlation%s: a hint, not a proof.", net.Samples, when)
	if net.Effective > 0 && net.Effective < 0.8*float64(net.Samples) {
		text += fmt.Sprintf(" The samples resemble their neighbours so much that they are worth about %s.", words.Number(net.Effective))
	}
	if net.CutOff >= 0 {
		text += " Too many links for a full search: some of them may be indirect."
	}
	notes := []string{text}
	if v.effect {
		notes = append(notes, "The KPI is taken for a symptom: no link is drawn as going out of it.")
	}
	return notes
}
