// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// An alert on existence or absence becomes a count.

// aggregateConditions handles an aggregation that exists only if a comparison holds for a
// member, as in `max by (job) (up == 0)`: it measures for how many members it holds. It returns
// nil for others.
func aggregateConditions(e *parser.AggregateExpr) []condition {
	if !aggregatesWhatHolds(e) {
		return nil
	}
	c := condition{op: parser.GTR, limit: &parser.NumberLiteral{}}
	switch e.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return picked(e)
	case parser.MAX, parser.MIN:
		if cs := extremesBeyond(e); cs != nil {
			return cs
		}
	}
	if c.value = countHolding(e); c.value == nil {
		c.value, c.kind = membersOf(e), KindPresence
	}
	return []condition{c}
}

// aggregatesWhatHolds says whether an aggregation has only members that satisfy a comparison,
// and doesn't turn values into labels.
func aggregatesWhatHolds(e *parser.AggregateExpr) bool {
	return e.Op != parser.COUNT_VALUES && comparesInside(e.Expr)
}

// extremesBeyond rewrites `max by (job) (a > 5)` as `max by (job) (a) > 5`: the maximum exceeds
// the limit if any member does. An `or` inside gives several branches. It returns nil for other
// expressions.
func extremesBeyond(e *parser.AggregateExpr) []condition {
	cs := conditions(e.Expr)
	for i, c := range cs {
		if c.op == 0 || len(c.guards) > 0 || c.kind != "" || !reaches(e.Op, c.op) {
			return nil
		}
		cs[i].wrap(func(inner parser.Expr) parser.Expr {
			extreme := *e
			extreme.Expr = inner
			return &extreme
		})
	}
	return cs
}

// reaches says whether a comparison that holds for any member holds for the members that the
// aggregation selects.
func reaches(aggregation, op parser.ItemType) bool {
	switch aggregation {
	case parser.MAX, parser.TOPK:
		return op == parser.GTR || op == parser.GTE
	case parser.MIN, parser.BOTTOMK:
		return op == parser.LSS || op == parser.LTE
	default:
		return false
	}
}

// picked rewrites `topk(5, a > 3)` as `topk(5, a) > 3`. In the other direction it is `a > 3`,
// guarded by what is picked.
func picked(e *parser.AggregateExpr) []condition {
	cs := conditions(e.Expr)
	if len(cs) == 1 && cs[0].op != 0 && len(cs[0].guards) == 0 && reaches(e.Op, cs[0].op) {
		if cs[0].exact != nil { // quotients have another order
			cs[0].value, cs[0].exact, cs[0].limit = cs[0].exact, nil, &parser.NumberLiteral{}
		}
		top := *e
		top.Expr = cs[0].value
		cs[0].value = &top
		return cs
	}
	and := parser.BinaryExpr{Op: parser.LAND, VectorMatching: &parser.VectorMatching{Card: parser.CardManyToMany}}
	return withGuard(cs, guardOf(&and, e))
}

// countHolding counts the members of an aggregation that satisfy a comparison; 0, not missing, if
// none does. It returns nil if the comparison is nested too deeply.
func countHolding(e *parser.AggregateExpr) parser.Expr {
	members := indicator(e.Expr)
	if members == nil {
		return nil
	}
	return &parser.AggregateExpr{Op: parser.SUM, Expr: members, Grouping: e.Grouping, Without: e.Without}
}

// indicator is 1 if a comparison holds and 0 if not, with its guards. It returns nil if e is no
// comparison.
func indicator(e parser.Expr) parser.Expr {
	b, ok := unparen(e).(*parser.BinaryExpr)
	if !ok || b.ReturnBool {
		return nil
	}
	one := *b
	switch {
	case b.Op.IsComparisonOperator():
		one.ReturnBool = true
		return &one
	case b.Op == parser.LAND || b.Op == parser.LUNLESS:
		left := indicator(b.LHS)
		if left == nil {
			return nil
		}
		one.LHS = inParens(left)
		return &one
	default:
		return nil
	}
}

// unlessCondition decomposes `a unless b` without comparison in a: the alert fires if a exists and b
// doesn't, so it counts b wherever a exists.
func unlessCondition(e *parser.BinaryExpr) condition {
	m := e.VectorMatching
	count := func(op parser.ItemType, of parser.Expr) parser.Expr {
		return &parser.AggregateExpr{Op: op, Expr: of, Grouping: m.MatchingLabels, Without: !m.On}
	}
	none := &parser.BinaryExpr{Op: parser.MUL, LHS: &parser.NumberLiteral{Val: 0}, RHS: count(parser.GROUP, e.LHS)}
	named := m.On || len(m.MatchingLabels) > 0
	others := belowAggregation(e.RHS, m)
	number := count(parser.COUNT, others)
	if each := indicator(others); each != nil && named { // those that don't satisfy it exist as well
		number = count(parser.SUM, each)
	}
	value := &parser.BinaryExpr{Op: parser.LOR, LHS: number, RHS: none, VectorMatching: &parser.VectorMatching{
		Card: parser.CardManyToMany, MatchingLabels: m.MatchingLabels, On: m.On,
	}}
	c := condition{value: value, op: parser.LSS, limit: &parser.NumberLiteral{Val: 1}, kind: KindPresence}
	if named { // restore the labels of a
		c.value = &parser.BinaryExpr{Op: parser.MUL, LHS: inParens(value), RHS: ones(e.LHS), VectorMatching: &parser.VectorMatching{
			Card: parser.CardOneToMany, MatchingLabels: m.MatchingLabels, On: m.On,
		}}
	}
	return c
}

