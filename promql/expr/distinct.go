// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// How many different values there are has no parts; who has another value than
// most has.

// oddOnesOut is 1 for each series of which d asks whether their values differ, if
// its own is not that of the middle one, and 0 for those that have that. It is nil if d
// asks nothing of the kind.
func (d Derivation) oddOnesOut(e parser.Expr) parser.Expr {
	m, by := differing(e)
	if m == nil {
		m, by = spread(e)
		if limit, ok := d.Limit(); !ok || limit != 0 {
			return nil // how far apart they are is meant
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

// differing returns the series of which e counts the different values, and by
// which labels; nil if it doesn't.
func differing(e parser.Expr) (m parser.Expr, by []string) {
	switch e := bare(e).(type) {
	case *parser.BinaryExpr:
		if inner := numberAside(e); inner != nil {
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

// spread returns the series of which e tells how far they are apart: the largest
// less the smallest, or their standard deviation.
func spread(e parser.Expr) (m parser.Expr, by []string) {
	switch e := bare(e).(type) {
	case *parser.BinaryExpr:
		if inner := numberAside(e); inner != nil {
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
