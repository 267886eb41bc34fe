// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// unscaled takes a common factor out of the terms, so that percent of a ratio
// are still counted in events.
func unscaled(terms []Term) ([]Term, float64) {
	c := math.Abs(terms[0].Coefficient)
	for _, t := range terms {
		if c == 0 || math.Abs(t.Coefficient) != c {
			return terms, 1
		}
	}
	return scaled(terms, 1/c), c
}

// sides reads one side of a quotient: as terms that add up (linear), or as it is
// written.
type sides func(parser.Expr) ([]Term, error)

func asWritten(e parser.Expr) ([]Term, error) {
	return []Term{{Coefficient: 1, Text: unparen(e).String()}}, nil
}

// ratio takes a quotient apart, through what doesn't change whose fault a
// change is: factors, limits, guards, and the complement 1 - a/b. It returns a
// measure without denominator if e is no ratio.
func (side sides) ratio(e parser.Expr) (measure, error) {
	switch e := bare(e).(type) {
	case *parser.AggregateExpr:
		if e.Op == parser.AVG {
			return average(e), nil
		}
	case *parser.BinaryExpr:
		return side.binary(e)
	}
	return measure{}, nil
}

func (side sides) binary(e *parser.BinaryExpr) (measure, error) {
	left, leftIsNumber := number(e.LHS)
	right, rightIsNumber := number(e.RHS)
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
		return measure{}, nil
	}
}

func (side sides) times(e parser.Expr, by float64) (measure, error) {
	m, err := side.ratio(e)
	m.scale *= by
	return m, err
}

// plus is of c + sign·e. With e = s·n/d that is |c|·(±d + (sign·s/|c|)·n)/d.
func (side sides) plus(e parser.Expr, sign, c float64) (measure, error) {
	m, err := side.ratio(e)
	if err != nil || m.denominator == nil {
		return m, err
	}
	switch by := sign * m.scale / math.Abs(c); {
	case c == 0:
		m.scale *= sign
	case c > 0:
		m.numerator, m.scale = subtract(m.denominator, scaled(m.numerator, -by)), c
	default:
		m.numerator, m.scale = subtract(scaled(m.numerator, by), m.denominator), -c
	}
	return m, nil
}

// joined is of (n / d) * on (x) group_left (y) info, which is n times info
// over d, each for the series that have an info.
func (side sides) joined(e *parser.BinaryExpr) (measure, error) {
	left, err := side.ratio(e.LHS)
	if err != nil {
		return left, err
	}
	right, err := side.ratio(e.RHS)
	if err != nil || (left.denominator == nil) == (right.denominator == nil) {
		return measure{}, err
	}
	if manyRight := e.VectorMatching.Card == parser.CardOneToMany; aggregates(e) != nil || manyRight != (left.denominator == nil) {
		return measure{}, fmt.Errorf("the parts of %s don't add up to it", abbreviate(e))
	}
	m, other := left, e.RHS
	if left.denominator == nil {
		m, other = right, e.LHS
	}
	m.numerator = joinedTerms(e, m.numerator, inParens(other))
	m.denominator = joinedTerms(e, m.denominator, ones(other))
	return m, nil
}

// joinedTerms joins each term as e does, on the side where e has many series.
func joinedTerms(e *parser.BinaryExpr, terms []Term, other parser.Expr) []Term {
	out := slices.Clone(terms)
	for i, t := range out {
		term, err := parse(t.Text)
		if err != nil {
			continue // it is refused later
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

func (side sides) quotient(numerator, denominator parser.Expr) (measure, error) {
	n, err := side(numerator)
	if err != nil {
		return measure{}, fmt.Errorf("the numerator: %w", err)
	}
	d, err := side(denominator)
	if err != nil {
		return measure{}, fmt.Errorf("the denominator: %w", err)
	}
	return measure{numerator: n, denominator: d, scale: 1}, nil
}

// average is the ratio of sum and count.
func average(e *parser.AggregateExpr) measure {
	sum, count := *e, *e
	sum.Op, count.Op = parser.SUM, parser.COUNT
	return measure{
		numerator:   []Term{term(&sum)},
		denominator: []Term{term(&count)},
		scale:       1,
	}
}

// divides says whether e is a ratio.
func divides(e parser.Expr) bool {
	m, err := sides(linear).ratio(e)
	return err != nil || m.denominator != nil
}

// additive says whether values of e may be added up over its series: it has
// parts, and is no ratio.
func additive(e parser.Expr) bool {
	_, err := decompose(e)
	return err == nil && !divides(e)
}
