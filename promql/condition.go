package promql

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// condition is one way in which an alert's expression can fire: a comparison,
// and what must hold besides.
type condition struct {
	value  parser.Expr
	op     parser.ItemType // 0: the alert fires while the value exists, whatever it is
	limit  parser.Expr     // of type scalar
	kind   Kind            // empty: told from the value
	guards []Guard
}

// Guard is something that must hold besides the comparison for an alert to
// fire.
type Guard struct {
	Join string `json:"join"` // and or unless, with its matching: "and on (instance)"
	Expr string `json:"expr"`
}

// conditions takes an alert's expression apart: one condition a branch of its
// `or`, without the parentheses, guards, joins and orders around them.
func conditions(e parser.Expr) []condition {
	e = unparen(e)
	switch e := e.(type) {
	case *parser.BinaryExpr:
		return binaryConditions(e)
	case *parser.Call:
		if labelOnly(e.Func.Name) {
			return relabelled(e)
		}
	case *parser.AggregateExpr:
		if cs := aggregateConditions(e); cs != nil {
			return cs
		}
	}
	return []condition{{value: e}}
}

// labelOnly says whether a function leaves values as they are.
func labelOnly(name string) bool {
	return slices.Contains([]string{"label_replace", "label_join", "sort", "sort_desc", "sort_by_label", "sort_by_label_desc"}, name)
}

// relabelled goes on inside of a function that changes labels only. The values
// keep it around them, unless guards match the labels inside.
func relabelled(e *parser.Call) []condition {
	cs := conditions(e.Args[0])
	for i := range cs {
		if len(cs[i].guards) == 0 {
			around := *e
			around.Args = append(parser.Expressions{cs[i].value}, e.Args[1:]...)
			cs[i].value = &around
		}
	}
	return cs
}

func binaryConditions(e *parser.BinaryExpr) []condition {
	switch {
	case e.Op == parser.LOR:
		if constant(e.RHS) {
			return defaulted(e)
		}
		return append(conditions(e.LHS), conditions(e.RHS)...)
	case e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return guarded(e)
	case e.Op.IsComparisonOperator():
		return compared(e)
	case e.Op == parser.MUL:
		if cs := joined(e); cs != nil {
			return cs
		}
	}
	return arithmetic(e)
}

// defaulted takes `a or vector(0)` for a, which has a value always. Without
// parentheses, `a or vector(0) < 1` compares the default alone; what is meant
// is both.
func defaulted(e *parser.BinaryExpr) []condition {
	c, ok := unparen(e.RHS).(*parser.BinaryExpr)
	if !ok || !c.Op.IsComparisonOperator() || scalarLimit(c.RHS) == nil || !existing(conditions(e.LHS)) {
		return conditions(e.LHS)
	}
	or := *e
	or.RHS = c.LHS
	return []condition{{value: &or, op: c.Op, limit: scalarLimit(c.RHS)}}
}

// guarded takes `a and b`, `a unless b` apart: a is what is measured, unless
// only b compares anything or a just asks whether there are events.
func guarded(e *parser.BinaryExpr) []condition {
	left, right := conditions(e.LHS), conditions(e.RHS)
	if e.Op == parser.LAND && len(right) == 1 && right[0].op != 0 &&
		(existing(left) || timeOfDay(left) || events(left) && !isZero(right[0].limit)) {
		return withGuard(right, guardOf(e, e.LHS))
	}
	if e.Op == parser.LUNLESS && existing(left) {
		return []condition{lacking(e)}
	}
	return withGuard(left, guardOf(e, e.RHS))
}

func withGuard(cs []condition, g Guard) []condition {
	for i := range cs {
		cs[i].guards = append(cs[i].guards, g)
	}
	return cs
}

func guardOf(e *parser.BinaryExpr, other parser.Expr) Guard {
	return Guard{Join: e.ShortString(), Expr: inParens(other).String()}
}

// existing says whether nothing is compared in cs.
func existing(cs []condition) bool {
	return !slices.ContainsFunc(cs, func(c condition) bool { return c.op != 0 })
}

// events says whether cs only asks if a histogram or a summary has seen
// anything, as in `m_count > 0 and histogram_quantile(…) < 5`.
func events(cs []condition) bool {
	if len(cs) != 1 || cs[0].op != parser.GTR || !isZero(cs[0].limit) {
		return false
	}
	selectors := vectorSelectors(cs[0].value)
	return len(selectors) == 1 && kindOf(cs[0].value) == KindAdditive && hasSuffix(selectors[0], "_count")
}

// timeOfDay says whether cs measures no series, as `hour() > 9`.
func timeOfDay(cs []condition) bool {
	return !slices.ContainsFunc(cs, func(c condition) bool { return len(vectorSelectors(c.value)) > 0 })
}

