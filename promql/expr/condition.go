// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// condition is one way in which an alert's expression can fire: a comparison and its guards.
type condition struct {
	value  parser.Expr
	op     parser.ItemType // 0: the alert fires whenever the value exists
	limit  parser.Expr     // of type scalar
	exact  parser.Expr     // compared with 0 as written, if value is a quotient derived from it; nil: value is as written
	kind   Kind            // empty: derived from the value
	guards []Guard
	never  error // why it can't hold, whatever is measured; nil: it can
}

// always says whether c always holds, like `vector(0) < 1`.
func (c condition) always() bool {
	v, ok := constantValue(c.value)
	return ok && len(c.guards) == 0 && (c.op == 0 || holdsAt(c, v))
}

// wrap applies a function to the compared value.
func (c *condition) wrap(around func(parser.Expr) parser.Expr) {
	c.value = around(c.value)
	if c.exact != nil {
		c.exact = around(c.exact)
	}
}

// text describes c in a sentence.
func (c condition) text() string {
	if c.op == 0 {
		return abbreviate(c.value)
	}
	return abbreviate(c.value) + " " + c.op.String() + " " + limitText(c.limit)
}

// constantValue returns the value of numbers and vector(0).
func constantValue(e parser.Expr) (float64, bool) {
	if call, ok := unparen(e).(*parser.Call); ok && call.Func.Name == "vector" {
		return Number(call.Args[0])
	}
	return Number(e)
}

// Guard is a further condition for an alert to fire.
type Guard struct {
	Join string `json:"join"` // and or unless, with its matching: "and on (instance)"
	Expr string `json:"expr"`
}

// conditions decomposes an alert's expression into one condition per branch of its `or`,
// without surrounding parentheses, guards, joins and sorting.
func conditions(e parser.Expr) []condition {
	e = unparen(e)
	switch e := e.(type) {
	case *parser.BinaryExpr:
		return binaryConditions(e)
	case *parser.UnaryExpr:
		if comparesInside(e.Expr) {
			return conditions(e.Expr)
		}
	case *parser.Call:
		switch {
		case isAbsent(e):
			return []condition{absentCondition(e)}
		case labelOnly(e.Func.Name):
			return relabelled(e)
		case pointwise(e.Func.Name) && comparesInside(e.Args[0]):
			return conditions(e.Args[0])
		}
	case *parser.AggregateExpr:
		if cs := aggregateConditions(e); cs != nil {
			return cs
		}
	}
	return []condition{{value: e}}
}

// labelOnly says whether a function leaves values unchanged.
func labelOnly(name string) bool {
	return slices.Contains([]string{"label_replace", "label_join", "sort", "sort_desc", "sort_by_label", "sort_by_label_desc"}, name)
}

// pointwise says whether a function maps each series to one value.
func pointwise(name string) bool {
	switch name {
	case "abs", "ceil", "floor", "round", "sgn", "clamp_min", "clamp_max",
		"exp", "ln", "log2", "log10", "sqrt", "deg", "rad", "timestamp",
		"sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
		"minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year":
		return true
	default:
		return false
	}
}

// relabelled looks inside a function that only changes labels. It is kept around the values,
// unless guards match by the changed label.
func relabelled(e *parser.Call) []condition {
	var changed []string
	if dst, ok := unparen(e.Args[min(1, len(e.Args)-1)]).(*parser.StringLiteral); ok && relabels(e) {
		changed = []string{dst.Val}
	}
	cs := conditions(e.Args[0])
	for i := range cs {
		guards, ok := ignoring(cs[i].guards, changed)
		if !ok {
			continue
		}
		cs[i].guards = guards
		cs[i].wrap(func(inner parser.Expr) parser.Expr {
			around := *e
			around.Args = append(parser.Expressions{inner}, e.Args[1:]...)
			return &around
		})
	}
	return cs
}

func binaryConditions(e *parser.BinaryExpr) []condition {
	switch {
	case e.Op == parser.LOR:
		return branches(e)
	case e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return guarded(e)
	case e.Op.IsComparisonOperator():
		return compared(e)
	default:
		return arithmetic(e)
	}
}

// branches decomposes `a or b`. In `a or on (job) b`, series of b count only if a has none with
// the same job.
func branches(e *parser.BinaryExpr) []condition {
	left, right := conditions(e.LHS), conditions(e.RHS)
	if m := e.VectorMatching; m.On || len(m.MatchingLabels) > 0 {
		unless := parser.BinaryExpr{Op: parser.LUNLESS, VectorMatching: m}
		right = withGuard(right, guardOf(&unless, e.LHS))
	}
	return append(left, right...)
}

