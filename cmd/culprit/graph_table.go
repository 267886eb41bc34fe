// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

const nodeWidth = 33 // characters of a node's name

// printGraph prints a graph for a terminal: the likely paths to the KPI, the links, strongest
// first, and doubts.
func printGraph(w io.Writer, name string, r analysis.Result) error {
	t := &dimensionsTable{w: w, width: widthOf(w, tableWidth)}
	if name != "" {
		t.line("── %s", name)
	}
	for _, chain := range r.Graph.Chains {
		t.wrap("", "Likely way: "+chain.Sentence+".")
	}
	if len(r.Graph.Chains) == 0 {
		t.line("No way from a suspect to the KPI was found.")
	}
	t.nodes(r.Graph.Nodes)
	t.edges(r.Graph.Edges)
	t.line("")
	for _, note := range r.Graph.Notes {
		t.wrap("", note)
	}
	for _, w := range r.Warnings {
		t.wrap("", "Note: "+strings.TrimSuffix(w.Text, ".")+".")
	}
	_, err := fmt.Fprintln(t.w)
	return err
}

func (t *dimensionsTable) nodes(nodes []analysis.Node) {
	t.line("")
	t.line("%s %-*s  %-9s  SAME AS", pad("SERIES", seriesWidth), barWidth, "SCORE", "MOVED AT")
	for _, n := range nodes {
		since := ""
		if n.Onset > 0 {
			since = time.Unix(int64(n.Onset), 0).UTC().Format("15:04:05Z")
		}
		score := bar(n.Score)
		if n.Role == "target" {
			score = "KPI"
		}
		t.line("%s %s  %-9s  %s", pad(shorten(n.Name, seriesWidth), seriesWidth), pad(score, barWidth), since, strings.Join(n.Aliases, ", "))
	}
}

func (t *dimensionsTable) edges(edges []analysis.Edge) {
	t.line("")
	t.line("%s    %s %7s  %8s  KNOWN FROM", pad("LINK", nodeWidth), pad("", nodeWidth), "R", "P")
	for _, e := range edges {
		t.line("%s %s  %s %7.2f  %8.2g  %s", pad(shorten(e.From, nodeWidth), nodeWidth), words.Arrow(e.Directed, e.Feedback), pad(shorten(e.To, nodeWidth), nodeWidth),
			e.PartialCorrelation, e.P, e.Source)
	}
	if len(edges) == 0 {
		t.line("none")
	}
}

// printDot prints a graph for Graphviz: the KPI is a box, links of unknown direction are dashed,
// strong ones thick.
func printDot(w io.Writer, name string, g analysis.Graph) error {
	var b bytes.Buffer
	if name == "" {
		name = "culprit"
	}
	fmt.Fprintf(&b, "digraph %s {\n", quoteDot(name))
	for _, n := range g.Nodes {
		shape := "ellipse"
		if n.Role == "target" {
			shape = "box"
		}
		label := n.Name
		for _, alias := range n.Aliases {
			label += "\n= " + alias
		}
		fmt.Fprintf(&b, "  %s [shape=%s, label=%s];\n", quoteDot(n.Name), shape, quoteDot(label))
	}
	for _, e := range g.Edges {
		way := ""
		switch {
		case e.Feedback:
			way = ", dir=both"
		case !e.Directed:
			way = ", dir=none, style=dashed"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s, penwidth=%.1f%s];\n", quoteDot(e.From), quoteDot(e.To),
			quoteDot(words.Number(e.PartialCorrelation)), 1+2*math.Abs(e.Weight), way)
	}
	b.WriteString("}\n")
	_, err := w.Write(b.Bytes())
	return err
}

// quoteDot quotes a name for Graphviz, where only quotes and backslashes are special.
func quoteDot(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
}
