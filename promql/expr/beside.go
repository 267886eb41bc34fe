// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// Beside returns the expression whose series are the siblings of an alert's own: the KPI
// itself, if it has a series per place, or the series that it picks or predicts. Their values
// are compared with each other and are no parts of a sum. ok is false if there can be only one
// series.
func Beside(e parser.Expr) (Term, bool) {
	if inner, _ := substitute(e); inner != nil {
		e = inner
	}
	e = bare(e)
	if a, ok := e.(*parser.AggregateExpr); ok && Picks(a.Op) {
		e = unparen(a.Expr)
	}
	if !labelled(e) {
		return Term{}, false
	}
	return Term{Coefficient: 1, Text: orZero(e)}, true
}

// TellsMoves says whether e measures the movement of series, or predicts it. Siblings are then
// compared by their levels, not by the values of e.
func TellsMoves(e parser.Expr) bool {
	inner, _ := moving(e)
	return inner != nil && outlier(e) == nil
}

// orZero writes a ratio so that it is 0 instead of missing if the numerator has no series, as
// for a service without errors.
func orZero(e parser.Expr) string {
	m, err := Decompose(e)
	if err != nil || len(m.Denominator) != 1 || !sameGroups(append(slices.Clone(m.Numerator), m.Denominator[0])) {
		return selfContained(e).String()
	}
	none := &parser.BinaryExpr{Op: parser.MUL, LHS: &parser.NumberLiteral{}, RHS: inParens(MustParse(m.Denominator[0].Text))}
	return inParens(&parser.BinaryExpr{
		Op: parser.LOR, LHS: inParens(e), RHS: none, VectorMatching: &parser.VectorMatching{Card: parser.CardManyToMany},
	}).String()
}

// sameGroups says whether all terms are aggregated by the same labels.
func sameGroups(terms []Term) bool {
	var first *parser.AggregateExpr
	for _, t := range terms {
		a, ok := unparen(MustParse(t.Text)).(*parser.AggregateExpr)
		if !ok {
			return false
		}
		slices.Sort(a.Grouping)
		if first == nil {
			first = a
		}
		if a.Without != first.Without || !slices.Equal(a.Grouping, first.Grouping) {
			return false
		}
	}
	return true
}

// Picks says whether an aggregation selects some series and keeps their labels.
func Picks(op parser.ItemType) bool {
	switch op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return true
	default:
		return false
	}
}

// Extreme says which of the series that a KPI aggregates it equals.
type Extreme int

// The extremes.
const (
	NoExtreme Extreme = iota
	Smallest
	Largest
)

// ExtremeOf returns the series of which a KPI is the maximum, the minimum or a quantile near
// one of them, up to a constant factor or summand.
func ExtremeOf(e parser.Expr) (over parser.Expr, x Extreme) {
	switch e := bare(e).(type) {
	case *parser.AggregateExpr:
		return e.Expr, extremeOf(e)
	case *parser.BinaryExpr:
		if _, ok := Number(e.LHS); ok && linearOp(e.Op) {
			return ExtremeOf(e.RHS)
		}
		if _, ok := Number(e.RHS); ok && linearOp(e.Op) {
			return ExtremeOf(e.LHS)
		}
	}
	return nil, NoExtreme
}

func extremeOf(e *parser.AggregateExpr) Extreme {
	switch e.Op {
	case parser.MAX:
		return Largest
	case parser.MIN:
		return Smallest
	case parser.QUANTILE:
		if q, ok := Number(e.Param); ok && q < .5 {
			return Smallest
		}
		return Largest
	default:
		return NoExtreme
	}
}
