// SPDX-License-Identifier: Apache-2.0

package expr

import (
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
		scope(e.LHS, own, all && plain(e.VectorMatching))
		scope(e.RHS, own, all && plain(e.VectorMatching))
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

// plain says whether both sides of an operator have the labels of its result.
func plain(m *parser.VectorMatching) bool {
	return m == nil || m.Card == parser.CardOneToOne && !m.On && len(m.MatchingLabels) == 0
}

func scopeAggregate(e *parser.AggregateExpr, own model.LabelSet, all bool) {
	if RenamesLabels(e) {
		if !e.Without {
			scopeMade(e, own)
		}
		return
	}
	names := e.Grouping
	switch {
	case e.Without && !all:
		return
	case e.Without:
		names = kept(e, own)
	}
	for _, s := range Selectors(e.Expr) {
		for _, name := range names {
			v, ok := own[model.LabelName(name)]
			if !ok || name == "le" || hasMatcher(s, name, string(v)) {
				continue
			}
			s.LabelMatchers = append(s.LabelMatchers, &labels.Matcher{Type: labels.MatchEqual, Name: name, Value: string(v)})
		}
	}
}

// kept are the labels of a result that an aggregation without some keeps, where nothing
// inside of it loses any.
func kept(e *parser.AggregateExpr, own model.LabelSet) []string {
	lost := false
	parser.Inspect(e.Expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.AggregateExpr:
			lost = true
		case *parser.BinaryExpr:
			lost = lost || n.VectorMatching != nil
		}
		return nil
	})
	made := ""
	if v, ok := e.Param.(*parser.StringLiteral); ok { // of count_values
		made = v.Val
	}
	var names []string
	for name := range own {
		if !lost && string(name) != made && !slices.Contains(e.Grouping, string(name)) {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	return names
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

func hasMatcher(s *parser.VectorSelector, name, v string) bool {
	for _, m := range s.LabelMatchers {
		if m.Type == labels.MatchEqual && m.Name == name && m.Value == v {
			return true
		}
	}
	return false
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
