// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// errPooled says why a sum of ratios is not told apart as it is.
var errPooled = errors.New("ratios add up across their own labels only: numerators and denominators are summed separately")

// pooled is of a sum or an average of ratios, each of sums, as recording rules
// leave them: the ratio of all that is above to all that is below. It has all
// labels of the series beneath. It returns a measure without denominator for
// everything else.
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

// members takes ratios of sums apart, also those of several recording rules.
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

// quotientOfSums says whether both sides of the quotient in e are aggregated, so
// that labels are lost in them.
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

// pooledBy puts a sum by the labels of e around terms.
func pooledBy(e *parser.AggregateExpr, terms []Term) []Term {
	out := slices.Clone(terms)
	for i, t := range out {
		inner, err := Parse(t.Text)
		if err != nil {
			continue // it is refused later
		}
		sum := *e
		sum.Op, sum.Expr = parser.SUM, inner
		out[i].Text = sum.String()
	}
	return out
}
