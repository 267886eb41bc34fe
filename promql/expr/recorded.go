// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Recording is a recording rule: the metric that it records is query, with
// labels.
type Recording struct {
	Query  string
	Labels model.LabelSet
}

// RecordedNames returns the metrics of e that are named as recording rules are.
func RecordedNames(e parser.Expr) []string {
	var names []string
	for _, s := range Selectors(e) {
		if name := MetricName(s); strings.Contains(name, ":") {
			names = append(names, name)
		}
	}
	return names
}

// WrittenOut replaces recorded metrics by what they record, one level, so that
// the labels that were aggregated away are there. What can't be replaced stays;
// changed says whether anything was.
func WrittenOut(e parser.Expr, rules map[string][]Recording) (out parser.Expr, changed bool) {
	out = replaceSelectors(e, func(s *parser.VectorSelector) parser.Expr {
		recorded := recordedBy(s, rules[MetricName(s)])
		if recorded == nil {
			return s
		}
		changed = true
		return inParens(recorded)
	})
	return out, changed
}

// recordedBy returns the expression that s selects the recorded values of; nil
// if several rules record it, or the matchers of s can't be put into it.
func recordedBy(s *parser.VectorSelector, rules []Recording) parser.Expr {
	if s.OriginalOffset != 0 || s.OriginalOffsetExpr != nil || s.Timestamp != nil || s.StartOrEnd != 0 {
		return nil
	}
	var found parser.Expr
	for _, r := range rules {
		e := selected(s, r)
		if e == nil {
			continue
		}
		if found != nil {
			return nil
		}
		found = e
	}
	return found
}

// selected is the expression of one rule, held to the matchers of s.
func selected(s *parser.VectorSelector, r Recording) parser.Expr {
	e, err := Parse(r.Query)
	if err != nil || Evaluable(e) != nil {
		return nil
	}
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			continue
		}
		if v, given := r.Labels[model.LabelName(m.Name)]; given {
			if !m.Matches(string(v)) {
				return nil
			}
			continue
		}
		if !push(e, m) {
			return nil
		}
	}
	return e
}

// push adds a matcher to the selectors of e, where the label comes from. It
// returns false if it doesn't come from there unchanged.
func push(e parser.Expr, m *labels.Matcher) bool {
	switch e := e.(type) {
	case *parser.VectorSelector:
		e.LabelMatchers = append(e.LabelMatchers, m)
		return true
	case *parser.MatrixSelector:
		return push(e.VectorSelector, m)
	case *parser.SubqueryExpr:
		return push(e.Expr, m)
	case *parser.ParenExpr:
		return push(e.Expr, m)
	case *parser.UnaryExpr:
		return push(e.Expr, m)
	case *parser.AggregateExpr:
		if slices.Contains(e.Grouping, m.Name) == e.Without {
			return m.Matches("") // the label is aggregated away
		}
		return push(e.Expr, m)
	case *parser.Call:
		return pushCall(e, m)
	case *parser.BinaryExpr:
		return pushBinary(e, m)
	default:
		return false
	}
}

func pushCall(e *parser.Call, m *labels.Matcher) bool {
	if relabels(e) || e.Func.Name == "absent" || e.Func.Name == "absent_over_time" || e.Func.Name == "info" {
		return false
	}
	pushed := false
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			if !push(arg, m) {
				return false
			}
			pushed = true
		}
	}
	return pushed
}

func pushBinary(e *parser.BinaryExpr, m *labels.Matcher) bool {
	left, right := e.LHS.Type() == parser.ValueTypeVector, e.RHS.Type() == parser.ValueTypeVector
	if v := e.VectorMatching; v != nil && left && right {
		if slices.Contains(v.Include, m.Name) {
			return false
		}
		if slices.Contains(v.MatchingLabels, m.Name) != v.On { // not matched by: only one side has it
			switch {
			case v.Card == parser.CardManyToOne || e.Op == parser.LAND || e.Op == parser.LUNLESS:
				right = false
			case v.Card == parser.CardOneToMany:
				left = false
			case e.Op != parser.LOR:
				return m.Matches("")
			}
		}
	}
	return (!left || push(e.LHS, m)) && (!right || push(e.RHS, m)) && (left || right)
}

// replaceSelectors returns e with its instant selectors replaced; those of
// ranges stay, since a range of an expression is another thing.
func replaceSelectors(e parser.Expr, f func(*parser.VectorSelector) parser.Expr) parser.Expr {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return f(e)
	case *parser.ParenExpr:
		return &parser.ParenExpr{Expr: replaceSelectors(e.Expr, f)}
	case *parser.UnaryExpr:
		return &parser.UnaryExpr{Op: e.Op, Expr: replaceSelectors(e.Expr, f)}
	case *parser.AggregateExpr:
		a := *e
		a.Expr = replaceSelectors(e.Expr, f)
		return &a
	case *parser.BinaryExpr:
		b := *e
		b.LHS, b.RHS = replaceSelectors(e.LHS, f), replaceSelectors(e.RHS, f)
		return &b
	case *parser.Call:
		c := *e
		c.Args = nil
		for _, arg := range e.Args {
			c.Args = append(c.Args, replaceSelectors(arg, f))
		}
		return &c
	default:
		return e
	}
}
