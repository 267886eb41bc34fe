// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// graphView is the causal graph as a drawing and in words.
type graphView struct {
	Width, Height string
	Nodes         []nodeView
	Links         []linkView
	Chains        []string
	Notes         []string
	Table         []linkRow
	Left          string // set if nodes were left out
	Words         string
}

type nodeView struct {
	X, Y, Width, Height, Middle string
	Lines                       []lineView
	Target                      bool
	Rank                        int // rank among the causes; 0: none
	BadgeX, BadgeY              string
	Title                       string
}

type lineView struct{ Y, Text, Class string }

type linkView struct {
	Path    string
	Heads   []string // arrow heads, as paths
	Width   string
	Unknown bool // direction unknown
	Title   string
}

type linkRow struct{ From, Arrow, To, Strength, P, Source string }

const (
	nodeHeight  = 46.0
	layerHeight = nodeHeight + 40
	graphMargin = 10.0
	graphNodes  = 12 // as many as are legible on a phone
)

// drawGraph lays out the graph of a result; nil if it has no links.
func drawGraph(res analysis.Result) *graphView {
	if len(res.Graph.Edges) == 0 {
		return nil
	}
	v := &graphView{Notes: res.Graph.Notes, Table: linkTable(res.Graph.Edges)}
	shown, left := chooseNodes(res)
	arcs, edges := arcsOf(res.Graph, shown)
	if len(edges) == 0 {
		return v // nothing leads to the KPI, so no propagation to draw
	}
	l := layered(len(shown), arcs)
	v.Width = f1(layoutWidth + 2*graphMargin)
	v.Height = f1(2*graphMargin + float64(len(l.layers))*layerHeight - (layerHeight - nodeHeight))
	for i, n := range shown {
		v.Nodes = append(v.Nodes, newNode(n, l.cells[l.nodes[i]], rankOf(n, res.Causes)))
	}
	p := newPorts(l)
	for i, e := range edges {
		v.Links = append(v.Links, p.link(i, e))
	}
	for _, c := range res.Graph.Chains {
		v.Chains = append(v.Chains, cmp.Or(c.Sentence, strings.Join(c.Nodes, " → ")))
	}
	if left > 0 {
		v.Left = fmt.Sprintf("%d more are not drawn.", left)
	}
	v.Words = graphWords(shown, edges)
	return v
}

// chooseNodes selects the nodes to draw, most important first: the KPIs, the members of the chains,
// then by score. Nodes without a path to a KPI are left out.
func chooseNodes(res analysis.Result) (shown []analysis.Node, left int) {
	inChain := map[string]bool{}
	for _, c := range res.Graph.Chains {
		for _, name := range c.Nodes {
			inChain[name] = true
		}
	}
	class := func(n analysis.Node) int {
		switch {
		case n.Role == "target":
			return 0
		case inChain[n.Name]:
			return 1
		default:
			return 2
		}
	}
	joined := joinedWithKPI(res.Graph.Nodes, res.Graph.Edges)
	shown = slices.Clone(joined)
	slices.SortStableFunc(shown, func(a, b analysis.Node) int {
		return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(b.Score, a.Score))
	})
	shown = joinedWithKPI(shown[:min(graphNodes, len(shown))], res.Graph.Edges)
	return shown, len(joined) - len(shown)
}

// joinedWithKPI returns the nodes that have a path to a KPI through each other.
func joinedWithKPI(nodes []analysis.Node, edges []analysis.Edge) []analysis.Node {
	place := places(nodes)
	var known []analysis.Edge
	for _, e := range edges {
		if joined(e, place) {
			known = append(known, e)
		}
	}
	distance := distances(nodes, known, place)
	var joined []analysis.Node
	for i, n := range nodes {
		if distance[i] < len(nodes) {
			joined = append(joined, n)
		}
	}
	return joined
}

func places(nodes []analysis.Node) map[string]int {
	place := map[string]int{}
	for i, n := range nodes {
		place[n.Name] = i
	}
	return place
}

// joined reports whether both nodes of a link are there.
func joined(e analysis.Edge, place map[string]int) bool {
	from, okFrom := place[e.From]
	to, okTo := place[e.To]
	return okFrom && okTo && from != to
}

