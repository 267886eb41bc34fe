// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// The number of distinct values has no parts, but the series that differ from most of the
// others are parts.

// oddOnesOut returns an expression that is 1 for series that differ from the median and 0 for
// the others, if d asks whether values differ; else nil.
func (d Derivation) oddOnesOut(e parser.Expr) parser.Expr {
	m, by := differing(e)
	if m == nil {
		m, by = spread(e)
		if limit, ok := d.Limit(); !ok || limit != 0 {
			return nil // it is about the size of the difference
		}
	}
	if m == nil {
		return nil
	}
	labels := strings.Join(by, ", ")
	odd, err := Parse(fmt.Sprintf("%s != bool on (%s) group_left () quantile by (%s) (0.5, %s)", inParens(m), labels, labels, m))
	if err != nil {
		return nil
	}
	return odd
}

// differing returns the series whose distinct values e counts, and its grouping; nil for other
// expressions.
func differing(e parser.Expr) (m parser.Expr, by []string) {
	switch e := bare(e).(type) {
	case *parser.BinaryExpr:
		if inner := nonNumberSide(e); inner != nil {
			return differing(inner)
		}
	case *parser.AggregateExpr:
		values, ok := unparen(e.Expr).(*parser.AggregateExpr)
		if ok && e.Op == parser.COUNT && values.Op == parser.COUNT_VALUES && !e.Without && !values.Without {
			return values.Expr, e.Grouping
		}
	}
	return nil, nil
}

// spread returns the series whose range (maximum − minimum) or standard deviation e is, and its
// grouping.
func spread(e parser.Expr) (m parser.Expr, by []string) {
	switch e := bare(e).(type) {
	case *parser.BinaryExpr:
		if inner := nonNumberSide(e); inner != nil {
			return spread(inner)
		}
		a, isA := unparen(e.LHS).(*parser.AggregateExpr)
		b, isB := unparen(e.RHS).(*parser.AggregateExpr)
		if !isA || !isB || e.Op != parser.SUB || a.Without || b.Without || a.Expr.String() != b.Expr.String() {
			return nil, nil
		}
		if a.Op == parser.MAX && b.Op == parser.MIN || a.Op == parser.MIN && b.Op == parser.MAX {
			return a.Expr, a.Grouping
		}
	case *parser.AggregateExpr:
		if (e.Op == parser.STDDEV || e.Op == parser.STDVAR) && !e.Without {
			return e.Expr, e.Grouping
		}
	}
	return nil, nil
}
