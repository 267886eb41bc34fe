// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// Term is one summand of a measure: a multiple of an expression that is the sum of its parts by
// label.
type Term struct {
	Coefficient float64
	Text        string // PromQL: a sum, a count, or plain series that will be summed

	// Per is the time base of a flow: 1 s for a rate, the range for an increase; 0 for anything
	// else.
	Per time.Duration

	deep bool // labels pass through every aggregation, not only through sums: see Term.By
}

// Measure is a decomposed KPI: additive, or a ratio with a denominator.
type Measure struct {
	Numerator   []Term
	Denominator []Term
	Expected    []Term  // the expected numerator, from the rule itself; nil: to be forecast
	Scale       float64 // factor of a ratio
	Count       bool    // the numerator counts events
	Bucket      float64 // for a quantile: the bound that the terms select by le; 0: none
	Tail        bool    // the terms are events beyond the threshold of a quantile
	Leaf        bool    // nothing is aggregated: the parts are the siblings of the alert's own series
	StandsFor   string  // why this is not the KPI itself; empty: it is
}

// Decompose splits a KPI into terms. The error says why its parts by label would not add up.
func Decompose(e parser.Expr) (Measure, error) {
	m, err := sides(linear).ratio(e)
	if err != nil {
		return Measure{}, err
	}
	if m.Denominator == nil {
		if m.Numerator, err = linear(e); err != nil {
			return Measure{}, err
		}
	}
	if m.Denominator != nil {
		var above, below float64
		m.Numerator, above = unscaled(m.Numerator)
		m.Denominator, below = unscaled(m.Denominator)
		m.Scale *= above / below
	}
	for _, t := range slices.Concat(m.Numerator, m.Denominator) {
		if _, err := Parse(t.Text); err != nil { // an expression that prints wrong must not be queried
			return Measure{}, fmt.Errorf("%s can't be written in parts: %w", abbreviate(e), err)
		}
	}
	m.Count = countsEvents(m.Numerator)
	return m, nil
}

// bare strips what surrounds a KPI: parentheses, comparisons with a number, guards after `and`
// and `unless`, a default after `or`, clamping, sorting, joins that only add labels, and
// aggregations of single members.
func bare(e parser.Expr) parser.Expr {
	switch e := unparen(e).(type) {
	case *parser.BinaryExpr:
		switch {
		case guard(e):
			return bare(measuredSide(e))
		case e.Op == parser.MUL && isOnes(e.RHS):
			return bare(e.LHS)
		case e.Op == parser.MUL && isOnes(e.LHS):
			return bare(e.RHS)
		}
		return e
	case *parser.AggregateExpr:
		if inner := singleMembers(e); inner != nil {
			return bare(inner)
		}
		return e
	case *parser.Call:
		switch e.Func.Name {
		case "clamp_min", "clamp_max", "clamp", "scalar", "sort", "sort_desc", "round", "label_replace", "label_join":
			return bare(e.Args[0])
		}
		return e
	default:
		return e
	}
}

// Measured strips only comparisons and guards.
func Measured(e parser.Expr) parser.Expr {
	e = unparen(e)
	if b, ok := e.(*parser.BinaryExpr); ok && (guard(b) || b.Op.IsComparisonOperator()) {
		return Measured(measuredSide(b))
	}
	return e
}

// guard says whether only one side of e is measured.
func guard(e *parser.BinaryExpr) bool {
	switch {
	case e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return !madeByScope(e)
	case e.Op == parser.LOR:
		return constant(e.RHS)
	case e.Op.IsComparisonOperator():
		return !e.ReturnBool
	default:
		return false
	}
}

// measuredSide returns the measured side of a guard.
func measuredSide(e *parser.BinaryExpr) parser.Expr {
	if e.Op.IsComparisonOperator() && scalarLimit(e.LHS) != nil {
		return e.RHS
	}
	return e.LHS
}

// constant says whether e has a constant value, like vector(0), on() vector(0) and a*0.
func constant(e parser.Expr) bool {
	switch e := unparen(e).(type) {
	case *parser.NumberLiteral:
		return true
	case *parser.Call:
		return e.Func.Name == "vector" && constant(e.Args[0])
	case *parser.BinaryExpr:
		if e.Op == parser.MUL {
			return isZero(e.LHS) || isZero(e.RHS)
		}
		return e.Op.IsComparisonOperator() && constant(e.LHS) && constant(e.RHS)
	default:
		return false
	}
}

// linear decomposes a sum of multiples.
func linear(e parser.Expr) ([]Term, error) {
	e = bare(e)
	switch e := e.(type) {
	case *parser.NumberLiteral, *parser.StringLiteral:
		return nil, fmt.Errorf("%s is a constant", e)
	case *parser.UnaryExpr:
		terms, err := linear(e.Expr)
		if e.Op == parser.SUB {
			terms = scaled(terms, -1)
		}
		return terms, err
	case *parser.BinaryExpr:
		return linearBinary(e)
	case *parser.AggregateExpr:
		return linearAggregate(e)
	case *parser.Call:
		return linearCall(e)
	default:
		return []Term{term(e)}, nil
	}
}