// guarded decomposes `a and b` and `a unless b`: a is measured, unless only b is a comparison,
// or a merely asks whether there are events.
func guarded(e *parser.BinaryExpr) []condition {
	left, right := conditions(e.LHS), conditions(e.RHS)
	if e.Op == parser.LAND && len(right) == 1 && right[0].op != 0 && !timeOfDay(right) &&
		(withoutComparison(left) || timeOfDay(left) || events(left) && !isZero(right[0].limit)) {
		return withGuard(right, guardOf(e, e.LHS))
	}
	if e.Op == parser.LUNLESS && withoutComparison(left) {
		return []condition{unlessCondition(e)}
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

// withoutComparison says whether cs has no comparison.
func withoutComparison(cs []condition) bool {
	return !slices.ContainsFunc(cs, func(c condition) bool { return c.op != 0 })
}

// events says whether cs merely asks if a histogram or summary has observed anything, as in
// `m_count > 0 and histogram_quantile(…) < 5`.
func events(cs []condition) bool {
	if len(cs) != 1 || cs[0].op != parser.GTR || !isZero(cs[0].limit) {
		return false
	}
	selectors := Selectors(cs[0].value)
	return len(selectors) == 1 && kindOf(cs[0].value) == KindAdditive && hasSuffix(selectors[0], "_count")
}

// timeOfDay says whether cs measures no series, like `hour() > 9`.
func timeOfDay(cs []condition) bool {
	return !slices.ContainsFunc(cs, func(c condition) bool { return len(Selectors(c.value)) > 0 })
}

// arithmetic rewrites `(a > 5) * 100` as `a > 5`: later arithmetic doesn't affect firing. A
// joined side must exist, as in `(a > 5) * on (instance) group_left (nodename) info`.
func arithmetic(e *parser.BinaryExpr) []condition {
	kpi, other := e.LHS, e.RHS
	if !comparesInside(kpi) {
		kpi, other = other, kpi
	}
	switch {
	case filled(e) || !comparesInside(kpi):
		return []condition{{value: e}}
	case e.VectorMatching == nil: // the other side is a scalar
		return conditions(kpi)
	default:
		return joined(e, kpi, other)
	}
}

// joined rewrites `(a > 5) * on (x) group_left (y) b` as a with the same join, but without the
// value of b. If the join drops labels that guards need, b becomes a guard instead.
func joined(e *parser.BinaryExpr, kpi, other parser.Expr) []condition {
	m, left := e.VectorMatching, kpi == e.LHS
	keeps := m.Card == parser.CardManyToOne && left || m.Card == parser.CardOneToMany && !left
	cs := conditions(kpi)
	for i := range cs {
		guards, ok := ignoring(cs[i].guards, m.Include)
		if !ok || len(guards) > 0 && !keeps {
			cs[i].guards = append(cs[i].guards, joinGuard(e, other))
			continue
		}
		cs[i].guards = guards
		cs[i].wrap(func(inner parser.Expr) parser.Expr {
			join := *e
			join.Op, join.LHS, join.RHS = parser.MUL, inParens(inner), ones(other)
			if !left {
				join.LHS, join.RHS = join.RHS, join.LHS
			}
			return &join
		})
	}
	return cs
}

// ignoring makes guards ignore labels that the KPI gets only from a later join. It returns
// false if one of them matches by such a label.
func ignoring(guards []Guard, names []string) ([]Guard, bool) {
	if len(names) == 0 {
		return guards, true
	}
	out := slices.Clone(guards)
	for i, g := range out {
		e, err := Parse("a " + g.Join + " b")
		b, ok := e.(*parser.BinaryExpr)
		if err != nil || !ok {
			return nil, false
		}
		m := b.VectorMatching
		switch named := slices.ContainsFunc(m.MatchingLabels, func(l string) bool { return slices.Contains(names, l) }); {
		case m.On && named:
			return nil, false
		case !m.On:
			m.MatchingLabels = append(m.MatchingLabels, names...)
			out[i].Join = b.ShortString()
		}
	}
	return out, true
}

// filled says whether a side of e has fill values for missing series.
func filled(e *parser.BinaryExpr) bool {
	m := e.VectorMatching
	return m != nil && (m.FillValues.LHS != nil || m.FillValues.RHS != nil)
}

// joinGuard requires that the other side of e exists.
func joinGuard(e *parser.BinaryExpr, other parser.Expr) Guard {
	and := parser.BinaryExpr{Op: parser.LAND, VectorMatching: &parser.VectorMatching{
		Card: parser.CardManyToMany, MatchingLabels: e.VectorMatching.MatchingLabels, On: e.VectorMatching.On,
	}}
	return guardOf(&and, other)
}

// comparesInside says whether e exists only if an inner comparison holds, so that its own value
// doesn't matter.
func comparesInside(e parser.Expr) bool {
	switch e := unparen(e).(type) {
	case *parser.UnaryExpr:
		return comparesInside(e.Expr)
	case *parser.AggregateExpr:
		return aggregatesWhatHolds(e)
	case *parser.Call:
		return isAbsent(e) || (labelOnly(e.Func.Name) || pointwise(e.Func.Name)) && len(e.Args) > 0 && comparesInside(e.Args[0])
	case *parser.BinaryExpr:
		switch {
		case e.Op.IsComparisonOperator():
			return !e.ReturnBool
		case e.Op == parser.LUNLESS:
			return comparesInside(e.LHS)
		case e.Op == parser.LOR:
			return comparesInside(e.LHS) && comparesInside(e.RHS)
		default:
			return !filled(e) && (comparesInside(e.LHS) || comparesInside(e.RHS))
		}
	}
	return false
}

// inParens parenthesises operators, for use inside a larger expression.
func inParens(e parser.Expr) parser.Expr {
	switch e.(type) {
	case *parser.BinaryExpr, *parser.UnaryExpr:
		return &parser.ParenExpr{Expr: e}
	default:
		return e
	}
}
