// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	tree "text/template/parse"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Check parses every template and every query of a rule and says what is
// wrong, with the lines of the rule's source. There is no alert yet, so each
// template is tried twice: with a value for every label that it names, and
// with none.
func Check(rule config.Rule) []config.Mistake {
	c := checker{rule: rule}
	if rule.Target != nil {
		c.target("target", *rule.Target, rule.Breakdown)
	}
	for i, t := range rule.Targets { // that both are given has been said
		c.target(fmt.Sprintf("targets[%d]", i), t, rule.Breakdown)
	}
	c.candidates("candidates", rule.Candidates)
	if rule.Topology != nil && rule.Topology.Query != "" {
		c.query("topology.query", rule.Topology.Query)
	}
	slices.SortStableFunc(c.mistakes, func(a, b config.Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return c.mistakes
}

// CheckCatalogue parses the queries of the catalogue of candidates.
func CheckCatalogue(c *config.Config) []config.Mistake {
	ch := checker{rule: config.Rule{Source: c.CandidateSource}}
	for i, k := range c.Candidates {
		if strings.TrimSpace(k.Query) != "" {
			ch.query(fmt.Sprintf("candidates[%d].query", i), k.Query)
		}
	}
	return ch.mistakes
}

// CheckContext parses the queries of the context.
func CheckContext(c *config.Config) []config.Mistake {
	ch := checker{rule: config.Rule{Source: c.ContextSource}}
	for i, f := range c.Context.Facts {
		if strings.TrimSpace(f.Query) != "" {
			ch.query(fmt.Sprintf("context.facts[%d].query", i), f.Query)
		}
	}
	return ch.mistakes
}

type checker struct {
	rule     config.Rule
	mistakes []config.Mistake
}

func (c *checker) mistake(path, what, hint string) {
	at := strings.TrimPrefix(c.rule.Source.Path+"."+path, ".")
	m := config.Mistake{File: c.rule.Source.File, Line: c.line(path), What: at + ": " + what, Hint: hint}
	if !slices.Contains(c.mistakes, m) {
		c.mistakes = append(c.mistakes, m)
	}
}

// line returns the line of a text, or of what it is part of.
func (c *checker) line(path string) int {
	for {
		if line, ok := c.rule.Source.Lines[path]; ok || path == "" {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

func (c *checker) target(path string, t config.Target, shared *config.Breakdown) {
	c.candidates(path+".candidates", t.Candidates)
	breakdown, at := t.Breakdown, path+".breakdown"
	if breakdown == nil {
		breakdown, at = shared, "breakdown"
	}
	if breakdown != nil {
		c.labels(at, breakdown.Labels)
	}
	if strings.TrimSpace(t.Query) == "" {
		return // derived from the alert
	}
	for _, e := range c.query(path+".query", t.Query) {
		if _, ok := expr.Number(e); ok {
			c.mistake(path+".query", "is a constant", "write the query of what the alert is about, without the threshold")
			continue
		}
		if breakdown != nil && len(breakdown.Labels) > 0 {
			c.breakdown(at, expr.Measured(e), breakdown.Labels)
		}
	}
}

// labels checks what can't be broken down by, whatever the query. That they are
// names of labels, each once, is checked where the configuration is read.
func (c *checker) labels(path string, names []string) {
	if len(names) > mostLabels {
		c.mistake(path+".labels", fmt.Sprintf("has %d labels", len(names)), fmt.Sprintf("name at most %d: every combination of them is searched", mostLabels))
	}
	if i := slices.Index(names, "le"); i >= 0 {
		c.mistake(fmt.Sprintf("%s.labels[%d]", path, i), `"le" can't be a label to split by: each bucket includes those below it`, "leave it out")
	}
}

// breakdown checks that a KPI can be told apart by the labels that the rule
// names. Without labels it is tried, and a report says if it fails.
func (c *checker) breakdown(path string, e parser.Expr, names []string) {
	m, err := expr.Decompose(e)
	if err != nil {
		c.mistake(path, "the target can't be broken down: "+err.Error(), "leave out the labels with `labels: []`, or write the target as a sum, a count, an average or a ratio of sums")
		return
	}
	_, refused := parts{Measure: m}.usable(names)
	for _, r := range refused {
		c.mistake(fmt.Sprintf("%s.labels[%d]", path, slices.Index(names, r.Label)), fmt.Sprintf("%q: %s", r.Label, r.Reason), "leave it out")
	}
}

func (c *checker) candidates(path string, candidates []config.Candidate) {
	for i, d := range candidates {
		if strings.TrimSpace(d.Query) != "" { // an empty one is a mistake of the configuration already
			c.query(fmt.Sprintf("%s[%d].query", path, i), d.Query)
		}
	}
}

// query checks one text, and returns what it gives with and without labels.
func (c *checker) query(path, text string) []parser.Expr {
	t, err := parseTemplate(text)
	if err != nil {
		c.mistake(path, templateError(err), templateHint)
		return nil
	}
	var found []parser.Expr
	for _, data := range []alertData{sampleData(fieldsOf(t)), sampleData(nil)} {
		e, _, err := expand(text, data)
		if err != nil {
			c.mistake(path, templateError(err), hintFor(err))
			return nil
		}
		found = append(found, e)
	}
	return found
}

const templateHint = "values come from the alert as {{ .Labels.name }}, {{ .Annotations.name }} and {{ .StartsAt }}"

// templateError shortens "template: query:1:15: executing "query" at <…>: …".
func templateError(err error) string {
	text := strings.TrimPrefix(err.Error(), "template: query:")
	if where, what, ok := strings.Cut(text, `executing "query" at `); ok {
		text = where + what
	}
	return regexp.MustCompile(`can't evaluate field (\w+) in type \S+`).ReplaceAllString(text, "there is no .$1")
}

func hintFor(err error) string {
	var exec template.ExecError
	switch {
	case errors.Is(err, errMisplaced):
		return "put it between the quotes of a matcher"
	case errors.As(err, &exec):
		return templateHint
	case errors.Is(err, expr.ErrNoValues):
		return "put a function such as rate() around a range"
	default:
		return "try the query in Prometheus' own page"
	}
}

// fieldsOf returns the names of labels and annotations in a template.
func fieldsOf(t *template.Template) map[string]bool {
	names := map[string]bool{}
	for _, part := range t.Templates() {
		collect(part.Root, names)
	}
	return names
}

// collect finds .Labels.name and $.Labels.name anywhere below n.
func collect(n tree.Node, names map[string]bool) {
	switch n := n.(type) {
	case *tree.ListNode:
		if n != nil {
			for _, m := range n.Nodes {
				collect(m, names)
			}
		}
	case *tree.ActionNode:
		collect(n.Pipe, names)
	case *tree.IfNode:
		collectBranch(&n.BranchNode, names)
	case *tree.WithNode:
		collectBranch(&n.BranchNode, names)
	case *tree.RangeNode:
		collectBranch(&n.BranchNode, names)
	case *tree.PipeNode:
		if n != nil {
			for _, cmd := range n.Cmds {
				for _, arg := range cmd.Args {
					collect(arg, names)
				}
			}
		}
	case *tree.FieldNode:
		addField(n.Ident, names)
	case *tree.VariableNode:
		addField(n.Ident[1:], names)
	}
}

func collectBranch(n *tree.BranchNode, names map[string]bool) {
	collect(n.Pipe, names)
	collect(n.List, names)
	collect(n.ElseList, names)
}

func addField(ident []string, names map[string]bool) {
	if len(ident) >= 2 && (ident[0] == "Labels" || ident[0] == "Annotations") {
		names[ident[1]] = true
	}
}
