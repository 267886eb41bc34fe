// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"cmp"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// Apart decomposes a KPI as far as possible. What has no parts that add up, such as a maximum,
// becomes the series that it is taken over, or its own series, one of which is the alert's. The
// error says why not even that is possible.
func Apart(e parser.Expr) (Measure, error) {
	if inner, why := substitute(e); inner != nil {
		m, err := Apart(inner)
		m.StandsFor = why
		return m, err
	}
	m, err := Decompose(e)
	if err == nil {
		m, _ = againstPast(m)
		m.Leaf = !slices.ContainsFunc(append(slices.Clone(m.Numerator), m.Denominator...), aggregated)
		return m, nil
	}
	inner := takenOver(e)
	switch {
	case inner == nil:
		return Measure{}, err
	case inner == bare(e):
		m = Measure{Numerator: []Term{term(inner)}}
	default:
		var hopeless error
		if m, hopeless = Apart(inner); hopeless != nil {
			return Measure{}, err
		}
	}
	m.Leaf, m.Count, m.StandsFor = true, false, err.Error()
	return m, nil
}

// substitute returns what to decompose instead of e, and why; nil if that is e itself.
func substitute(e parser.Expr) (inner parser.Expr, why string) {
	if each := outlier(e); each != nil {
		return each, "it is compared with its peers, which move with it"
	}
	if now := besidePast(e); now != nil && !Additive(now) {
		return now, "it is compared with its own past"
	}
	if inner, why = moving(e); inner != nil {
		return inner, why
	}
	return filling(e)
}

// Fills says whether e measures how far a sum fills a bound. Its siblings are not divided by
// the bound.
func Fills(e parser.Expr) bool {
	inner, _ := filling(e)
	return inner != nil
}

// filling returns the sum that fills a bound without parts, such as connections /
// max(max_connections); nil for other expressions.
func filling(e parser.Expr) (inner parser.Expr, why string) {
	b, ok := bare(e).(*parser.BinaryExpr)
	if !ok {
		return nil, ""
	}
	if inner := nonNumberSide(b); inner != nil {
		return filling(inner)
	}
	above, isSum := bare(b.LHS).(*parser.AggregateExpr)
	below, isBound := bare(b.RHS).(*parser.AggregateExpr)
	if b.Op != parser.DIV || !isSum || !isBound || !Additive(above) {
		return nil, ""
	}
	switch below.Op {
	case parser.MIN, parser.MAX, parser.AVG, parser.QUANTILE:
		return above, abbreviate(below) + " has no parts that add up: only what is divided by it is broken down"
	}
	return nil, ""
}

// moving returns e with functions that measure movement or predict (and may be negative)
// replaced by their series; nil if there is none.
func moving(e parser.Expr) (inner parser.Expr, why string) {
	e = MustParse(e.String())
	if name := toLevels(&e); name != "" {
		return e, name + "() can be negative, so it is not part of a whole"
	}
	return nil, ""
}

// toLevels replaces functions that measure movement by their series, and returns the name of
// one; empty if there is none. Operands of comparisons stay.
func toLevels(e *parser.Expr) (name string) {
	if level, name := levelOf(*e); level != nil {
		*e = level
		return name
	}
	for _, operand := range operands(*e) {
		name = cmp.Or(toLevels(operand), name)
	}
	return name
}

// levelOf returns the series whose movement e measures or predicts.
func levelOf(e parser.Expr) (level parser.Expr, name string) {
	call, ok := unparen(e).(*parser.Call)
	if !ok {
		return nil, ""
	}
	switch call.Func.Name {
	case "predict_linear", "deriv", "delta", "idelta":
		if m, ok := unparen(call.Args[0]).(*parser.MatrixSelector); ok {
			return m.VectorSelector, call.Func.Name
		}
	}
	return nil, ""
}

// operands returns the operands that the values of e depend on.
func operands(e parser.Expr) []*parser.Expr {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return []*parser.Expr{&e.Expr}
	case *parser.UnaryExpr:
		return []*parser.Expr{&e.Expr}
	case *parser.AggregateExpr:
		return []*parser.Expr{&e.Expr}
	case *parser.BinaryExpr:
		switch {
		case e.Op.IsComparisonOperator():
			return nil
		case e.Op == parser.LAND || e.Op == parser.LUNLESS:
			return []*parser.Expr{&e.LHS}
		}
		return []*parser.Expr{&e.LHS, &e.RHS}
	case *parser.Call:
		list := make([]*parser.Expr, len(e.Args))
		for i := range e.Args {
			list[i] = &e.Args[i]
		}
		return list
	default:
		return nil
	}
}

// aggregated says whether a term is an aggregation.
func aggregated(t Term) bool {
	_, ok := unparen(MustParse(t.Text)).(*parser.AggregateExpr)
	return ok
}

// takenOver returns the series that a KPI without parts is taken over: those inside a maximum,
// or the KPI's own if it has labels. It returns nil if there are none.
func takenOver(e parser.Expr) parser.Expr {
	e = bare(e)
	switch e := e.(type) {
	case *parser.AggregateExpr:
		switch e.Op {
		case parser.MAX, parser.MIN, parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO, parser.QUANTILE, parser.STDDEV, parser.STDVAR:
			return e.Expr
		}
		return nil
	case *parser.BinaryExpr:
		if _, ok := Number(e.LHS); ok && linearOp(e.Op) && takenOver(e.RHS) != nil {
			return takenOver(e.RHS)
		}
		if _, ok := Number(e.RHS); ok && linearOp(e.Op) && takenOver(e.LHS) != nil {
			return takenOver(e.LHS)
		}
	}
	if labelled(e) {
		return e
	}
	return nil
}

func linearOp(op parser.ItemType) bool {
	return op == parser.ADD || op == parser.SUB || op == parser.MUL || op == parser.DIV
}

// labelled says whether the series of e can have labels.
func labelled(e parser.Expr) bool {
	switch e := unparen(e).(type) {
	case *parser.VectorSelector, *parser.MatrixSelector:
		return true
	case *parser.SubqueryExpr:
		return labelled(e.Expr)
	case *parser.UnaryExpr:
		return labelled(e.Expr)
	case *parser.AggregateExpr:
		return len(e.Grouping) > 0 || e.Without || e.Op == parser.COUNT_VALUES ||
			(e.Op == parser.TOPK || e.Op == parser.BOTTOMK || e.Op == parser.LIMITK) && labelled(e.Expr)
	case *parser.Call:
		return !slices.Contains([]string{"absent", "absent_over_time", "scalar", "vector", "time"}, e.Func.Name) &&
			slices.ContainsFunc(e.Args, labelled)
	case *parser.BinaryExpr:
		if m := e.VectorMatching; m != nil && m.On && len(m.MatchingLabels) == 0 && m.Card == parser.CardOneToOne {
			return false
		}
		return labelled(e.LHS) || labelled(e.RHS)
	default:
		return false
	}
}
