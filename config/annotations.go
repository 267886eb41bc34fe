// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// Annotations of alerting rules in Prometheus that say how to explain their alerts. Each sets the
// key of the same name in a rule.
const (
	AnnotationCandidates = annotationPrefix + "candidates" // queries, one per line; a comment after a query is its name
	AnnotationBreakdown  = annotationPrefix + "breakdown"  // labels; [] disables the breakdown
	AnnotationTopology   = annotationPrefix + "topology"   // edges, such as "frontend -> checkout", one per line, or a query
	AnnotationWindow     = annotationPrefix + "window"     // such as "incident=10m baseline=6h"
)

const annotationPrefix = "culprit_"

// Limits of annotations, which culprit's operator does not write.
const (
	mostAnnotation = 16 << 10 // bytes of one annotation
	mostAnnotated  = 20       // queries in it
	mostEdges      = 500
)

// RuleAnnotations are the names of the annotations that [FromAnnotations] reads.
func RuleAnnotations() []string {
	return []string{AnnotationBreakdown, AnnotationCandidates, AnnotationTopology, AnnotationWindow}
}

// WrittenByCulprit reports whether culprit puts an annotation on alerts: those with its prefix that
// it does not read from rules.
func WrittenByCulprit(annotation string) bool {
	return strings.HasPrefix(annotation, annotationPrefix) && !slices.Contains(RuleAnnotations(), annotation)
}

// FromAnnotations converts the annotations of an alerting rule to a rule with only their keys set.
// Mistakes are left out of it and returned, with the annotation as file and a line of its text as
// line. PromQL and templates are not parsed: see promql.FromAnnotations.
func FromAnnotations(set map[string]string) (Rule, Errors) {
	r := Rule{Source: Source{Lines: map[string]int{}}}
	var mistakes Errors
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !strings.HasPrefix(name, annotationPrefix) {
			continue
		}
		a := annotation{newDecoder(name), &r}
		a.read(name, set[name])
		mistakes = append(mistakes, a.mistakes...)
	}
	return r, mistakes
}

// annotation reads an annotation into a rule. The decoder's places are lines of its text.
type annotation struct {
	*decoder
	rule *Rule
}

func (a annotation) read(name, text string) {
	if len(text) > mostAnnotation {
		a.wrong(1, fmt.Sprintf("has %d bytes", len(text)), fmt.Sprintf("write at most %d, or a rule of culprit's own", mostAnnotation))
		return
	}
	switch name {
	case AnnotationCandidates:
		a.candidates(text)
	case AnnotationBreakdown:
		a.breakdown(text)
	case AnnotationTopology:
		a.topology(text)
	case AnnotationWindow:
		a.window(text)
	default:
		a.wrong(1, "is not an annotation that culprit reads", suggest(name, RuleAnnotations()))
	}
}

func (a annotation) wrong(line int, what, hint string) { a.add(place{line: line}, what, hint) }

// fine sets the line of a value and checks it. It reports whether there is no mistake.
func (a annotation) fine(path string, line int, check func(path string)) bool {
	before := len(a.mistakes)
	a.places[path] = place{line: line}
	check(path)
	return len(a.mistakes) == before
}

func (a annotation) candidates(text string) {
	for i, line := range strings.Split(text, "\n") {
		query, comment := cutComment(line)
		switch {
		case query == "":
		case len(a.rule.Candidates) == mostAnnotated:
			a.wrong(i+1, fmt.Sprintf("is more than %d queries", mostAnnotated), "keep those whose series are likely causes")
			return
		default:
			a.rule.Source.Lines[fmt.Sprintf("candidates[%d].query", len(a.rule.Candidates))] = i + 1
			a.rule.Candidates = append(a.rule.Candidates, Candidate{Name: comment, Query: query})
		}
	}
}

func (a annotation) breakdown(text string) {
	if strings.TrimSpace(text) == "[]" {
		a.rule.Breakdown = &Breakdown{Labels: []string{}}
		return
	}
	var labels []string
	seen := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		for _, label := range words(line) {
			at := fmt.Sprintf("labels[%d]", len(labels))
			if a.fine(at, i+1, func(at string) { a.checkLabel(label, at, seen) }) {
				a.rule.Source.Lines["breakdown."+at] = i + 1
				labels = append(labels, label)
			}
		}
	}
	if len(labels) > 0 {
		a.rule.Breakdown = &Breakdown{Labels: labels}
	}
}

