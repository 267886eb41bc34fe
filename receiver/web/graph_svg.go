// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
)

// graphStyle is the part of the pages' style sheet that a standalone drawing needs.
const graphStyle = `<style>
svg { --paper: #faf8f5; --card: #fff; --ink: #1c1a17; --soft: #5f5a53; --line: #e3ddd4; font-family: system-ui, sans-serif; background: var(--paper); }
@media (prefers-color-scheme: dark) { svg { --paper: #141310; --card: #1d1b18; --ink: #efebe4; --soft: #aaa398; --line: #37332d; } }
`

// emptyGraph replaces a graph without drawable links.
const emptyGraph = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 60"><text x="180" y="35" text-anchor="middle" font-family="system-ui, sans-serif" font-size="13">%s</text></svg>
`

// WriteGraph draws the causal graph of a result as an SVG file, like on the report page.
func WriteGraph(w io.Writer, res analysis.Result) error {
	view := drawGraph(res)
	switch {
	case view == nil:
		_, err := fmt.Fprintf(w, emptyGraph, "No links were found.")
		return err
	case len(view.Nodes) == 0:
		_, err := fmt.Fprintf(w, emptyGraph, "No link leads to "+template.HTMLEscapeString(targetOf(res.Graph))+".")
		return err
	}
	drawings, err := template.ParseFS(files, "templates/drawings.html")
	if err != nil {
		return err
	}
	var svg bytes.Buffer
	if err := drawings.ExecuteTemplate(&svg, "graph", view); err != nil {
		return err
	}
	// The page's drawing is a fragment: a file needs a namespace and its own style.
	opening, rest, _ := strings.Cut(strings.TrimSpace(svg.String()), ">")
	_, err = fmt.Fprintf(w, "%s xmlns=\"http://www.w3.org/2000/svg\">\n%s</style>%s\n", opening, graphStyle+graphRules(), rest)
	return err
}

// targetOf is the name of a graph's KPI.
func targetOf(g analysis.Graph) string {
	for _, n := range g.Nodes {
		if n.Role == "target" {
			return n.Name
		}
	}
	return "the KPI"
}

// graphRules are the style sheet's rules for graphs and their nodes.
func graphRules() string {
	sheet := must(files.ReadFile("static/style.css"))
	var rules strings.Builder
	for line := range strings.Lines(string(sheet)) {
		if strings.HasPrefix(line, ".graph .") || strings.HasPrefix(line, ".node") {
			rules.WriteString(line)
		}
	}
	return rules.String()
}
