// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// versus handles a comparison of two vectors. It becomes their quotient if one is compared with
// a multiple of the other, with its own past or with its peers: "used / limit > 0.9" is what
// people mean by "used > 0.9 * limit". Otherwise it becomes their difference. Either side may
// have moved.
func versus(e *parser.BinaryExpr) condition {
	_, a := factored(e.LHS)
	_, b := factored(e.RHS)
	if a != 1 && b == 1 {
		e = exchanged(e)
	}
	c := difference(e)
	if !quotientMeant(e) {
		return c
	}
	left, a := factored(e.LHS)
	right, b := factored(e.RHS)
	q := *e
	q.ReturnBool = false
	q.Op, q.LHS, q.RHS = parser.DIV, inParens(left), inParens(right)
	c.exact = c.value
	c.value, c.limit = &q, &parser.NumberLiteral{Val: b / a}
	return c
}

// quotientMeant says whether a comparison is relative. Equality is not, and values that may be
// negative can't be.
func quotientMeant(e *parser.BinaryExpr) bool {
	left, a := factored(e.LHS)
	right, b := factored(e.RHS)
	switch {
	case filled(e) || mayBeNegative(left) || mayBeNegative(right) || a <= 0 || b <= 0:
		return false
	case e.Op == parser.EQLC || e.Op == parser.NEQ:
		return false
	case a != b:
		return true
	}
	return isPast(left, right) || amongPeers(e.VectorMatching, left, right)
}

// exchanged swaps the sides of e.
func exchanged(e *parser.BinaryExpr) *parser.BinaryExpr {
	out := *e
	out.Op, out.LHS, out.RHS, out.VectorMatching = mirrored(e.Op), e.RHS, e.LHS, mirroredMatching(e.VectorMatching)
	return &out
}

// difference compares the difference of the sides with 0.
func difference(e *parser.BinaryExpr) condition {
	d := *e
	d.ReturnBool = false
	d.Op, d.LHS, d.RHS = parser.SUB, inParens(e.LHS), inParens(e.RHS)
	return condition{value: &d, op: e.Op, limit: &parser.NumberLiteral{}}
}

// factored splits off a constant factor of e, also from inside an aggregation that commutes
// with it.
func factored(e parser.Expr) (parser.Expr, float64) {
	e = unparen(e)
	if a, ok := e.(*parser.AggregateExpr); ok {
		return factoredInside(a)
	}
	b, ok := e.(*parser.BinaryExpr)
	if !ok || b.Op != parser.MUL && b.Op != parser.DIV {
		return e, 1
	}
	if v, ok := Number(b.LHS); ok && b.Op == parser.MUL {
		inner, w := factored(b.RHS)
		return inner, v * w
	}
	if v, ok := Number(b.RHS); ok {
		inner, w := factored(b.LHS)
		if b.Op == parser.DIV {
			return inner, w / v
		}
		return inner, w * v
	}
	return e, 1
}

// factoredInside splits off a positive factor of what is aggregated: a maximum stays the
// maximum.
func factoredInside(a *parser.AggregateExpr) (parser.Expr, float64) {
	switch a.Op {
	case parser.SUM, parser.AVG, parser.MIN, parser.MAX, parser.QUANTILE, parser.STDDEV:
	default:
		return a, 1
	}
	inner, v := factored(a.Expr)
	if v == 1 || v <= 0 {
		return a, 1
	}
	out := *a
	out.Expr = inner
	return &out, v
}

// mayBeNegative says whether e may be negative, judging by how it is written.
func mayBeNegative(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.BinaryExpr:
			found = found || n.Op == parser.SUB
		case *parser.UnaryExpr:
			found = found || n.Op == parser.SUB
		case *parser.NumberLiteral:
			found = found || n.Val < 0
		case *parser.Call:
			switch n.Func.Name {
			case "predict_linear", "deriv", "delta", "idelta", "ln", "log2", "log10", "double_exponential_smoothing", "holt_winters":
				found = true
			}
		}
		return nil
	})
	return found
}

// isPast says whether then is now with an offset.
func isPast(now, then parser.Expr) bool {
	present, ok := withoutOffsets(then)
	return ok && present == unparen(now).String()
}

// offsetOf returns the longest offset in e.
func offsetOf(e parser.Expr) time.Duration {
	var longest time.Duration
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			longest = max(longest, n.OriginalOffset)
		case *parser.SubqueryExpr:
			longest = max(longest, n.OriginalOffset)
		}
		return nil
	})
	return longest
}

// withoutOffsets returns the text of e without offsets; false unless all of its selectors have
// one.
func withoutOffsets(e parser.Expr) (string, bool) {
	e = MustParse(unparen(e).String())
	past := false
	all := true
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		switch n := n.(type) {
		case *parser.SubqueryExpr:
			past = past || n.OriginalOffset > 0
			n.OriginalOffset, n.Offset = 0, 0
		case *parser.VectorSelector:
			inside := slices.ContainsFunc(path, func(p parser.Node) bool { _, ok := p.(*parser.SubqueryExpr); return ok })
			past = past || n.OriginalOffset > 0
			all = all && (n.OriginalOffset > 0 || inside)
			n.OriginalOffset, n.Offset = 0, 0
		}
		return nil
	})
	return e.String(), past && all
}