// arcsOf returns the links among the nodes, strongest first, and the arcs to draw downwards. If the
// direction is unknown the end closer to a KPI goes below.
func arcsOf(g analysis.Graph, nodes []analysis.Node) ([]arc, []analysis.Edge) {
	place := places(nodes)
	var edges []analysis.Edge
	for _, e := range g.Edges {
		if joined(e, place) {
			edges = append(edges, e)
		}
	}
	slices.SortStableFunc(edges, func(a, b analysis.Edge) int {
		if a.Directed != b.Directed { // known directions first: later arcs are reversed if they disagree
			return cmp.Compare(b2i(b.Directed), b2i(a.Directed))
		}
		return cmp.Compare(b.Weight, a.Weight)
	})
	distance := distances(nodes, edges, place)
	arcs := make([]arc, len(edges))
	for i, e := range edges {
		a := arc{place[e.From], place[e.To]}
		if !e.Directed && distance[a.from] < distance[a.to] {
			a = arc{a.to, a.from}
		}
		arcs[i] = a
	}
	return arcs, edges
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// distances counts the links from each node to the nearest KPI.
func distances(nodes []analysis.Node, edges []analysis.Edge, place map[string]int) []int {
	d := make([]int, len(nodes))
	for i, n := range nodes {
		if n.Role != "target" {
			d[i] = len(nodes)
		}
	}
	for range nodes {
		for _, e := range edges {
			a, b := place[e.From], place[e.To]
			d[a], d[b] = min(d[a], d[b]+1), min(d[b], d[a]+1)
		}
	}
	return d
}

// rankOf returns the rank of a node among the causes; 0 if it is none.
func rankOf(n analysis.Node, causes []analysis.Finding) int {
	for _, f := range causes {
		if f.Kind == analysis.KindSeries && n.Role != "target" && (f.Series == n.Name || slices.Contains(n.Aliases, f.Series)) {
			return f.Rank
		}
	}
	return 0
}

func newNode(n analysis.Node, c cell, rank int) nodeView {
	y := graphMargin + float64(c.layer)*layerHeight
	x := c.x - c.width/2
	v := nodeView{
		X: f1(x), Y: f1(y), Width: f1(c.width), Height: f1(nodeHeight), Middle: f1(c.x),
		Target: n.Role == "target", Rank: rank, BadgeX: f1(x), BadgeY: f1(y), Title: nodeWords(n),
	}
	metric, who := splitName(n.Name)
	lines := []lineView{{Text: shorten(metric, (c.width-6)/7.2), Class: "metric"}}
	if who != "" {
		lines = append(lines, lineView{Text: shorten(who, c.width/6), Class: "who"})
	}
	if n.Onset > 0 {
		lines = append(lines, lineView{Text: "from " + clockSeconds(n.Onset), Class: "who"})
	}
	for i := range lines {
		lines[i].Y = f1(y + nodeHeight/2 + 4 + 13*(float64(i)-float64(len(lines)-1)/2))
	}
	v.Lines = lines
	return v
}

// nodeWords is the full name of a node and what is known of it.
func nodeWords(n analysis.Node) string {
	text := n.Name
	if len(n.Aliases) > 0 {
		text += " (moves exactly as " + strings.Join(n.Aliases, ", ") + ")"
	}
	if n.Why != "" {
		text += ": " + n.Why
	}
	return text
}

// splitName splits a series into metric and owner: its label values, or the service of
// service|metric.
func splitName(name string) (metric, who string) {
	if service, m, ok := strings.Cut(name, "|"); ok && !strings.Contains(service, "{") {
		return m, service
	}
	metric, rest, ok := strings.Cut(name, "{")
	if !ok || metric == "" {
		return name, ""
	}
	var values []string
	for i, part := range strings.Split(rest, `"`) {
		if i%2 == 1 && !slices.Contains(values, part) { // inside quotes
			values = append(values, part)
		}
	}
	return metric, strings.Join(values, " ")
}

// shorten cuts a text to about the room there is, in characters.
func shorten(s string, room float64) string {
	runes := []rune(s)
	if n := max(2, int(room)); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// ports are the points on the edges of nodes where links end, ordered by where the links come from,
// so that they don't overlap.
type ports struct {
	layout
	x map[[2]int]float64 // arc and cell → x
}

func newPorts(l layout) ports {
	p := ports{l, map[[2]int]float64{}}
	p.assign(func(route []int) (cell, next int) { return route[0], route[1] })
	p.assign(func(route []int) (cell, next int) { return route[len(route)-1], route[len(route)-2] })
	return p
}

// assign spreads the links that end on one side of each node over its width.
func (p ports) assign(end func(route []int) (cell, next int)) {
	at := map[int][]int{} // cell → arcs
	for i, route := range p.routes {
		c, _ := end(route)
		at[c] = append(at[c], i)
	}
	for c, arcs := range at {
		slices.SortStableFunc(arcs, func(a, b int) int {
			_, na := end(p.routes[a])
			_, nb := end(p.routes[b])
			return cmp.Compare(p.cells[na].x, p.cells[nb].x)
		})
		usable := p.cells[c].width * 0.7
		for k, i := range arcs {
			p.x[[2]int{i, c}] = p.cells[c].x + usable*((float64(k)+0.5)/float64(len(arcs))-0.5)
		}
	}
}

const headLength = 7.0

// link draws one link along its route.
func (p ports) link(i int, e analysis.Edge) linkView {
	route := p.routes[i]
	top, bottom := route[0], route[len(route)-1]
	x0, y0 := p.x[[2]int{i, top}], graphMargin+float64(p.cells[top].layer)*layerHeight+nodeHeight
	x1, y1 := p.x[[2]int{i, bottom}], graphMargin+float64(p.cells[bottom].layer)*layerHeight
	v := linkView{
		Width: f1(1.2 + 1.8*min(1, math.Abs(e.Weight))), Unknown: !e.Directed && !e.Feedback,
		Title: linkWords(e),
	}
	downHead, upHead := p.heads(i, e)
	if upHead {
		v.Heads = append(v.Heads, head(x0, y0, 1))
		y0 += headLength
	}
	if downHead {
		v.Heads = append(v.Heads, head(x1, y1, -1))
		y1 -= headLength
	}
	var b strings.Builder
	fmt.Fprintf(&b, "M%s %s", f1(x0), f1(y0))
	x, y := x0, y0
	for _, c := range route[1 : len(route)-1] {
		above := graphMargin + float64(p.cells[c].layer)*layerHeight
		curve(&b, x, y, p.cells[c].x, above)
		fmt.Fprintf(&b, "V%s", f1(above+nodeHeight))
		x, y = p.cells[c].x, above+nodeHeight
	}
	curve(&b, x, y, x1, y1)
	v.Path = b.String()
	return v
}

// heads reports at which ends a link has an arrow head.
func (p ports) heads(i int, e analysis.Edge) (down, up bool) {
	switch {
	case e.Feedback:
		return true, true
	case !e.Directed:
		return false, false
	default:
		return p.down[i], !p.down[i]
	}
}

// curve draws a curve that is vertical at both ends.
func curve(b *strings.Builder, x0, y0, x1, y1 float64) {
	middle := (y0 + y1) / 2
	fmt.Fprintf(b, "C%s %s %s %s %s %s", f1(x0), f1(middle), f1(x1), f1(middle), f1(x1), f1(y1))
}

// head draws a triangle with its tip at (x, y) and its base on the side of sign.
func head(x, y, sign float64) string {
	base := y + sign*(headLength+1)
	return fmt.Sprintf("M%s %sL%s %sL%s %sZ", f1(x), f1(y), f1(x-4), f1(base), f1(x+4), f1(base))
}

func linkWords(e analysis.Edge) string {
	text := e.From + " " + words.Arrow(e.Directed, e.Feedback) + " " + e.To
	switch {
	case e.Feedback:
		text += " (both ways)"
	case !e.Directed:
		text += " (direction unknown)"
	}
	return text
}

func linkTable(edges []analysis.Edge) []linkRow {
	rows := make([]linkRow, len(edges))
	for i, e := range edges {
		rows[i] = linkRow{e.From, words.Arrow(e.Directed, e.Feedback), e.To, words.Number(e.PartialCorrelation), words.Number(e.P), e.Source}
	}
	return rows
}

func graphWords(nodes []analysis.Node, edges []analysis.Edge) string {
	parts := make([]string, len(edges))
	for i, e := range edges {
		parts[i] = linkWords(e)
	}
	return fmt.Sprintf("Causal graph of %d metrics: %s", len(nodes), strings.Join(parts, "; "))
}
