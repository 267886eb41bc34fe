// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Parse parses PromQL with all experimental features enabled, so that no rule fails here that
// works on its server.
func Parse(text string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions:  true,
		ExperimentalDurationExpr:     true,
		EnableExtendedRangeSelectors: true,
		EnableBinopFillModifiers:     true,
	}).ParseExpr(text)
}

// Same says whether two texts are the same PromQL, whatever their layout.
func Same(a, b string) bool {
	if a == b {
		return true
	}
	x, err := Parse(a)
	if err != nil {
		return false
	}
	y, err := Parse(b)
	return err == nil && x.String() == y.String()
}

// Evaluable returns an error unless an expression has values at each time.
func Evaluable(e parser.Expr) error {
	switch e.Type() {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
		return nil
	default:
		return fmt.Errorf("%s returns a %s: %w", abbreviate(e), parser.DocumentedType(e.Type()), ErrNoValues)
	}
}

// ErrNoValues says that a range or a string stands where values are needed.
var ErrNoValues = errors.New("it must return an instant vector")

// MustParse parses text printed from a parsed expression. It panics on errors.
func MustParse(text string) parser.Expr {
	e, err := Parse(text)
	if err != nil {
		panic("expr: printed what can't be parsed: " + text + ": " + err.Error())
	}
	return e
}

// Selectors returns the series selectors in e, those of ranges included.
func Selectors(e parser.Expr) []*parser.VectorSelector {
	var found []*parser.VectorSelector
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			found = append(found, s)
		}
		return nil
	})
	return found
}

// SelectorTexts returns the selectors of e for match[], without ranges and offsets; sorted,
// without duplicates.
func SelectorTexts(e parser.Expr) []string {
	var texts []string
	for _, s := range Selectors(e) {
		plain := parser.VectorSelector{Name: s.Name, LabelMatchers: s.LabelMatchers}
		texts = append(texts, plain.String())
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// MatchersOn returns the matchers by which e selects values of a label, as sorted text. A
// matcher that only requires the label to exist does not count.
func MatchersOn(e parser.Expr, label string) []string {
	var texts []string
	for _, s := range Selectors(e) {
		for _, m := range s.LabelMatchers {
			if m.Name == label && !wantsPresence(m) {
				texts = append(texts, m.String())
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// wantsPresence says whether a matcher only requires a value to exist.
func wantsPresence(m *labels.Matcher) bool {
	switch m.Type {
	case labels.MatchNotEqual, labels.MatchNotRegexp:
		return m.Value == ""
	case labels.MatchRegexp:
		return m.Value == ".+" || m.Value == ".*"
	}
	return false
}

// Ranges returns the shortest range in e and the longest time that an evaluation looks back;
// both 0 if it reads only the latest samples.
func Ranges(e parser.Expr) (shortest, longest time.Duration) {
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

// Number returns the value of a constant: a literal, or arithmetic on literals such as
// 24*60*60.
func Number(e parser.Expr) (float64, bool) {
	switch e := unparen(e).(type) {
	case *parser.NumberLiteral:
		return e.Val, true
	case *parser.UnaryExpr:
		v, ok := Number(e.Expr)
		if e.Op == parser.SUB {
			v = -v
		}
		return v, ok
	case *parser.BinaryExpr:
		a, ok := Number(e.LHS)
		if !ok {
			return 0, false
		}
		b, ok := Number(e.RHS)
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
