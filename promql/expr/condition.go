// SPDX-License-Identifier: Apache-2.0

package expr

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
	exact  parser.Expr     // that is compared with 0 as it is written, where the value has been divided; nil: the value is
	kind   Kind            // empty: told from the value
	guards []Guard
	never  error // why it can't hold, whatever is measured; nil: it can
}

// always says whether c holds whatever is measured, as `vector(0) < 1` does.
func (c condition) always() bool {
	v, ok := constantValue(c.value)
	return ok && len(c.guards) == 0 && (c.op == 0 || holdsAt(c, v))
}

// wrap puts something around what is compared.
func (c *condition) wrap(around func(parser.Expr) parser.Expr) {
	c.value = around(c.value)
	if c.exact != nil {
		c.exact = around(c.exact)
	}
}

// text is c for a sentence.
func (c condition) text() string {
	if c.op == 0 {
		return abbreviate(c.value)
	}
	return abbreviate(c.value) + " " + c.op.String() + " " + limitText(c.limit)
}

// constantValue reads numbers and vector(0).
func constantValue(e parser.Expr) (float64, bool) {
	if call, ok := unparen(e).(*parser.Call); ok && call.Func.Name == "vector" {
		return Number(call.Args[0])
	}
	return Number(e)
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
	case *parser.UnaryExpr:
		if comparesInside(e.Expr) {
			return conditions(e.Expr)
		}
	case *parser.Call:
		switch {
		case isAbsent(e):
			return []condition{missing(e)}
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

// labelOnly says whether a function leaves values as they are.
func labelOnly(name string) bool {
	return slices.Contains([]string{"label_replace", "label_join", "sort", "sort_desc", "sort_by_label", "sort_by_label_desc"}, name)
}

// pointwise says whether a function gives each series another value, and has a
// value for each of them.
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

// relabelled goes on inside of a function that changes labels only. The values
// keep it around them, unless guards look for the label that it changes.
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

// branches takes `a or b` apart. Of `a or on (job) b`, those of b count only
// where a has nothing for the job.
func branches(e *parser.BinaryExpr) []condition {
	left, right := conditions(e.LHS), conditions(e.RHS)
	if m := e.VectorMatching; m.On || len(m.MatchingLabels) > 0 {
		unless := parser.BinaryExpr{Op: parser.LUNLESS, VectorMatching: m}
		right = withGuard(right, guardOf(&unless, e.LHS))
	}
	return append(left, right...)
}

// guarded takes `a and b`, `a unless b` apart: a is what is measured, unless
// only b compares anything or a just asks whether there are events.
func guarded(e *parser.BinaryExpr) []condition {
	left, right := conditions(e.LHS), conditions(e.RHS)
	if e.Op == parser.LAND && len(right) == 1 && right[0].op != 0 && !timeOfDay(right) &&
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
	selectors := Selectors(cs[0].value)
	return len(selectors) == 1 && kindOf(cs[0].value) == KindAdditive && hasSuffix(selectors[0], "_count")
}

// timeOfDay says whether cs measures no series, as `hour() > 9`.
func timeOfDay(cs []condition) bool {
	return !slices.ContainsFunc(cs, func(c condition) bool { return len(Selectors(c.value)) > 0 })
}

// arithmetic takes `(a > 5) * 100` for `a > 5`: what is done to the value
// afterwards doesn't decide whether the alert fires. What is joined to it must
// exist, as in `(a > 5) * on (instance) group_left (nodename) info`.
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

// joined takes `(a > 5) * on (x) group_left (y) b` for a, joined in the same
// way, without the value of b. Where the join leaves no labels for guards to
// find, b is only one more of them.
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

// ignoring are guards that don't match by labels that the KPI has got only
// later. It returns false if one of them names such a label.
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

// filled says whether a side of e has values where its series are missing.
func filled(e *parser.BinaryExpr) bool {
	m := e.VectorMatching
	return m != nil && (m.FillValues.LHS != nil || m.FillValues.RHS != nil)
}

// joinGuard says that the other side of e must exist.
func joinGuard(e *parser.BinaryExpr, other parser.Expr) Guard {
	and := parser.BinaryExpr{Op: parser.LAND, VectorMatching: &parser.VectorMatching{
		Card: parser.CardManyToMany, MatchingLabels: e.VectorMatching.MatchingLabels, On: e.VectorMatching.On,
	}}
	return guardOf(&and, other)
}

// comparesInside says whether e exists only where a comparison holds that
// stands inside of it, so that the value around it doesn't matter.
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
