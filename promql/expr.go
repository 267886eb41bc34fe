// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// parse reads PromQL with everything that a server may have switched on, so
// that nobody's rule fails here that works there.
func parse(text string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions:  true,
		ExperimentalDurationExpr:     true,
		EnableExtendedRangeSelectors: true,
		EnableBinopFillModifiers:     true,
	}).ParseExpr(text)
}

// SameExpression says whether two texts are the same PromQL, however they are
// laid out.
func SameExpression(a, b string) bool {
	if a == b {
		return true
	}
	x, err := parse(a)
	if err != nil {
		return false
	}
	y, err := parse(b)
	return err == nil && x.String() == y.String()
}

// evaluable says whether a query of this expression has values at each time.
func evaluable(e parser.Expr) error {
	switch e.Type() {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
		return nil
	default:
		return fmt.Errorf("%s gives a %s: %w", abbreviate(e), parser.DocumentedType(e.Type()), errNoValues)
	}
}

// errNoValues is the mistake of a range or a text where values are wanted.
var errNoValues = errors.New("that is no value at a time")

// mustParse parses text that this package has printed from a parsed
// expression.
func mustParse(text string) parser.Expr {
	e, err := parse(text)
	if err != nil {
		panic("promql: printed what can't be parsed: " + text + ": " + err.Error())
	}
	return e
}

func vectorSelectors(e parser.Expr) []*parser.VectorSelector {
	var found []*parser.VectorSelector
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			found = append(found, s)
		}
		return nil
	})
	return found
}

// selectorTexts returns the selectors of e, without ranges and offsets, as
// Prometheus takes them in match[]; sorted, each once.
func selectorTexts(e parser.Expr) []string {
	var texts []string
	for _, s := range vectorSelectors(e) {
		plain := parser.VectorSelector{Name: s.Name, LabelMatchers: s.LabelMatchers}
		texts = append(texts, plain.String())
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// matchersOn returns the matchers of e on a label, as text, sorted.
func matchersOn(e parser.Expr, label string) []string {
	var texts []string
	for _, s := range vectorSelectors(e) {
		for _, m := range s.LabelMatchers {
			if m.Name == label {
				texts = append(texts, m.String())
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// ranges returns the shortest and the longest time that one evaluation of e
// looks back at, both 0 if it looks at newest samples only.
func ranges(e parser.Expr) (shortest, longest time.Duration) {
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		own := rangeOf(n)
		if own == 0 {
			return nil
		}
		total := own
		for _, p := range path {
			total += rangeOf(p)
		}
		if shortest == 0 || own < shortest {
			shortest = own
		}
		longest = max(longest, total)
		return nil
	})
	return shortest, longest
}

func rangeOf(n parser.Node) time.Duration {
	switch n := n.(type) {
	case *parser.MatrixSelector:
		return n.Range
	case *parser.SubqueryExpr:
		return n.Range
	default:
		return 0
	}
}

// unparen strips parentheses.
func unparen(e parser.Expr) parser.Expr {
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
}

// number returns the value of a constant: a literal, also a negative one or one
// in parentheses, and what is computed of literals alone, as 24*60*60.
func number(e parser.Expr) (float64, bool) {
	switch e := unparen(e).(type) {
	case *parser.NumberLiteral:
		return e.Val, true
	case *parser.UnaryExpr:
		v, ok := number(e.Expr)
		if e.Op == parser.SUB {
			v = -v
		}
		return v, ok
	case *parser.BinaryExpr:
		a, ok := number(e.LHS)
		if !ok {
			return 0, false
		}
		b, ok := number(e.RHS)
		if !ok {
			return 0, false
		}
		return computed(a, e.Op, b)
	default:
		return 0, false
	}
}

func computed(a float64, op parser.ItemType, b float64) (float64, bool) {
	switch op {
	case parser.ADD:
		return a + b, true
	case parser.SUB:
		return a - b, true
	case parser.MUL:
		return a * b, true
	case parser.DIV:
		return a / b, true
	case parser.POW:
		return math.Pow(a, b), true
	case parser.MOD:
		return math.Mod(a, b), true
	default:
		return 0, false
	}
}
