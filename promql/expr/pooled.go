// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// errPooled says why a sum of ratios is not decomposed as written.
var errPooled = errors.New("ratios add up across their own labels only: numerators and denominators are summed separately")

// pooled decomposes a sum or an average of ratios of sums, as recording rules leave them: into
// the ratio of the summed numerators to the summed denominators, with all labels of the
// underlying series. For others it returns a measure without denominator.
func (side sides) pooled(e *parser.AggregateExpr) (Measure, error) {
	if e.Op != parser.SUM && e.Op != parser.AVG {
		return Measure{}, nil
	}
	m, err := side.members(e.Expr)
	if err != nil || m.Denominator == nil {
		return Measure{}, err
	}
	m.Numerator, m.Denominator = pooledBy(e, m.Numerator), pooledBy(e, m.Denominator)
	m.StandsFor = errPooled.Error()
	return m, nil
}

// members decomposes ratios of sums, including those of several recording rules.
func (side sides) members(e parser.Expr) (Measure, error) {
	b, ok := bare(e).(*parser.BinaryExpr)
	if !ok {
		return Measure{}, nil
	}
	if b.Op != parser.LOR {
		if !quotientOfSums(b) {
			return Measure{}, nil
		}
		return side.ratio(b)
	}
	left, err := side.members(b.LHS)
	if err != nil {
		return Measure{}, err
	}
	right, err := side.members(b.RHS)
	if err != nil || left.Denominator == nil || right.Denominator == nil || left.Scale == 0 {
		return Measure{}, err
	}
	left.Numerator = slices.Concat(left.Numerator, scaled(right.Numerator, right.Scale/left.Scale))
	left.Denominator = slices.Concat(left.Denominator, right.Denominator)
	return left, nil
}

// quotientOfSums says whether e is a quotient of two aggregations, which drop labels.
func quotientOfSums(e parser.Expr) bool {
	b, ok := bare(e).(*parser.BinaryExpr)
	if !ok {
		return false
	}
	_, left := Number(b.LHS)
	_, right := Number(b.RHS)
	switch {
	case left:
		return quotientOfSums(b.RHS)
	case right:
		return quotientOfSums(b.LHS)
	default:
		return b.Op == parser.DIV && aggregates(b.LHS) != nil && aggregates(b.RHS) != nil
	}
}

// pooledBy sums terms by the labels of e.
func pooledBy(e *parser.AggregateExpr, terms []Term) []Term {
	out := slices.Clone(terms)
	for i, t := range out {
		inner, err := Parse(t.Text)
		if err != nil {
			continue // refused later
		}
		sum := *e
		sum.Op, sum.Expr = parser.SUM, inner
		out[i].Text = sum.String()
	}
	return out
}