// lacking is `a unless b`, where neither compares: the alert fires where a
// exists and b doesn't, so b is counted wherever a exists.
func lacking(e *parser.BinaryExpr) condition {
	m := e.VectorMatching
	count := func(op parser.ItemType, of parser.Expr) parser.Expr {
		return &parser.AggregateExpr{Op: op, Expr: of, Grouping: m.MatchingLabels, Without: !m.On}
	}
	zero := &parser.BinaryExpr{Op: parser.MUL, LHS: &parser.NumberLiteral{Val: 0}, RHS: count(parser.GROUP, e.LHS)}
	value := &parser.BinaryExpr{Op: parser.LOR, LHS: count(parser.COUNT, e.RHS), RHS: zero, VectorMatching: &parser.VectorMatching{
		Card: parser.CardManyToMany, MatchingLabels: m.MatchingLabels, On: m.On,
	}}
	return condition{value: value, op: parser.LSS, limit: &parser.NumberLiteral{Val: 1}, kind: KindPresence}
}

// joined takes apart the product of a comparison with series that only bring
// labels, as in `(a > 5) * on (instance) group_left (nodename) info`. It
// returns nil if e is no such thing.
func joined(e *parser.BinaryExpr) []condition {
	if e.VectorMatching == nil {
		return nil
	}
	for _, side := range []struct{ kpi, other parser.Expr }{{e.LHS, e.RHS}, {e.RHS, e.LHS}} {
		if comparesInside(side.kpi) {
			return withGuard(conditions(side.kpi), joinGuard(e, side.other))
		}
	}
	return nil
}

// joinGuard says that the other side of a product must exist.
func joinGuard(e *parser.BinaryExpr, other parser.Expr) Guard {
	and := parser.BinaryExpr{Op: parser.LAND, VectorMatching: &parser.VectorMatching{
		Card: parser.CardManyToMany, MatchingLabels: e.VectorMatching.MatchingLabels, On: e.VectorMatching.On,
	}}
	return guardOf(&and, other)
}

// comparesInside says whether e exists only where a comparison holds that
// stands right inside of it.
func comparesInside(e parser.Expr) bool {
	switch e := unparen(e).(type) {
	case *parser.BinaryExpr:
		if e.Op.IsComparisonOperator() {
			return !e.ReturnBool
		}
		if e.Op.IsSetOperator() {
			return comparesInside(e.LHS) && (e.Op != parser.LOR || comparesInside(e.RHS))
		}
	case *parser.Call:
		return labelOnly(e.Func.Name) && comparesInside(e.Args[0])
	}
	return false
}

// arithmetic takes `(a > 5) * 100` for `a > 5`: what is done to the value
// afterwards doesn't decide whether the alert fires.
func arithmetic(e *parser.BinaryExpr) []condition {
	for _, sides := range [][2]parser.Expr{{e.LHS, e.RHS}, {e.RHS, e.LHS}} {
		if _, isNumber := number(sides[1]); isNumber && comparesInside(sides[0]) {
			return conditions(sides[0])
		}
	}
	return []condition{{value: e}}
}

// aggregateConditions takes an aggregation that exists only where a comparison
// holds for one of its members, as in `max by (job) (up == 0)`: what is
// measured is how many members it holds for. It returns nil for all others.
func aggregateConditions(e *parser.AggregateExpr) []condition {
	inner, ok := unparen(e.Expr).(*parser.BinaryExpr)
	if !ok || !inner.Op.IsComparisonOperator() || inner.ReturnBool {
		return nil
	}
	switch e.Op {
	case parser.TOPK, parser.BOTTOMK:
		return wholeTop(e)
	case parser.COUNT_VALUES, parser.LIMITK, parser.LIMIT_RATIO:
		return nil
	}
	return []condition{{value: holding(e, inner), op: parser.GTR, limit: &parser.NumberLiteral{}}}
}

// wholeTop takes `topk(5, a > 3)` for `topk(5, a) > 3`.
func wholeTop(e *parser.AggregateExpr) []condition {
	cs := conditions(e.Expr)
	if len(cs) == 1 && len(cs[0].guards) == 0 {
		top := *e
		top.Expr = cs[0].value
		cs[0].value = &top
	}
	return cs
}

// holding counts the members of an aggregation for which a comparison holds;
// it is zero, and not missing, when it holds for none.
func holding(e *parser.AggregateExpr, inner *parser.BinaryExpr) parser.Expr {
	cmp := *inner
	cmp.ReturnBool = true
	return &parser.AggregateExpr{Op: parser.SUM, Expr: &cmp, Grouping: e.Grouping, Without: e.Without}
}

// compared takes a comparison apart.
func compared(e *parser.BinaryExpr) []condition {
	left, right := e.LHS, e.RHS
	op := e.Op
	if scalarLimit(left) != nil && scalarLimit(right) == nil {
		left, right, op = right, left, mirrored(op)
	}
	limit := scalarLimit(right)
	if limit == nil {
		return []condition{difference(e)}
	}
	cs := comparedValue(left, op, limit)
	for i := range cs {
		cs[i].since()
		if !holdsAt(cs[i], 0) {
			cs[i].value = zeroed(cs[i].value)
		}
	}
	return cs
}

