// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	tree "text/template/parse"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// checker checks the texts of a rule, from a file of culprit or from the annotations of an
// alerting rule.
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

// line returns the line of a text, or of the closest enclosing element.
func (c *checker) line(path string) int {
	for {
		if line, ok := c.rule.Source.Lines[path]; ok || path == "" {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

// labels checks names that no query can be broken down by. Validity and duplicates are checked
// when the configuration is read.
func (c *checker) labels(path string, names []string) {
	if len(names) > mostLabels {
		c.mistake(path+".labels", fmt.Sprintf("has %d labels", len(names)), fmt.Sprintf("name at most %d: every combination of them is searched", mostLabels))
	}
	if i := slices.Index(names, "le"); i >= 0 {
		c.mistake(fmt.Sprintf("%s.labels[%d]", path, i), `"le" can't be a label to split by: each bucket includes those below it`, "leave it out")
	}
}

// query checks one text, and returns its expressions with and without label values.
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
