// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// unscaled extracts a common factor from the terms, so that a percentage is still counted in
// events.
func unscaled(terms []Term) ([]Term, float64) {
	c := math.Abs(terms[0].Coefficient)
	for _, t := range terms {
		if c == 0 || math.Abs(t.Coefficient) != c {
			return terms, 1
		}
	}
	return scaled(terms, 1/c), c
}

// sides reads one side of a quotient: as terms that add up (linear), or as written.
type sides func(parser.Expr) ([]Term, error)

func asWritten(e parser.Expr) ([]Term, error) {
	return []Term{{Coefficient: 1, Text: unparen(e).String()}}, nil
}

// ratio decomposes a quotient, through factors, clamping, guards and the complement 1 - a/b,
// which don't change which part is at fault. It returns a measure without denominator if e is
// no ratio.
func (side sides) ratio(e parser.Expr) (Measure, error) {
	switch e := bare(e).(type) {
	case *parser.AggregateExpr:
		if m, err := side.pooled(e); err == nil && m.Denominator != nil {
			return m, nil
		}
		if e.Op == parser.AVG {
			return average(e), nil
		}
	case *parser.Call:
		return histogramRatio(e)
	case *parser.BinaryExpr:
		return side.binary(e)
	}
	return Measure{}, nil
}

func (side sides) binary(e *parser.BinaryExpr) (Measure, error) {
	left, leftIsNumber := Number(e.LHS)
	right, rightIsNumber := Number(e.RHS)
	switch {
	case e.Op == parser.DIV && !leftIsNumber && !rightIsNumber:
		return side.quotient(e.LHS, e.RHS)
	case e.Op == parser.SUB && leftIsNumber:
		return side.plus(e.RHS, -1, left)
	case e.Op == parser.ADD && leftIsNumber:
		return side.plus(e.RHS, 1, left)
	case e.Op == parser.SUB && rightIsNumber:
		return side.plus(e.LHS, 1, -right)
	case e.Op == parser.ADD && rightIsNumber:
		return side.plus(e.LHS, 1, right)
	case e.Op == parser.MUL && e.VectorMatching != nil:
		return side.joined(e)
	case e.Op == parser.MUL && leftIsNumber:
		return side.times(e.RHS, left)
	case e.Op == parser.MUL && rightIsNumber:
		return side.times(e.LHS, right)
	case e.Op == parser.DIV && rightIsNumber && right != 0:
		return side.times(e.LHS, 1/right)
	default:
		return Measure{}, nil
	}
}

func (side sides) times(e parser.Expr, by float64) (Measure, error) {
	m, err := side.ratio(e)
	m.Scale *= by
	return m, err
}

// plus decomposes c + sign·e. With e = s·n/d that is |c|·(±d + (sign·s/|c|)·n)/d.
func (side sides) plus(e parser.Expr, sign, c float64) (Measure, error) {
	m, err := side.ratio(e)
	if err != nil || m.Denominator == nil {
		return m, err
	}
	switch by := sign * m.Scale / math.Abs(c); {
	case c == 0:
		m.Scale *= sign
	case c > 0:
		m.Numerator, m.Scale = subtract(m.Denominator, scaled(m.Numerator, -by)), c
	default:
		m.Numerator, m.Scale = subtract(scaled(m.Numerator, by), m.Denominator), -c
	}
	return m, nil
}

// joined decomposes (n / d) * on (x) group_left (y) info into n * info / d, for the series with
// an info.
func (side sides) joined(e *parser.BinaryExpr) (Measure, error) {
	left, err := side.ratio(e.LHS)
	if err != nil {
		return left, err
	}
	right, err := side.ratio(e.RHS)
	if err != nil || (left.Denominator == nil) == (right.Denominator == nil) {
		return Measure{}, err
	}
	if manyRight := e.VectorMatching.Card == parser.CardOneToMany; aggregates(e) != nil || manyRight != (left.Denominator == nil) {
		return Measure{}, fmt.Errorf("the parts of %s don't add up to it", abbreviate(e))
	}
	m, other := left, e.RHS
	if left.Denominator == nil {
		m, other = right, e.LHS
	}
	m.Numerator = joinedTerms(e, m.Numerator, inParens(other))
	m.Denominator = joinedTerms(e, m.Denominator, ones(other))
	return m, nil
}

// joinedTerms joins each term like e, on its "many" side.
func joinedTerms(e *parser.BinaryExpr, terms []Term, other parser.Expr) []Term {
	out := slices.Clone(terms)
	for i, t := range out {
		term, err := Parse(t.Text)
		if err != nil {
			continue // refused later
		}
		b := *e
		b.LHS, b.RHS = inParens(term), other
		if e.VectorMatching.Card == parser.CardOneToMany {
			b.LHS, b.RHS = b.RHS, b.LHS
		}
		out[i].Text = b.String()
	}
	return out
}

func (side sides) quotient(numerator, denominator parser.Expr) (Measure, error) {
	n, err := side(numerator)
	if err != nil {
		return Measure{}, fmt.Errorf("the numerator: %w", err)
	}
	d, err := side(denominator)
	if err != nil {
		return Measure{}, fmt.Errorf("the denominator: %w", err)
	}
	return Measure{Numerator: n, Denominator: d, Scale: 1}, nil
}

// average returns the ratio of sum and count.
func average(e *parser.AggregateExpr) Measure {
	sum, count := *e, *e
	sum.Op, count.Op = parser.SUM, parser.COUNT
	return Measure{
		Numerator:   []Term{term(&sum)},
		Denominator: []Term{term(&count)},
		Scale:       1,
	}
}

// divides says whether e is a ratio.
func divides(e parser.Expr) bool {
	m, err := sides(linear).ratio(e)
	return err != nil || m.Denominator != nil
}

// Additive says whether the series of e may be summed: it has parts, and is no ratio.
func Additive(e parser.Expr) bool {
	_, err := Decompose(e)
	return err == nil && !divides(e)
}
