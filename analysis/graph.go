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
	graphNodes    = 26   // the KPI and the 25 leading candidates: what a page can show
	graphRows     = 1000 // without an onset: older rows tell of another system
	graphSuspects = 5

	// graphTests bounds the search for separating sets. Real incidents need a
	// tenth of it; where all series move alike, fewer of them are searched
	// to the end rather than many in part.
	graphTests = 150_000
	denseNodes = 13
)

// lead is a candidate that may be shown in the graph.
type lead struct {
	series int
	score  float64         // the best is 1
	began  *rank.Beginning // nil: it has not moved
	why    string          // it is the cause, or isn't; empty: not known
}

// leads are the leading candidates of a ranking.
func (a *accounts) leads() (list []lead) {
	for _, cause := range a.ranking.Causes {
		if cause.Score <= 0 {
			continue
		}
		l := lead{series: cause.Series, score: cause.Score / a.ranking.Causes[0].Score, why: a.of[cause.Series].alone()}
		if cause.Stirred() {
			l.began = &cause.Began
		}
		list = append(list, l)
	}
	return list
}

// undated is the graph alone, learned on all rows: without an onset nothing
// can be ranked. The candidates that go with the KPI most are in it.
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

// association is |Pearson's r| over the samples that both have; 0 if it can't
// be told.
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

// graph learns how the KPI and its leading candidates hang together, on the
// rows before and in the incident: a disturbance shows more of the links than
// a quiet hour does. It is for people to look at. The ranking uses a graph of
// the baseline alone, in package rank.
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

// fewMoved is how many candidates must have moved for the graph to be about those.
const fewMoved = 3

// whatMoved are the leads that moved: what stayed as it was took no part, and would
// be held fixed in the place of what did. If next to nothing moved, all are looked at.
func whatMoved(leads []lead) []lead {
	moved := slices.DeleteFunc(slices.Clone(leads), func(l lead) bool { return l.began == nil })
	if len(moved) < fewMoved {
		return leads
	}
	return moved
}

// variables are the columns of a graph: the KPI first, then candidates by
// their score.
type variables struct {
	columns  [][]float64
	names    []string
	services []int
	kinds    []rank.Metric
	scores   []float64         // the best is 1; the KPI's is 1
	began    []*rank.Beginning // rows of times; nil: it has not moved
	whys     []string          // each is the cause, or isn't
	times    []float64
	onset    int  // row of the columns
	dated    bool // there was an incident
	effect   bool // the KPI is taken for a symptom: a cause of nothing
}

// graphStart is the first row that a graph is learned from. A disturbance must
// be a good part of the rows to show in their correlations, so that of an
// incident only the minutes before it are taken: that makes three of four learned
// arrows between services agree with their calls, in place of five of eight.
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

// knowledge is what is known before looking at the data: tiers, calls, that what
// moved later caused nothing that had moved, and, unless the tiers place it, that a
// KPI which is a symptom is the cause of nothing. One that measures demand may
// well be.
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

// later says whether one variable began to move after another for certain.
func (v *variables) later(i, j int) bool {
	return v.began[i] != nil && v.began[j] != nil && v.began[i].After(*v.began[j])
}

// likely are the arrows that are known from other systems: trouble goes from a
// resource of a service to what is seen of the service, and, where the calls are
// known, from the callee to the caller.
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

// describe gives the nodes of a learned graph their names.
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
			source = pcalg.Learned.String() // the link is learned, its direction is not
		}
		g.Edges = append(g.Edges, Edge{
			From: g.Nodes[e.From].Name, To: g.Nodes[e.To].Name, Directed: e.Directed, Feedback: e.Feedback,
			PartialCorrelation: finite(e.R), P: finite(e.P), Weight: finite(weights[i]), Source: source,
		})
	}
	g.Chains = v.chains(net, weights, g)
	return g
}

// chains are the likely ways from the leading suspects to the KPI.
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

// moved says whether a variable may be on a way: without an incident, all may.
func (v *variables) moved(column int) bool { return !v.dated || v.began[column] != nil }

// inTime says that nothing on a way began to move after what it acts on.
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

// notes are what goes with every graph: what it was learned from, and what was
// taken for granted.
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
