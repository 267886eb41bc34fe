// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// HoldPart holds what e is made of to a part of its series. What these are joined with
// by other labels stays whole: it may lack the part's.
func HoldPart(e parser.Expr, m *labels.Matcher) {
	switch e := e.(type) {
	case *parser.ParenExpr:
		HoldPart(e.Expr, m)
	case *parser.UnaryExpr:
		HoldPart(e.Expr, m)
	case *parser.AggregateExpr:
		HoldPart(e.Expr, m)
	case *parser.SubqueryExpr:
		HoldPart(e.Expr, m)
	case *parser.Call:
		for _, arg := range e.Args {
			HoldPart(arg, m)
		}
	case *parser.BinaryExpr:
		joined := besides(e, m.Name)
		for _, side := range []parser.Expr{e.LHS, e.RHS} {
			if side != joined {
				HoldPart(side, m)
			}
		}
	default:
		for _, s := range Selectors(e) {
			s.LabelMatchers = append(s.LabelMatchers, m)
		}
	}
}

// besides is the side of an operator that has none of the label of the other; nil if
// both may have it.
func besides(e *parser.BinaryExpr, label string) parser.Expr {
	v := e.VectorMatching
	if v == nil || slices.Contains(v.MatchingLabels, label) == v.On {
		return nil
	}
	brought := slices.Contains(v.Include, label) // by the side of which one fits many
	switch {
	case e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return e.RHS
	case v.Card == parser.CardManyToOne && !brought, v.Card == parser.CardOneToMany && brought:
		return e.RHS
	case v.Card == parser.CardOneToMany, v.Card == parser.CardManyToOne:
		return e.LHS
	}
	return nil
}