func linearBinary(e *parser.BinaryExpr) ([]Term, error) {
	left, leftIsNumber := Number(e.LHS)
	right, rightIsNumber := Number(e.RHS)
	switch {
	case e.Op == parser.MUL && leftIsNumber:
		terms, err := linear(e.RHS)
		return scaled(terms, left), err
	case e.Op == parser.MUL && rightIsNumber:
		terms, err := linear(e.LHS)
		return scaled(terms, right), err
	case e.Op == parser.DIV && rightIsNumber && right != 0:
		terms, err := linear(e.LHS)
		return scaled(terms, 1/right), err
	case (e.Op == parser.ADD || e.Op == parser.SUB) && !leftIsNumber && !rightIsNumber:
		if aggregates(e) == nil || e.VectorMatching != nil && e.VectorMatching.Card != parser.CardOneToOne {
			return seriesTerm(e)
		}
		return linearSum(e)
	case e.Op == parser.LOR || e.Op.IsComparisonOperator() || madeByScope(e): // one or the other metric; 1 or 0 per series; some of the series
		return []Term{term(e)}, nil
	case e.Op == parser.MUL && aggregates(e) == nil:
		return []Term{term(e)}, nil // such as rate(a) * on(pod) group_left(node) info
	default:
		return nil, fmt.Errorf("the parts of %s don't add up to it", abbreviate(e))
	}
}

// seriesTerm keeps a sum or difference of series in one term: only matched series count, and
// one may match several times.
func seriesTerm(e *parser.BinaryExpr) ([]Term, error) {
	for _, side := range []parser.Expr{e.LHS, e.RHS} {
		if _, err := linear(side); err != nil {
			return nil, err
		}
	}
	return []Term{term(e)}, nil
}

func linearSum(e *parser.BinaryExpr) ([]Term, error) {
	a, err := linear(e.LHS)
	if err != nil {
		return nil, err
	}
	b, err := linear(e.RHS)
	if err != nil {
		return nil, err
	}
	if e.Op == parser.SUB {
		return subtract(a, b), nil
	}
	return append(slices.Clone(a), b...), nil
}

func linearAggregate(e *parser.AggregateExpr) ([]Term, error) {
	switch e.Op {
	case parser.SUM, parser.COUNT:
		return []Term{term(e)}, nil
	default:
		return nil, fmt.Errorf("the parts of %s don't add up to it: only sum, count and avg can be broken down by labels", abbreviate(e))
	}
}

func linearCall(e *parser.Call) ([]Term, error) {
	switch e.Func.Name {
	case "histogram_quantile", "histogram_quantiles", "quantile_over_time":
		return nil, errNoBucket
	case "absent", "absent_over_time", "time", "vector", "pi":
		return nil, fmt.Errorf("%s has no parts", abbreviate(e))
	case "histogram_count", "histogram_sum":
		t, err := ofHistogram(e.Args[0], e.Func.Name+"(%s)")
		return []Term{t}, err
	default:
		return []Term{term(e)}, nil
	}
}

// aggregates returns the first aggregation in e.
func aggregates(e parser.Expr) *parser.AggregateExpr {
	var found *parser.AggregateExpr
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok && found == nil {
			found = a
		}
		return nil
	})
	return found
}

func term(e parser.Expr) Term {
	return Term{Coefficient: 1, Text: e.String(), Per: per(e)}
}

// per returns the time base of e; see Term.Per. It is known only for a flow inside nothing but
// sums.
func per(e parser.Expr) time.Duration {
	switch e := unparen(e).(type) {
	case *parser.AggregateExpr:
		if e.Op == parser.SUM {
			return per(e.Expr)
		}
	case *parser.Call:
		switch e.Func.Name {
		case "rate", "irate":
			return time.Second
		case "histogram_count", "histogram_sum":
			return per(e.Args[0])
		case "increase":
			if m, ok := unparen(e.Args[0]).(*parser.MatrixSelector); ok {
				return m.Range
			}
		}
	case *parser.BinaryExpr:
		left := per(e.LHS)
		switch {
		case e.VectorMatching == nil:
		case e.Op == parser.MUL: // with an info series
			return left
		case (e.Op == parser.ADD || e.Op == parser.SUB || e.Op == parser.LOR) && left == per(e.RHS):
			return left
		}
	}
	return 0
}

// countsEvents says whether the terms are flows of event counters, judging by metric names.
func countsEvents(terms []Term) bool {
	for _, t := range terms {
		if t.Per == 0 {
			return false
		}
		for _, s := range Selectors(MustParse(t.Text)) {
			if !eventCounter(s.Name) {
				return false
			}
		}
	}
	return len(terms) > 0
}

func eventCounter(metric string) bool {
	for _, amount := range []string{"_seconds_total", "_bytes_total", "_joules_total", "_sum"} {
		if strings.HasSuffix(metric, amount) {
			return false
		}
	}
	for _, count := range []string{"_total", "_count", "_bucket"} {
		if strings.HasSuffix(metric, count) {
			return true
		}
	}
	return false
}

func scaled(terms []Term, by float64) []Term {
	out := slices.Clone(terms)
	for i := range out {
		out[i].Coefficient *= by
	}
	return out
}

func subtract(a, b []Term) []Term {
	return append(slices.Clone(a), scaled(b, -1)...)
}

// abbreviate shortens an expression for a sentence.
func abbreviate(e parser.Expr) string {
	const most = 60
	s := []rune(e.String())
	if len(s) <= most {
		return string(s)
	}
	return string(s[:most-1]) + "…"
}
