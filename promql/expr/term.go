// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// By returns a term broken down by labels: its outermost aggregation grouped by them, or a sum
// of its series. Without labels it is the whole.
//
// Sums directly inside are widened by the labels, so that these reach the outer one. Other
// aggregations are widened only if that is known to change nothing (see [Term.Deepened]): a
// maximum by more labels may be another quantity.
func (t Term) By(names []string) string {
	a := t.outer()
	if a.Op == parser.SUM || t.deep {
		widen(a.Expr, names, t.deep)
	}
	a.Without = false
	a.Grouping = slices.Clone(names)
	return a.String()
}

// Exists returns an expression that has a value whenever any part of a term has one. A sum is
// NaN as soon as one part is, as after 0 / 0.
func (t Term) Exists() string {
	a := t.outer()
	if a.Op == parser.SUM {
		a.Op = parser.MAX
	}
	a.Without, a.Grouping = false, nil
	return a.String()
}

// outer returns the sum or count around a term; plain series are summed.
func (t Term) outer() *parser.AggregateExpr {
	e := unparen(MustParse(t.Text))
	if a, ok := e.(*parser.AggregateExpr); ok && (a.Op == parser.SUM || a.Op == parser.COUNT) {
		return a
	}
	return &parser.AggregateExpr{Op: parser.SUM, Expr: e}
}

// Nested says whether there is an aggregation inside the outermost one, so that parts by more
// labels may not add up.
func (t Term) Nested() bool { return aggregates(t.outer().Expr) != nil }

// Aggregated says whether a term has an aggregation.
func (t Term) Aggregated() bool { return aggregates(MustParse(t.Text)) != nil }

// Deepened sets whether labels pass through every aggregation inside a term, or only through
// sums.
func (t Term) Deepened(deep bool) Term {
	t.deep = deep && t.Nested()
	return t
}

// Reach returns an expression whose series have all the labels that a term can be broken down
// by.
func (t Term) Reach() parser.Expr {
	inner := t.outer().Expr
	through(inner, t.deep, func(a *parser.AggregateExpr) { a.Without, a.Grouping = true, nil })
	return inner
}

// widen adds labels to the aggregations directly inside a sum.
func widen(e parser.Expr, names []string, deep bool) {
	through(e, deep, func(a *parser.AggregateExpr) {
		for _, name := range names {
			has := slices.Contains(a.Grouping, name)
			switch {
			case a.Without && has:
				a.Grouping = slices.DeleteFunc(a.Grouping, func(g string) bool { return g == name })
			case !a.Without && !has:
				a.Grouping = append(a.Grouping, name)
			}
		}
	})
}

// through calls f for the aggregations from the outside to the series: sums and counts directly
// inside each other; with deep also other aggregations, those in functions, and those on the
// side of a join whose labels stay.
func through(e parser.Expr, deep bool, f func(*parser.AggregateExpr)) {
	switch e := unparen(e).(type) {
	case *parser.AggregateExpr:
		if !deep && e.Op != parser.SUM && e.Op != parser.COUNT {
			return
		}
		f(e)
		if deep || e.Op == parser.SUM {
			through(e.Expr, deep, f)
		}
	case *parser.Call:
		for _, arg := range e.Args {
			if (deep || relabels(e)) && arg.Type() == parser.ValueTypeVector {
				through(arg, deep, f)
			}
			if sub, ok := unparen(arg).(*parser.SubqueryExpr); ok && addsUp(e) {
				through(sub.Expr, deep, f)
			}
		}
	case *parser.BinaryExpr:
		switch {
		case madeByScope(e):
			through(e.LHS, deep, f)
		case deep:
			throughJoin(e, f)
		}
	}
}

// addsUp says whether a function over time of a sum is the sum of that of its parts.
func addsUp(c *parser.Call) bool {
	return c.Func.Name == "avg_over_time" || c.Func.Name == "sum_over_time"
}

// throughJoin continues on the sides whose labels stay.
func throughJoin(e *parser.BinaryExpr, f func(*parser.AggregateExpr)) {
	left, right := true, true
	if m := e.VectorMatching; m != nil {
		switch m.Card {
		case parser.CardManyToOne:
			right = false
		case parser.CardOneToMany:
			left = false
		case parser.CardManyToMany:
			right = e.Op == parser.LOR
		default: // other matchings drop all other labels
			left = !m.On && len(m.MatchingLabels) == 0
			right = left
		}
	}
	if left {
		through(e.LHS, true, f)
	}
	if right {
		through(e.RHS, true, f)
	}
}
