// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Scope restricts the selectors inside an aggregation to the alert's values of its grouping
// labels: these labels reach the result unchanged, so the alert's series is the one with these
// values.
func Scope(e parser.Expr, own model.LabelSet) { scope(e, own, false) }

// ScopeResult is Scope with all labels of the result, and without those added by a rule: labels
// kept by `without` are then known, too.
func ScopeResult(e parser.Expr, result model.LabelSet) { scope(e, result, true) }

func scope(e parser.Expr, own model.LabelSet, all bool) {
	switch e := e.(type) {
	case *parser.ParenExpr:
		scope(e.Expr, own, all)
	case *parser.UnaryExpr:
		scope(e.Expr, own, all)
	case *parser.BinaryExpr:
		left, right := own, own
		if all {
			left, right = bySide(e, own)
		}
		scope(e.LHS, left, all)
		scope(e.RHS, right, all)
	case *parser.Call:
		if relabels(e) { // its label does not exist inside
			own = own.Clone()
			delete(own, model.LabelName(madeBy(e)))
		}
		for _, arg := range e.Args {
			scope(arg, own, all && !relabels(e))
		}
	case *parser.AggregateExpr:
		scopeAggregate(e, own, all)
	}
}

// bySide returns the labels of a result that each side of an operator has. For `on`, only the
// matching labels are certain.
func bySide(e *parser.BinaryExpr, result model.LabelSet) (left, right model.LabelSet) {
	m := e.VectorMatching
	if m == nil || e.Op == parser.LOR {
		return result, result
	}
	whole := filterLabels(result, func(name string) bool { return !slices.Contains(m.Include, name) })
	matched := filterLabels(whole, func(name string) bool { return slices.Contains(m.MatchingLabels, name) == m.On })
	switch m.Card {
	case parser.CardManyToOne, parser.CardManyToMany:
		return whole, matched
	case parser.CardOneToMany:
		return matched, whole
	default:
		return matched, matched
	}
}

func filterLabels(set model.LabelSet, wanted func(name string) bool) model.LabelSet {
	some := set.Clone()
	maps.DeleteFunc(some, func(name model.LabelName, _ model.LabelValue) bool { return !wanted(string(name)) })
	return some
}

// scopeAggregate restricts an aggregation to the alert's values of the labels that it keeps,
// wherever inside they come from.
func scopeAggregate(e *parser.AggregateExpr, own model.LabelSet, all bool) {
	if RenamesLabels(e) {
		if !e.Without {
			scopeMade(e, own)
		}
		return
	}
	if e.Without && !all {
		return
	}
	kept := filterLabels(own, func(name string) bool {
		return name != bucketLabel && name != counted(e) && slices.Contains(e.Grouping, name) != e.Without
	})
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		push(e.Expr, labels.MustNewMatcher(labels.MatchEqual, string(name), string(kept[name])))
	}
}

// counted returns the label that count_values creates; empty for other aggregations.
func counted(e *parser.AggregateExpr) string {
	if made, ok := e.Param.(*parser.StringLiteral); ok {
		return made.Val
	}
	return ""
}

// scopeMade restricts an aggregation over created labels: labels that come from its series
// unchanged select them, the others are compared after their creation.
func scopeMade(e *parser.AggregateExpr, own model.LabelSet) {
	values := parser.Expr(&parser.Call{Func: parser.Functions["vector"], Args: parser.Expressions{&parser.NumberLiteral{Val: 1}}})
	var names []string
	for _, name := range e.Grouping {
		v, ok := own[model.LabelName(name)]
		if !ok || name == bucketLabel || push(e.Expr, labels.MustNewMatcher(labels.MatchEqual, name, string(v))) {
			continue
		}
		names, values = append(names, name), addLabel(values, name, string(v))
	}
	if len(names) == 0 {
		return
	}
	e.Expr = &parser.BinaryExpr{Op: parser.LAND, LHS: inParens(e.Expr), RHS: values, VectorMatching: &parser.VectorMatching{
		Card: parser.CardManyToMany, On: true, MatchingLabels: names,
	}}
}

// madeByScope says whether e was made by scopeMade.
func madeByScope(e *parser.BinaryExpr) bool {
	values, ok := e.RHS.(*parser.Call)
	return ok && e.Op == parser.LAND && e.VectorMatching.On && relabels(values) && len(Selectors(values)) == 0
}

func relabels(c *parser.Call) bool {
	return c.Func.Name == "label_replace" || c.Func.Name == "label_join"
}

// Made returns the labels that e creates from others; they are no places of their own.
func Made(e parser.Expr) []string {
	var names []string
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if c, ok := n.(*parser.Call); ok && relabels(c) {
			names = append(names, madeBy(c))
		}
		return nil
	})
	return names
}

// RenamesLabels says whether a label in the result of e may differ from the one in its
// selectors: renamed, or joined from another series.
func RenamesLabels(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.Call:
			found = found || relabels(n) || n.Func.Name == "info"
		case *parser.BinaryExpr:
			found = found || n.VectorMatching != nil && len(n.VectorMatching.Include) > 0
		}
		return nil
	})
	return found
}