// topology reads lines with an arrow as edges, and all others as one query.
func (a annotation) topology(text string) {
	var t Topology
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		bare, _ := cutComment(line)
		if !strings.Contains(withoutTexts(bare), "->") {
			continue
		}
		lines[i] = ""
		t.Edges = append(t.Edges, a.edges(strings.Split(bare, "->"), i+1, len(t.Edges))...)
	}
	if len(t.Edges) > mostEdges {
		a.wrong(1, fmt.Sprintf("has %d edges", len(t.Edges)), fmt.Sprintf("write at most %d, or a query", mostEdges))
		t.Edges = t.Edges[:mostEdges]
	}
	if i := slices.IndexFunc(lines, func(l string) bool { query, _ := cutComment(l); return query != "" }); i >= 0 {
		t.Query = strings.TrimSpace(strings.Join(lines[i:], "\n"))
		a.rule.Source.Lines["topology.query"] = i + 1
	}
	if t.Query != "" || len(t.Edges) > 0 {
		a.rule.Topology = &t
	}
}

// edges returns the valid calls between adjacent names of a chain.
func (a annotation) edges(chain []string, line, before int) (edges [][]string) {
	for i := 1; i < len(chain); i++ {
		edge := []string{strings.TrimSpace(chain[i-1]), strings.TrimSpace(chain[i])}
		if strings.Contains(edge[0]+edge[1], "{{") {
			a.wrong(line, fmt.Sprintf("has a template in the edge %s -> %s", edge[0], edge[1]), "write the names of the services, or a query")
			continue
		}
		if a.fine(fmt.Sprintf("edges[%d]", before+len(edges)), line, func(at string) { a.checkEdge(edge, at) }) {
			edges = append(edges, edge)
		}
	}
	return edges
}

func (a annotation) window(text string) {
	const hint = "write incident=10m, baseline=6h, or both"
	lengths := map[string]*model.Duration{"incident": &a.rule.Window.Incident, "baseline": &a.rule.Window.Baseline}
	for i, line := range strings.Split(text, "\n") {
		for _, word := range words(line) {
			key, value, _ := strings.Cut(word, "=")
			length := lengths[key]
			d, err := model.ParseDuration(value)
			switch {
			case length == nil:
				a.wrong(i+1, fmt.Sprintf("has %q", word), hint)
			case err != nil || d <= 0:
				a.wrong(i+1, fmt.Sprintf("%s is %q, which is not a duration", key, value), hint)
			default:
				*length = d
			}
		}
	}
	if w := &a.rule.Window; !a.fine("baseline", 1, func(at string) { a.checkWindow(*w, at) }) {
		*w = Window{}
	}
}

// words splits a list with or without commas.
func words(line string) []string {
	return strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(", \t\r[]", r) })
}

// cutComment splits a line of PromQL from the comment at its end.
func cutComment(line string) (query, comment string) {
	end := strings.IndexByte(withoutTexts(line), '#')
	if end < 0 {
		return strings.TrimSpace(line), ""
	}
	return strings.TrimSpace(line[:end]), strings.TrimSpace(strings.TrimLeft(line[end:], "#"))
}

// withoutTexts blanks out quoted texts and templates in a line of PromQL. Templates may be quoted,
// and may contain quotes.
func withoutTexts(line string) string {
	const tmpl = `\{\{.*?\}\}`
	texts := regexp.MustCompile(tmpl + `|"(?:` + tmpl + `|\\.|[^"\\])*"|'(?:` + tmpl + `|\\.|[^'\\])*'|` + "`(?:" + tmpl + "|[^`])*`")
	return texts.ReplaceAllStringFunc(line, func(text string) string { return strings.Repeat(" ", len(text)) })
}

// Or returns the rule, with missing keys taken from another.
func (r Rule) Or(other Rule) Rule {
	if r.Candidates == nil {
		r.Candidates = other.Candidates
	}
	if r.Breakdown == nil {
		r.Breakdown = other.Breakdown
	}
	if r.Topology == nil {
		r.Topology = other.Topology
	}
	if r.Window.Incident == 0 {
		r.Window.Incident = other.Window.Incident
	}
	if r.Window.Baseline == 0 {
		r.Window.Baseline = other.Window.Baseline
	}
	return r
}
