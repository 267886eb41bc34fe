// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Derivation is an alert's expression reduced to its KPI: the alert fires if "Target Operator
// Threshold" and the guards hold.
type Derivation struct {
	Kind      Kind
	Target    string // PromQL of the KPI, without the comparison
	Operator  string // >, >=, <, <=, == or !=
	Threshold string // a number, or a PromQL scalar

	// Difference is compared with 0 instead, if the target is a quotient derived from two
	// sides: rounding and divisors of 0 or less would make a difference at times. It is empty
	// if the target is as written.
	Difference string

	// Numerator and Denominator are the sides of a ratio or a mean, as written: their quotient
	// is the target, factors and complements included, but before rounding and clamping. For a
	// quantile they are the events of the histogram beyond the threshold and all events, by
	// which it is broken down. Both are empty if there is nothing to divide.
	Numerator, Denominator string

	Guards []Guard      // further conditions
	Undone string       // why the KPI can't be broken down by labels; empty if it can
	Others []Derivation // further branches of an `or`
}

// Derive reduces an alert's expression to its KPI. For an `or` it returns the first branch, and
// the rest in Others: only Prometheus knows which of them fires. The error says in words why
// there is no KPI.
func Derive(expr string) (Derivation, error) {
	e, err := Parse(expr)
	if err != nil && (strings.Contains(expr, "{{") || strings.Contains(expr, "<%")) {
		return Derivation{}, fmt.Errorf("the expression can't be read: %w", ErrTemplate)
	}
	if err != nil {
		return Derivation{}, unreadable(expr, err)
	}
	if err := Evaluable(e); err != nil {
		return Derivation{}, err
	}
	var found []Derivation
	var first error
	cs := conditions(e)
	for _, c := range cs {
		if len(cs) > 1 && c.always() {
			return Derivation{}, fmt.Errorf("%s %w", c.text(), errAlways)
		}
		d, err := derived(c)
		switch {
		case err == nil:
			found = append(found, d)
		case first == nil:
			first = err
		}
	}
	if len(found) == 0 {
		return Derivation{}, first
	}
	found[0].Others = found[1:]
	return found[0], nil
}

// Branches returns d and its others.
func (d Derivation) Branches() []Derivation { return append([]Derivation{d}, d.Others...) }

// Limit returns the threshold; ok is false unless it is a number.
func (d Derivation) Limit() (float64, bool) {
	v, err := strconv.ParseFloat(d.Threshold, 64)
	return v, err == nil
}

// Condition returns PromQL that has series if the alert fires.
func (d Derivation) Condition() string {
	var b strings.Builder
	if d.Difference != "" {
		fmt.Fprintf(&b, "%s %s 0", inParens(MustParse(d.Difference)), d.Operator)
	} else {
		fmt.Fprintf(&b, "%s %s %s", inParens(MustParse(d.Target)), d.Operator, inParens(MustParse(d.Threshold)))
	}
	for _, g := range d.Guards {
		text := "(" + b.String() + ") " + g.Join + " " + g.Expr
		b.Reset()
		b.WriteString(text)
	}
	return b.String()
}

// ErrTemplate says that a text is a template rather than rules.
var ErrTemplate = errors.New("it is a template of Helm, ERB or the like; hint: render the rules first, as `helm template` does")

// errConstant says why an expression has no KPI.
var errConstant = errors.New("it measures no series, so nothing can be said to have changed")

// errAlways says why an expression with a constant branch has no KPI.
var errAlways = errors.New("is one of the sides of the `or`, so the alert fires always, whatever is measured; hint: a comparison binds more tightly than `or`: " +
	"write (a or vector(0)) > 1 for what is to be compared as a whole")

func derived(c condition) (Derivation, error) {
	if c.never != nil {
		return Derivation{}, c.never
	}
	c = present(c)
	if len(Selectors(c.value)) == 0 {
		return Derivation{}, fmt.Errorf("%s: %w", abbreviate(c.value), errConstant)
	}
	d := Derivation{
		Kind: cmp.Or(c.kind, kindOf(c.value)), Target: selfContained(c.value).String(), Operator: c.op.String(), Threshold: limitText(c.limit), Guards: c.guards,
	}
	if c.exact != nil {
		d.Difference = c.exact.String()
	}
	if err := d.printed(); err != nil {
		return Derivation{}, fmt.Errorf("%s can't be written as a KPI: %w", abbreviate(c.value), err)
	}
	m, err := d.Apart(c.value)
	if err != nil {
		d.Undone = err.Error()
		return d, nil
	}
	if m.Denominator == nil || m.StandsFor != "" {
		return d, nil
	}
	if written, err := sides(asWritten).ratio(c.value); err == nil && written.Denominator != nil {
		m = written // with the limits of each side
	}
	d.Numerator, d.Denominator = sumText(scaled(m.Numerator, m.Scale)), sumText(m.Denominator)
	return d, nil
}

// selfContained parenthesises operators that bind no more tightly than a comparison, so that
// one may follow.
func selfContained(e parser.Expr) parser.Expr {
	if b, ok := e.(*parser.BinaryExpr); ok && (b.Op.IsSetOperator() || b.Op.IsComparisonOperator()) {
		return inParens(e)
	}
	return e
}

// printed checks that d can be parsed again: an expression that prints wrong must not be
// queried.
func (d Derivation) printed() error {
	for _, text := range []string{d.Target, d.Threshold, cmp.Or(d.Difference, d.Target)} {
		if _, err := Parse(text); err != nil {
			return err
		}
	}
	_, err := Parse(d.Condition())
	return err
}

func limitText(e parser.Expr) string {
	if v, ok := Number(e); ok {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return selfContained(e).String()
}

// Apart decomposes the KPI of d; a quantile becomes the share of events on the alert's side of
// the threshold.
func (d Derivation) Apart(e parser.Expr) (Measure, error) {
	if limit, ok := d.Limit(); ok && d.Kind == KindQuantile {
		if m, err := tailShare(e, d.Operator, limit); err == nil {
			m.Tail = true
			return m, nil
		}
	}
	if odd := d.oddOnesOut(e); odd != nil {
		m, err := Apart(odd)
		m.Leaf, m.StandsFor = false, "those that have another value than most are counted"
		return m, err
	}
	return Apart(e)
}

// present turns a condition on existence into a count. Guards are applied before counting,
// because a count may lack their labels.
func present(c condition) condition {
	if c.op != 0 || len(Selectors(c.value)) == 0 {
		return c
	}
	value := c.value
	for _, g := range c.guards {
		guarded, err := Parse(inParens(value).String() + " " + g.Join + " " + g.Expr)
		if err != nil {
			return condition{never: fmt.Errorf("%s can't be written with its guards: %w", abbreviate(c.value), err)}
		}
		value = guarded
	}
	return condition{value: membersOf(value), op: parser.GTR, limit: &parser.NumberLiteral{}, kind: KindPresence}
}

// sumText writes terms as one expression, which can be divided.
func sumText(terms []Term) string {
	var b strings.Builder
	for i, t := range terms {
		c := t.Coefficient
		switch {
		case i > 0 && c < 0:
			b.WriteString(" - ")
			c = -c
		case i > 0:
			b.WriteString(" + ")
		case c == -1:
			b.WriteString("-")
			c = 1
		}
		if c != 1 {
			b.WriteString(strconv.FormatFloat(c, 'g', -1, 64) + " * ")
		}
		b.WriteString(inParens(MustParse(t.Text)).String())
	}
	return inParens(MustParse(b.String())).String()
}
