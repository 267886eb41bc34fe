// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// compared decomposes a comparison.
func compared(e *parser.BinaryExpr) []condition {
	left, right := e.LHS, e.RHS
	op := e.Op
	if scalarLimit(left) != nil && scalarLimit(right) == nil {
		left, right, op = right, left, mirrored(op)
	}
	limit := scalarLimit(right)
	if limit == nil {
		return []condition{versus(e)}
	}
	cs := comparedValue(left, op, limit)
	for i := range cs {
		cs[i].since()
		if cs[i].kind == "" && !holdsAt(cs[i], 0) {
			cs[i].value = zeroed(cs[i].value)
		}
	}
	return cs
}

// comparedValue looks inside what is compared with a limit: through chained comparisons, bool,
// and guards.
func comparedValue(left parser.Expr, op parser.ItemType, limit parser.Expr) []condition {
	outer := shiftConstant(condition{value: vectorOf(unparen(left)), op: op, limit: limit})
	if isAbsent(outer.value) {
		return []condition{absentCompared(outer)}
	}
	if a, ok := outer.value.(*parser.AggregateExpr); ok {
		return extremeCompared(a, outer)
	}
	b, ok := outer.value.(*parser.BinaryExpr)
	switch {
	case !ok:
		return []condition{outer}
	case b.Op.IsComparisonOperator() && b.ReturnBool:
		return negatable(b, outer)
	case b.Op.IsComparisonOperator():
		return chained(b, outer)
	case (b.Op == parser.LAND || b.Op == parser.LUNLESS) && withoutComparison(conditions(b.LHS)):
		return withGuard(comparedValue(b.LHS, op, limit), guardOf(b, b.RHS))
	default:
		return []condition{outer}
	}
}

// shiftConstant rewrites `a - 5 > 0` and `5 - a < 0` as `a > 5`: the distance from a limit has no
// parts, but a has.
func shiftConstant(c condition) condition {
	e, factor := factored(c.value)
	if !isZero(c.limit) || factor <= 0 {
		return c
	}
	if a, ok := e.(*parser.AggregateExpr); ok && aggregatesWhatHolds(a) {
		c.value = a // its factor does not matter
	}
	b, ok := e.(*parser.BinaryExpr)
	if !ok || b.Op != parser.SUB || b.VectorMatching != nil {
		return c
	}
	if v, known := Number(b.RHS); known {
		c.value, c.limit = unparen(b.LHS), &parser.NumberLiteral{Val: v}
	} else if v, known := Number(b.LHS); known {
		c.value, c.op, c.limit = unparen(b.RHS), mirrored(c.op), &parser.NumberLiteral{Val: v}
	}
	return c
}

// keepsValues says whether the values of e are those of its inner comparisons; not so in `a /
// (b > 0)`.
func keepsValues(e parser.Expr) bool {
	switch e := unparen(e).(type) {
	case *parser.AggregateExpr:
		return (Picks(e.Op) || e.Op == parser.MAX || e.Op == parser.MIN) && keepsValues(e.Expr)
	case *parser.Call:
		return labelOnly(e.Func.Name) && keepsValues(e.Args[0])
	case *parser.BinaryExpr:
		switch e.Op {
		case parser.LAND, parser.LUNLESS:
			return keepsValues(e.LHS)
		case parser.LOR:
			return keepsValues(e.LHS) && keepsValues(e.RHS)
		default:
			return e.Op.IsComparisonOperator() && !e.ReturnBool
		}
	}
	return true
}

// extremeCompared rewrites `max(a > 5) > 0` as `max(a) > 5`, with the stricter of the two
// limits.
func extremeCompared(a *parser.AggregateExpr, outer condition) []condition {
	if !reaches(a.Op, outer.op) || !aggregatesWhatHolds(a) || !keepsValues(a.Expr) {
		return []condition{outer}
	}
	cs := extremesBeyond(a)
	for i, c := range cs {
		inner, known := Number(c.limit)
		if limit, too := Number(outer.limit); !known || !too {
			return []condition{outer}
		} else if strict := strictly(outer.op); holds(limit, strict, inner) || limit == inner && outer.op == strict && c.op != strict {
			cs[i].op, cs[i].limit = outer.op, outer.limit // the outer limit is stricter
		}
	}
	if len(cs) == 0 || len(cs) > 1 && slices.ContainsFunc(cs, func(c condition) bool { return c.limit == outer.limit }) {
		return []condition{outer} // one branch of an `or` may hide the other
	}
	return cs
}

// absentCompared rewrites `absent(a) == 1` as absent(a).
func absentCompared(outer condition) condition {
	call := outer.value.(*parser.Call)
	if _, known := Number(outer.limit); !known {
		return outer
	}
	c := absentCondition(call)
	if !holdsAt(outer, 1) {
		c.never = fmt.Errorf("%s is 1 or nothing, so the alert can't fire", abbreviate(call))
	}
	return c
}

// vectorOf removes scalar(), to get at the series.
func vectorOf(e parser.Expr) parser.Expr {
	if c, ok := e.(*parser.Call); ok && c.Func.Name == "scalar" {
		return unparen(c.Args[0])
	}
	return e
}

