// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// singleMembers returns the operand of an aggregation whose groups have at most one member each, so
// that it changes nothing, as in `sum by (job) (a / b)` where a and b are sums by job. It
// returns nil if groups may be larger.
func singleMembers(e *parser.AggregateExpr) parser.Expr {
	switch e.Op {
	case parser.SUM, parser.AVG, parser.MIN, parser.MAX:
	default:
		return nil
	}
	names, known := possibleLabels(e.Expr)
	if !known || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(e.Grouping, name) == e.Without }) {
		return nil
	}
	return e.Expr
}

// possibleLabels returns the labels that the series of e can have; known is false if that depends
// on the series.
func possibleLabels(e parser.Expr) (names []string, known bool) {
	switch e := unparen(e).(type) {
	case *parser.NumberLiteral:
		return nil, true
	case *parser.UnaryExpr:
		return possibleLabels(e.Expr)
	case *parser.SubqueryExpr:
		return possibleLabels(e.Expr)
	case *parser.AggregateExpr:
		return possibleLabelsOfAggregate(e)
	case *parser.BinaryExpr:
		return possibleLabelsOfBinary(e)
	case *parser.Call:
		return possibleLabelsOfCall(e)
	default:
		return nil, false
	}
}

func possibleLabelsOfAggregate(e *parser.AggregateExpr) (names []string, known bool) {
	switch {
	case e.Op == parser.TOPK || e.Op == parser.BOTTOMK || e.Op == parser.LIMITK || e.Op == parser.LIMIT_RATIO:
		return possibleLabels(e.Expr)
	case e.Op == parser.COUNT_VALUES:
		return nil, false
	case e.Without:
		names, known = possibleLabels(e.Expr)
		return withoutNames(names, e.Grouping), known
	default:
		return e.Grouping, true
	}
}

func possibleLabelsOfBinary(e *parser.BinaryExpr) (names []string, known bool) {
	m := e.VectorMatching
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return possibleLabels(e.RHS)
	case e.RHS.Type() == parser.ValueTypeScalar || e.Op == parser.LAND || e.Op == parser.LUNLESS || m == nil:
		return possibleLabels(e.LHS)
	case e.Op == parser.LOR:
		left, known := possibleLabels(e.LHS)
		right, too := possibleLabels(e.RHS)
		return append(slices.Clone(left), right...), known && too
	case m.Card == parser.CardOneToMany:
		names, known = possibleLabels(e.RHS)
		return append(slices.Clone(names), m.Include...), known
	case m.Card == parser.CardManyToOne:
		names, known = possibleLabels(e.LHS)
		return append(slices.Clone(names), m.Include...), known
	case m.On:
		return m.MatchingLabels, true
	default:
		names, known = possibleLabels(e.LHS)
		return withoutNames(names, m.MatchingLabels), known
	}
}

func possibleLabelsOfCall(e *parser.Call) (names []string, known bool) {
	if isAbsent(e) || e.Func.Name == "info" {
		return nil, false
	}
	known = true
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			names, known = possibleLabels(arg)
		}
	}
	if relabels(e) {
		names = append(slices.Clone(names), madeBy(e))
	}
	return names, known
}

// madeBy returns the label that label_replace or label_join creates.
func madeBy(e *parser.Call) string {
	if dst, ok := unparen(e.Args[1]).(*parser.StringLiteral); ok {
		return dst.Val
	}
	return ""
}

func withoutNames(names, without []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(without, name) })
}
