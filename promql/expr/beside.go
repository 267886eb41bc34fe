// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// Beside is the expression whose series stand beside each other as an alert's
// own does: the KPI itself, if it has a series for each of several places, or the
// series that it picks or foretells. The values of these series are compared with
// each other and are no parts of a sum. The second result is false if there can
// be one series only.
func Beside(e parser.Expr) (Term, bool) {
	if inner, _ := inPlaceOf(e); inner != nil {
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

// TellsMoves says whether e tells how series move, or where they go: what stands
// beside each other then are their levels, and not the values of e.
func TellsMoves(e parser.Expr) bool {
	inner, _ := moving(e)
	return inner != nil && outlier(e) == nil
}

// orZero writes e so that it is 0, and not missing, where a share has nothing
// above: a service without errors has often no series of them.
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

// Picks says whether an aggregation leaves out series and keeps the labels of the
// others.
func Picks(op parser.ItemType) bool {
	switch op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return true
	default:
		return false
	}
}

// Extreme says which of the series that a KPI is taken over it is.
type Extreme int

// The extremes.
const (
	NoExtreme Extreme = iota
	Smallest
	Largest
)

// ExtremeOf returns the series that a KPI is the largest or the smallest of, or
// one near that end, whatever number is added to that or multiplied with it.
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
