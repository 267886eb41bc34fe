// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Recording is a recording rule: its query, and the labels that it adds.
type Recording struct {
	Query  string
	Labels model.LabelSet
}

// RecordedNames returns the metrics of e whose names follow the convention for recording rules.
func RecordedNames(e parser.Expr) []string {
	var names []string
	for _, s := range Selectors(e) {
		if name := MetricName(s); strings.Contains(name, ":") {
			names = append(names, name)
		}
	}
	return names
}

// Bounds of the expansion: rules may use each other, and themselves.
const (
	mostLevels    = 4
	longestText   = 16 << 10 // bytes
	mostRecorders = 8        // rules of one metric
)

// WrittenOut expands recorded metrics recursively, to recover labels that were aggregated away.
// What can't be expanded stays; changed says whether anything was.
func WrittenOut(e parser.Expr, rules map[string][]Recording) (out parser.Expr, changed bool) {
	out = e
	for range mostLevels {
		next, more := writtenOutOnce(out, rules)
		if !more || len(next.String()) > longestText {
			break
		}
		out, changed = next, true
	}
	return out, changed
}

func writtenOutOnce(e parser.Expr, rules map[string][]Recording) (out parser.Expr, changed bool) {
	grouped := groupings(e)
	out = replaceSelectors(e, func(s *parser.VectorSelector) parser.Expr {
		recorded := recordedBy(s, rules[MetricName(s)], grouped)
		if recorded == nil {
			return s
		}
		changed = true
		return inParens(recorded)
	})
	return out, changed
}

// groupings returns the labels that aggregations in e group by.
func groupings(e parser.Expr) map[string]bool {
	names := map[string]bool{}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok && !a.Without {
			for _, name := range a.Grouping {
				names[name] = true
			}
		}
		return nil
	})
	return names
}

// recordedBy returns the expression that s reads recorded values of, with the matchers of s
// pushed into it; nil if there is none. If several rules with different labels record it, like
// the two halves of a budget, it is all of them.
func recordedBy(s *parser.VectorSelector, rules []Recording, grouped map[string]bool) parser.Expr {
	if s.OriginalOffset != 0 || s.OriginalOffsetExpr != nil || s.Timestamp != nil || s.StartOrEnd != 0 {
		return nil
	}
	var found []parser.Expr
	var by []Recording
	for _, r := range rules {
		if e := selected(s, r); e != nil {
			found, by = append(found, e), append(by, r)
		}
	}
	switch {
	case len(found) == 0 || len(found) > mostRecorders:
		return nil
	case len(found) == 1:
		needed := model.LabelSet{}
		for name, v := range by[0].Labels {
			if grouped[string(name)] {
				needed[name] = v
			}
		}
		return withLabels(found[0], needed)
	}
	return oneOrOther(found, by)
}

// oneOrOther joins the expressions of several rules; nil if their labels don't distinguish
// them.
func oneOrOther(found []parser.Expr, by []Recording) parser.Expr {
	var all parser.Expr
	seen := map[model.Fingerprint]bool{}
	for i, e := range found {
		if f := by[i].Labels.Fingerprint(); !seen[f] {
			seen[f] = true
		} else {
			return nil
		}
		e = inParens(withLabels(e, by[i].Labels))
		if all == nil {
			all = e
			continue
		}
		all = &parser.BinaryExpr{Op: parser.LOR, LHS: all, RHS: e, VectorMatching: &parser.VectorMatching{Card: parser.CardManyToMany}}
	}
	return all
}

// withLabels adds labels to all series of e.
func withLabels(e parser.Expr, given model.LabelSet) parser.Expr {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		e = addLabel(e, string(name), string(given[name]))
	}
	return e
}

// addLabel adds a label to all series of e, by label_replace.
func addLabel(e parser.Expr, name, value string) parser.Expr {
	text := func(s string) parser.Expr { return &parser.StringLiteral{Val: s} }
	return &parser.Call{Func: parser.Functions["label_replace"], Args: parser.Expressions{
		e, text(name), text(strings.ReplaceAll(value, "$", "$$")), text(""), text(""),
	}}
}

// selected returns the expression of one rule, restricted by the matchers of s; nil if it has
// no such series.
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

// push adds a matcher to the selectors of e that the label comes from. It returns false if the
// label doesn't come from there unchanged.
func push(e parser.Expr, m *labels.Matcher) bool {
	switch e := e.(type) {
	case *parser.VectorSelector:
		if !slices.ContainsFunc(e.LabelMatchers, func(has *labels.Matcher) bool { return has.String() == m.String() }) {
			e.LabelMatchers = append(e.LabelMatchers, m)
		}
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
		if m.Name == counted(e) {
			return false
		}
		if slices.Contains(e.Grouping, m.Name) == e.Without {
			return m.Matches("") // aggregated away
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
	if relabels(e) && madeBy(e) == m.Name || e.Func.Name == "absent" || e.Func.Name == "absent_over_time" || e.Func.Name == "info" {
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
		if slices.Contains(v.MatchingLabels, m.Name) != v.On { // not a matching label, so only one side has it
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

// replaceSelectors returns e with its instant selectors replaced; a range can't be taken of an
// expression, so those stay.
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