// comparedValue goes on inside of what is compared with a limit: through
// chains of comparisons, through bool, and through guards.
func comparedValue(left parser.Expr, op parser.ItemType, limit parser.Expr) []condition {
	outer := condition{value: vectorOf(unparen(left)), op: op, limit: limit}
	b, ok := outer.value.(*parser.BinaryExpr)
	switch {
	case !ok:
		return []condition{outer}
	case b.Op.IsComparisonOperator() && b.ReturnBool:
		return negatable(b, outer)
	case b.Op.IsComparisonOperator():
		return chained(b, outer)
	case (b.Op == parser.LAND || b.Op == parser.LUNLESS) && existing(conditions(b.LHS)):
		return withGuard(comparedValue(b.LHS, op, limit), guardOf(b, b.RHS))
	default:
		return []condition{outer}
	}
}

// vectorOf undoes scalar(), so that there is something to have series of.
func vectorOf(e parser.Expr) parser.Expr {
	if c, ok := e.(*parser.Call); ok && c.Func.Name == "scalar" {
		return unparen(c.Args[0])
	}
	return e
}

// zeroed makes the count of members for which something holds, and a multiple
// or a share of it, zero where it holds for none; as it is written, it would be
// missing there. It is for alerts that don't fire at zero.
func zeroed(e parser.Expr) parser.Expr {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return &parser.ParenExpr{Expr: zeroed(e.Expr)}
	case *parser.AggregateExpr:
		inner, ok := unparen(e.Expr).(*parser.BinaryExpr)
		if ok && e.Op == parser.COUNT && inner.Op.IsComparisonOperator() && !inner.ReturnBool {
			return holding(e, inner)
		}
	case *parser.BinaryExpr:
		z := *e
		if _, ok := number(e.LHS); ok && e.Op == parser.MUL {
			z.RHS = zeroed(e.RHS)
		} else if e.Op == parser.DIV || e.Op == parser.MUL && scalarLimit(e.RHS) != nil {
			z.LHS = zeroed(e.LHS)
		}
		return &z
	}
	return e
}

// holdsAt says whether v satisfies the comparison; true if that isn't known.
func holdsAt(c condition, v float64) bool {
	limit, ok := number(c.limit)
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

// negatable takes `(a > bool 5) == 0` apart: the comparison inside or its
// opposite, by which of 1 and 0 the outer one lets through.
func negatable(b *parser.BinaryExpr, outer condition) []condition {
	limit, ok := number(outer.limit)
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

// chained takes `a > 0.9 < 1` apart: the first comparison is what the alert is
// about, the others are guards on the same value.
func chained(b *parser.BinaryExpr, outer condition) []condition {
	cs := compared(b)
	kept := unparen(b.LHS) // the value that a comparison lets through
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

// difference is a comparison of two vectors: how far the one is from the
// other, since either of them may have moved.
func difference(e *parser.BinaryExpr) condition {
	d := *e
	d.ReturnBool = false
	d.Op, d.LHS, d.RHS = parser.SUB, inParens(e.LHS), inParens(e.RHS)
	return condition{value: &d, op: e.Op, limit: &parser.NumberLiteral{}}
}

// since turns `a < time() - 3600` into `time() - a > 3600`.
func (c *condition) since() {
	call, seconds, ok := sinceTime(c.limit)
	if !ok || c.value.Type() != parser.ValueTypeVector {
		return
	}
	c.value = &parser.BinaryExpr{Op: parser.SUB, LHS: call, RHS: inParens(c.value)}
	c.op, c.limit = mirrored(c.op), &parser.NumberLiteral{Val: seconds}
}

// sinceTime reads time() and time() - seconds.
func sinceTime(e parser.Expr) (call *parser.Call, seconds float64, ok bool) {
	switch e := unparen(e).(type) {
	case *parser.Call:
		return e, 0, e.Func.Name == "time"
	case *parser.BinaryExpr:
		call, _, ok = sinceTime(e.LHS)
		seconds, isNumber := number(e.RHS)
		if e.Op == parser.ADD {
			seconds = -seconds
		}
		return call, seconds, ok && isNumber && (e.Op == parser.SUB || e.Op == parser.ADD) && call == unparen(e.LHS)
	default:
		return nil, 0, false
	}
}

// scalarLimit returns e as a scalar, nil if it differs from series to series.
func scalarLimit(e parser.Expr) parser.Expr {
	e = unparen(e)
	if v, ok := number(e); ok {
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
	v, ok := number(e)
	return ok && v == 0
}

// mirrored is the operator for the sides exchanged.
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

// opposite is the operator that holds where op doesn't.
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

// inParens puts parentheses around what would be read otherwise inside of a
// larger expression.
func inParens(e parser.Expr) parser.Expr {
	switch e.(type) {
	case *parser.BinaryExpr, *parser.UnaryExpr:
		return &parser.ParenExpr{Expr: e}
	default:
		return e
	}
}
