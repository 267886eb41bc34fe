// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// HoldPart restricts e to a part of its series. Sides joined by other labels stay as they are:
// they may lack the part's label.
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
		joined := sideWithout(e, m.Name)
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

// sideWithout returns the side of an operator that lacks the label; nil if both may have it.
func sideWithout(e *parser.BinaryExpr, label string) parser.Expr {
	v := e.VectorMatching
	if v == nil || slices.Contains(v.MatchingLabels, label) == v.On {
		return nil
	}
	brought := slices.Contains(v.Include, label) // copied from the "one" side
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