// ones is 1 wherever e exists: a factor that adds labels but no value.
func ones(e parser.Expr) parser.Expr {
	return inParens(&parser.BinaryExpr{Op: parser.POW, LHS: inParens(e), RHS: &parser.NumberLiteral{}})
}

// isOnes says whether e was made by [ones].
func isOnes(e parser.Expr) bool {
	b, ok := unparen(e).(*parser.BinaryExpr)
	return ok && b.Op == parser.POW && isZero(b.RHS)
}

func isAbsent(e parser.Expr) bool {
	call, ok := unparen(e).(*parser.Call)
	return ok && (call.Func.Name == "absent" || call.Func.Name == "absent_over_time")
}

// absentCondition rewrites absent(x) as count(x) < 1, with the labels of absent(x) for guards and
// joins.
func absentCondition(call *parser.Call) condition {
	c := condition{value: countOf(call.Args[0]), op: parser.LSS, limit: &parser.NumberLiteral{Val: 1}, kind: KindPresence}
	names := absentLabels(call.Args[0])
	if len(names) == 0 {
		return c
	}
	none := &parser.BinaryExpr{Op: parser.MUL, LHS: &parser.NumberLiteral{Val: 0}, RHS: call}
	c.value = &parser.BinaryExpr{
		Op: parser.LOR, LHS: &parser.AggregateExpr{Op: parser.COUNT, Expr: atATime(call.Args[0]), Grouping: names}, RHS: none,
		VectorMatching: &parser.VectorMatching{Card: parser.CardManyToMany},
	}
	return c
}

// absentLabels returns the labels of absent's result: those with a single equality matcher, on
// a plain selector.
func absentLabels(e parser.Expr) []string {
	if m, ok := e.(*parser.MatrixSelector); ok {
		e = m.VectorSelector
	}
	s, ok := e.(*parser.VectorSelector)
	if !ok {
		return nil
	}
	matchers := map[string]int{}
	for _, m := range s.LabelMatchers {
		matchers[m.Name]++
	}
	var names []string
	for _, m := range s.LabelMatchers {
		if m.Name != model.MetricNameLabel && m.Type == labels.MatchEqual && m.Value != "" && matchers[m.Name] == 1 {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return names
}

// atATime turns a range into the series in it.
func atATime(e parser.Expr) parser.Expr {
	if e.Type() != parser.ValueTypeMatrix {
		return e
	}
	name := "present_over_time"
	return &parser.Call{Func: parser.Functions[name], Args: parser.Expressions{e}}
}

// membersOf counts the series that e is made of, with e's grouping.
func membersOf(e parser.Expr) parser.Expr {
	a, ok := unparen(e).(*parser.AggregateExpr)
	if !ok || !summarises(a.Op) || len(a.Grouping) == 0 && !a.Without {
		return countOf(e)
	}
	return &parser.AggregateExpr{Op: parser.COUNT, Expr: a.Expr, Grouping: a.Grouping, Without: a.Without}
}

// countOf counts all series that e is made of; 0 if there are none.
func countOf(e parser.Expr) parser.Expr {
	e = atATime(unparen(e))
	if a, ok := e.(*parser.AggregateExpr); ok && summarises(a.Op) {
		return countOf(a.Expr)
	}
	zero := &parser.Call{Func: parser.Functions["vector"], Args: parser.Expressions{&parser.NumberLiteral{}}}
	return &parser.BinaryExpr{
		Op: parser.LOR, LHS: &parser.AggregateExpr{Op: parser.COUNT, Expr: e}, RHS: zero,
		VectorMatching: &parser.VectorMatching{Card: parser.CardManyToMany},
	}
}

// summarises says whether an aggregation returns one series per group.
func summarises(op parser.ItemType) bool {
	switch op {
	case parser.SUM, parser.AVG, parser.COUNT, parser.MIN, parser.MAX, parser.GROUP, parser.STDDEV, parser.STDVAR, parser.QUANTILE:
		return true
	default:
		return false
	}
}

// FiringAlerts counts the firing alerts of a name.
func FiringAlerts(name string) Derivation {
	s := &parser.VectorSelector{Name: "ALERTS", LabelMatchers: []*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "ALERTS"),
		labels.MustNewMatcher(labels.MatchEqual, model.AlertNameLabel, name),
		labels.MustNewMatcher(labels.MatchEqual, "alertstate", "firing"),
	}}
	return Derivation{Kind: KindPresence, Target: countOf(s).String(), Operator: ">", Threshold: "0"}
}
