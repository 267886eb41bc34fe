// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Scope adds matchers for the labels that an aggregation groups by and the
// alert has to all selectors inside of it: these labels reach the result
// unchanged, so the alert's series is the one with these values.
func Scope(e parser.Expr, own model.LabelSet) { scope(e, own, false) }

// ScopeResult is Scope where the labels are all of those that the result has, and no
// others such as those that a rule adds: then those that an aggregation without some
// labels keeps are known, too.
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
		if relabels(e) { // its label is no label inside
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

// bySide are the labels of a result that each side of an operator has, too: of one that is
// matched `on` some labels nothing else is certain.
func bySide(e *parser.BinaryExpr, result model.LabelSet) (left, right model.LabelSet) {
	m := e.VectorMatching
	if m == nil || e.Op == parser.LOR {
		return result, result
	}
	whole := these(result, func(name string) bool { return !slices.Contains(m.Include, name) })
	matched := these(whole, func(name string) bool { return slices.Contains(m.MatchingLabels, name) == m.On })
	switch m.Card {
	case parser.CardManyToOne, parser.CardManyToMany:
		return whole, matched
	case parser.CardOneToMany:
		return matched, whole
	default:
		return matched, matched
	}
}

func these(set model.LabelSet, wanted func(name string) bool) model.LabelSet {
	some := set.Clone()
	maps.DeleteFunc(some, func(name model.LabelName, _ model.LabelValue) bool { return !wanted(string(name)) })
	return some
}

// scopeAggregate holds an aggregation to the alert's values of the labels that it keeps,
// wherever inside of it they come from.
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
	kept := these(own, func(name string) bool {
		return name != bucketLabel && name != counted(e) && slices.Contains(e.Grouping, name) != e.Without
	})
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		push(e.Expr, labels.MustNewMatcher(labels.MatchEqual, string(name), string(kept[name])))
	}
}

// counted is the label that count_values makes of values; empty of others.
func counted(e *parser.AggregateExpr) string {
	if made, ok := e.Param.(*parser.StringLiteral); ok {
		return made.Val
	}
	return ""
}

// scopeMade holds an aggregation to the alert's values where the expression makes
// labels inside of it: those that come from its series unchanged select them, the
// others are compared once they are made.
func scopeMade(e *parser.AggregateExpr, own model.LabelSet) {
	values := parser.Expr(&parser.Call{Func: parser.Functions["vector"], Args: parser.Expressions{&parser.NumberLiteral{Val: 1}}})
	var names []string
	for _, name := range e.Grouping {
		v, ok := own[model.LabelName(name)]
		if !ok || name == bucketLabel || push(e.Expr, labels.MustNewMatcher(labels.MatchEqual, name, string(v))) {
			continue
		}
		names, values = append(names, name), made(values, name, string(v))
	}
	if len(names) == 0 {
		return
	}
	e.Expr = &parser.BinaryExpr{Op: parser.LAND, LHS: inParens(e.Expr), RHS: values, VectorMatching: &parser.VectorMatching{
		Card: parser.CardManyToMany, On: true, MatchingLabels: names,
	}}
}

// held says whether e is what scopeMade leaves: some of the series of its left
// side, by labels that they were given.
func held(e *parser.BinaryExpr) bool {
	values, ok := e.RHS.(*parser.Call)
	return ok && e.Op == parser.LAND && e.VectorMatching.On && relabels(values) && len(Selectors(values)) == 0
}

func relabels(c *parser.Call) bool {
	return c.Func.Name == "label_replace" || c.Func.Name == "label_join"
}

// Made are the labels that e makes of others, which are no places of their own.
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

// RenamesLabels says whether a label in e's result may be another one in
// its selectors: renamed, or brought in from another series.
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
