// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// alone returns what an aggregation is taken over if each of its groups has one
// member at the most, so that it changes nothing, as in
// `sum by (job) (a / b)` where a and b are sums by job. It returns nil if there
// may be more.
func alone(e *parser.AggregateExpr) parser.Expr {
	switch e.Op {
	case parser.SUM, parser.AVG, parser.MIN, parser.MAX:
	default:
		return nil
	}
	names, known := mostLabels(e.Expr)
	if !known || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(e.Grouping, name) == e.Without }) {
		return nil
	}
	return e.Expr
}

// mostLabels are the labels that the series of e can have; known is false where
// only the series that there are tell them.
func mostLabels(e parser.Expr) (names []string, known bool) {
	switch e := unparen(e).(type) {
	case *parser.NumberLiteral:
		return nil, true
	case *parser.UnaryExpr:
		return mostLabels(e.Expr)
	case *parser.SubqueryExpr:
		return mostLabels(e.Expr)
	case *parser.AggregateExpr:
		return mostLabelsOfAggregate(e)
	case *parser.BinaryExpr:
		return mostLabelsOfBinary(e)
	case *parser.Call:
		return mostLabelsOfCall(e)
	default:
		return nil, false
	}
}

func mostLabelsOfAggregate(e *parser.AggregateExpr) (names []string, known bool) {
	switch {
	case e.Op == parser.TOPK || e.Op == parser.BOTTOMK || e.Op == parser.LIMITK || e.Op == parser.LIMIT_RATIO:
		return mostLabels(e.Expr)
	case e.Op == parser.COUNT_VALUES:
		return nil, false
	case e.Without:
		names, known = mostLabels(e.Expr)
		return lessThese(names, e.Grouping), known
	default:
		return e.Grouping, true
	}
}

func mostLabelsOfBinary(e *parser.BinaryExpr) (names []string, known bool) {
	m := e.VectorMatching
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return mostLabels(e.RHS)
	case e.RHS.Type() == parser.ValueTypeScalar || e.Op == parser.LAND || e.Op == parser.LUNLESS || m == nil:
		return mostLabels(e.LHS)
	case e.Op == parser.LOR:
		left, known := mostLabels(e.LHS)
		right, too := mostLabels(e.RHS)
		return append(slices.Clone(left), right...), known && too
	case m.Card == parser.CardOneToMany:
		names, known = mostLabels(e.RHS)
		return append(slices.Clone(names), m.Include...), known
	case m.Card == parser.CardManyToOne:
		names, known = mostLabels(e.LHS)
		return append(slices.Clone(names), m.Include...), known
	case m.On:
		return m.MatchingLabels, true
	default:
		names, known = mostLabels(e.LHS)
		return lessThese(names, m.MatchingLabels), known
	}
}

func mostLabelsOfCall(e *parser.Call) (names []string, known bool) {
	if isAbsent(e) || e.Func.Name == "info" {
		return nil, false
	}
	known = true
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			names, known = mostLabels(arg)
		}
	}
	if relabels(e) {
		names = append(slices.Clone(names), madeBy(e))
	}
	return names, known
}

// madeBy is the label that label_replace or label_join makes.
func madeBy(e *parser.Call) string {
	if dst, ok := unparen(e.Args[1]).(*parser.StringLiteral); ok {
		return dst.Val
	}
	return ""
}

func lessThese(names, without []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(without, name) })
}