// zeroed makes the count of members that satisfy a condition, or a multiple or ratio of it, 0
// if none does; as written, it would be missing. It is for alerts that don't fire at 0.
func zeroed(e parser.Expr) parser.Expr {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return &parser.ParenExpr{Expr: zeroed(e.Expr)}
	case *parser.AggregateExpr:
		inner, ok := unparen(e.Expr).(*parser.BinaryExpr)
		if ok && e.Op == parser.COUNT && inner.Op.IsComparisonOperator() && !inner.ReturnBool {
			return countHolding(e)
		}
	case *parser.BinaryExpr:
		z := *e
		if _, ok := Number(e.LHS); ok && e.Op == parser.MUL {
			z.RHS = zeroed(e.RHS)
		} else if e.Op == parser.DIV || e.Op == parser.MUL && scalarLimit(e.RHS) != nil {
			z.LHS = zeroed(e.LHS)
		}
		return &z
	}
	return e
}

// holdsAt says whether v satisfies the comparison; true if unknown.
func holdsAt(c condition, v float64) bool {
	limit, ok := Number(c.limit)
	return !ok || holds(v, c.op, limit)
}

func holds(v float64, op parser.ItemType, limit float64) bool {
	switch op {
	case parser.GTR:
		return v > limit
	case parser.GTE:
		return v >= limit
	case parser.LSS:
		return v < limit
	case parser.LTE:
		return v <= limit
	case parser.EQLC:
		return v == limit
	case parser.NEQ:
		return v != limit
	default:
		return false
	}
}

// negatable decomposes `(a > bool 5) == 0`: into the inner comparison or its opposite,
// depending on which of 1 and 0 satisfies the outer one.
func negatable(b *parser.BinaryExpr, outer condition) []condition {
	limit, ok := Number(outer.limit)
	if !ok {
		return []condition{outer}
	}
	inner := *b
	inner.ReturnBool = false
	switch yes, no := holds(1, outer.op, limit), holds(0, outer.op, limit); {
	case yes && !no:
	case no && !yes:
		inner.Op = opposite(b.Op)
	default:
		return []condition{outer}
	}
	return compared(&inner)
}

// chained decomposes `a > 0.9 < 1`: the first comparison is the condition, the others are
// guards on the same value.
func chained(b *parser.BinaryExpr, outer condition) []condition {
	cs := compared(b)
	kept := unparen(b.LHS) // the side whose values the comparison returns
	if scalarLimit(b.LHS) != nil {
		kept = unparen(b.RHS)
	}
	guard := &parser.BinaryExpr{Op: outer.op, LHS: inParens(kept), RHS: inParens(outer.limit)}
	and := &parser.BinaryExpr{Op: parser.LAND}
	if m := b.VectorMatching; m != nil {
		and.VectorMatching = &parser.VectorMatching{Card: parser.CardManyToMany, MatchingLabels: m.MatchingLabels, On: m.On}
	}
	return withGuard(cs, guardOf(and, guard))
}

// since rewrites `a < time() - 3600` as `time() - a > 3600`.
func (c *condition) since() {
	call, seconds, ok := sinceTime(c.limit)
	if !ok || c.value.Type() != parser.ValueTypeVector {
		return
	}
	c.value = &parser.BinaryExpr{Op: parser.SUB, LHS: call, RHS: inParens(c.value)}
	c.op, c.limit = mirrored(c.op), &parser.NumberLiteral{Val: seconds}
}

// sinceTime parses time() and time() - seconds.
func sinceTime(e parser.Expr) (call *parser.Call, seconds float64, ok bool) {
	switch e := unparen(e).(type) {
	case *parser.Call:
		return e, 0, e.Func.Name == "time"
	case *parser.BinaryExpr:
		call, _, ok = sinceTime(e.LHS)
		seconds, isNumber := Number(e.RHS)
		if e.Op == parser.ADD {
			seconds = -seconds
		}
		return call, seconds, ok && isNumber && (e.Op == parser.SUB || e.Op == parser.ADD) && call == unparen(e.LHS)
	default:
		return nil, 0, false
	}
}

// scalarLimit returns e as a scalar; nil if it is a vector.
func scalarLimit(e parser.Expr) parser.Expr {
	e = unparen(e)
	if v, ok := Number(e); ok {
		return &parser.NumberLiteral{Val: v}
	}
	if c, ok := e.(*parser.Call); ok && c.Func.Name == "vector" {
		return scalarLimit(c.Args[0])
	}
	if e.Type() == parser.ValueTypeScalar {
		return e
	}
	return nil
}

func isZero(e parser.Expr) bool {
	v, ok := Number(e)
	return ok && v == 0
}

// mirrored returns the operator for swapped sides.
func mirrored(op parser.ItemType) parser.ItemType {
	switch op {
	case parser.GTR:
		return parser.LSS
	case parser.GTE:
		return parser.LTE
	case parser.LSS:
		return parser.GTR
	case parser.LTE:
		return parser.GTE
	default:
		return op
	}
}

// strictly returns the operator without equality.
func strictly(op parser.ItemType) parser.ItemType {
	switch op {
	case parser.GTE:
		return parser.GTR
	case parser.LTE:
		return parser.LSS
	default:
		return op
	}
}

// opposite returns the operator that holds exactly if op doesn't.
func opposite(op parser.ItemType) parser.ItemType {
	switch op {
	case parser.GTR:
		return parser.LTE
	case parser.GTE:
		return parser.LSS
	case parser.LSS:
		return parser.GTE
	case parser.LTE:
		return parser.GTR
	case parser.EQLC:
		return parser.NEQ
	default:
		return parser.EQLC
	}
}