// amongPeers says whether one side of an operation aggregates many series, such as their mean,
// and the other one is each of them.
func amongPeers(m *parser.VectorMatching, each, together parser.Expr) bool {
	spread := m != nil && m.Card == parser.CardManyToOne || isScalar(together)
	if !spread || aggregates(together) == nil {
		return false
	}
	own := Selectors(each)
	theirs := Selectors(together)
	return len(own) > 0 && len(theirs) > 0 && !slices.ContainsFunc(theirs, func(t *parser.VectorSelector) bool {
		return !slices.ContainsFunc(own, func(o *parser.VectorSelector) bool { return sameSeries(o, t) })
	})
}

func isScalar(e parser.Expr) bool { return unparen(e).Type() == parser.ValueTypeScalar }

// sameSeries says whether two selectors are for the same metric and time, and one has all
// matchers of the other.
func sameSeries(a, b *parser.VectorSelector) bool {
	if MetricName(a) != MetricName(b) || a.OriginalOffset != b.OriginalOffset {
		return false
	}
	within := func(a, b []*labels.Matcher) bool {
		return !slices.ContainsFunc(a, func(m *labels.Matcher) bool {
			return !slices.ContainsFunc(b, func(n *labels.Matcher) bool { return m.String() == n.String() })
		})
	}
	return within(a.LabelMatchers, b.LabelMatchers) || within(b.LabelMatchers, a.LabelMatchers)
}

// outlier returns the series that e compares with their peers. Those move with it, so an
// outlier is judged by its own values. It returns nil for other expressions.
func outlier(e parser.Expr) parser.Expr {
	switch e := bare(e).(type) {
	case *parser.Call:
		if e.Func.Name == "abs" {
			return outlier(e.Args[0])
		}
	case *parser.BinaryExpr:
		if inner := nonNumberSide(e); inner != nil {
			return outlier(inner)
		}
		each, together, m := e.LHS, e.RHS, e.VectorMatching
		if m != nil && m.Card == parser.CardOneToMany || isScalar(each) {
			each, together, m = together, each, mirroredMatching(m)
		}
		if !linearOp(e.Op) || !amongPeers(m, each, together) {
			return nil
		}
		if inner := outlier(each); inner != nil {
			return inner
		}
		return each
	}
	return nil
}

// mirroredMatching returns the matching for swapped sides.
func mirroredMatching(m *parser.VectorMatching) *parser.VectorMatching {
	if m == nil {
		return nil
	}
	out := *m
	switch m.Card {
	case parser.CardManyToOne:
		out.Card = parser.CardOneToMany
	case parser.CardOneToMany:
		out.Card = parser.CardManyToOne
	}
	return &out
}

// nonNumberSide returns the operand of e that is no number, if the other one is.
func nonNumberSide(e *parser.BinaryExpr) parser.Expr {
	if _, ok := Number(e.LHS); ok && linearOp(e.Op) {
		return e.RHS
	}
	if _, ok := Number(e.RHS); ok && linearOp(e.Op) {
		return e.LHS
	}
	return nil
}

// besidePast returns what e compares with its own past; nil for other expressions.
func besidePast(e parser.Expr) parser.Expr {
	b, ok := bare(e).(*parser.BinaryExpr)
	if !ok || !linearOp(b.Op) {
		return nil
	}
	if inner := nonNumberSide(b); inner != nil {
		return besidePast(inner)
	}
	if left, _ := factored(b.LHS); b.Op == parser.DIV || b.Op == parser.SUB {
		if right, _ := factored(b.RHS); isPast(left, right) {
			return left
		}
	}
	return nil
}

// againstPast turns a comparison of terms with their own past into these terms, with the past
// as their expected values. It returns false for other measures.
func againstPast(m Measure) (Measure, bool) {
	now, then := byTime(m)
	weight := map[string]float64{} // of the past of each term
	for _, t := range then {
		text, _ := t.present()
		weight[text] += math.Abs(t.Coefficient)
	}
	if len(now) == 0 || len(weight) != len(now) {
		return m, false
	}
	for i := range then {
		text, past := then[i].present()
		k := slices.IndexFunc(now, func(n Term) bool { return n.Text == text })
		if !past || k < 0 || weight[text] == 0 {
			return m, false
		}
		then[i].Coefficient = math.Abs(now[k].Coefficient*then[i].Coefficient) / weight[text]
	}
	for i := range now {
		now[i].Coefficient = math.Abs(now[i].Coefficient)
	}
	return Measure{
		Numerator: now, Expected: then, Count: countsEvents(now),
		StandsFor: "it is compared with its own past, and that is what is expected of each part",
	}, true
}

// byTime splits the terms of m into current and past ones, without duplicates.
func byTime(m Measure) (now, then []Term) {
	for _, t := range slices.Concat(m.Numerator, m.Denominator) {
		for _, t := range t.splitByTime() {
			list := &now
			if _, past := t.present(); past {
				list = &then
			}
			if !slices.ContainsFunc(*list, func(other Term) bool { return other.Text == t.Text }) {
				*list = append(*list, t)
			}
		}
	}
	return now, then
}

// splitByTime splits a term that is the difference of series and their own past.
func (t Term) splitByTime() []Term {
	b, ok := unparen(MustParse(t.Text)).(*parser.BinaryExpr)
	if !ok || b.Op != parser.SUB {
		return []Term{t}
	}
	left, x := factored(b.LHS)
	right, y := factored(b.RHS)
	if !isPast(left, right) && !isPast(right, left) {
		return []Term{t}
	}
	a, z := term(left), term(right)
	a.Coefficient, z.Coefficient = t.Coefficient*x, -t.Coefficient*y
	return []Term{a, z}
}

// present returns the text of a term without offsets, and whether it had any.
func (t Term) present() (string, bool) { return withoutOffsets(MustParse(t.Text)) }
