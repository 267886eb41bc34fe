// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"github.com/prometheus/prometheus/promql/parser"
)

// Unit derives the unit of a query's result from metric names and operations: s, B, /s, B/s,
// ratio, %, a multiple of seconds or bytes such as ms or MiB. It relies on Prometheus' naming
// conventions (base units as suffixes) and returns "", a bare number, if it is not certain.
func Unit(query string) string {
	e, err := Parse(query)
	if err != nil {
		return ""
	}
	return quantityOf(e).unit()
}

func quantityOf(e parser.Expr) quantity {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return quantityOf(e.Expr)
	case *parser.StepInvariantExpr:
		return quantityOf(e.Expr)
	case *parser.UnaryExpr:
		return quantityOf(e.Expr)
	case *parser.SubqueryExpr:
		return quantityOf(e.Expr)
	case *parser.MatrixSelector:
		return quantityOf(e.VectorSelector)
	case *parser.VectorSelector:
		return quantityOfName(MetricName(e))
	case *parser.AggregateExpr:
		return quantityOfAggregate(e)
	case *parser.Call:
		return quantityOfCall(e)
	case *parser.BinaryExpr:
		return quantityOfBinary(e)
	default:
		return quantity{}
	}
}

func quantityOfAggregate(e *parser.AggregateExpr) quantity {
	switch e.Op {
	case parser.COUNT:
		return quantity{known: true}
	case parser.COUNT_VALUES, parser.GROUP, parser.STDVAR:
		return quantity{}
	default:
		return quantityOf(e.Expr)
	}
}

func quantityOfCall(e *parser.Call) quantity {
	switch e.Func.Name {
	case "time", "timestamp":
		return quantity{base: seconds, known: true}
	case "rate", "irate", "deriv":
		return quantityOf(e.Args[0]).flowing()
	case "histogram_quantile":
		return quantityOfEvent(e.Args[1])
	case "histogram_avg", "histogram_stddev":
		return quantityOfEvent(e.Args[0])
	case "histogram_fraction":
		return quantity{base: ratioUnit, known: true}
	case "histogram_count":
		return quantity{perSec: quantityOf(e.Args[0]).perSec, known: true}
	case "quantile_over_time":
		return quantityOf(e.Args[1])
	case "count_over_time", "changes", "resets":
		return quantity{known: true}
	case "predict_linear", "increase", "delta", "idelta", "abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "scalar", "vector",
		"sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "label_replace", "label_join",
		"avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "last_over_time", "first_over_time", "stddev_over_time", "histogram_sum":
		return quantityOf(e.Args[0])
	default:
		return quantity{}
	}
}

// quantityOfEvent returns the unit of a histogram's observations, a bare number if its name
// doesn't tell.
func quantityOfEvent(e parser.Expr) quantity {
	for _, s := range Selectors(e) {
		if q := quantityOfValues(MetricName(s)); q.base != "" {
			return quantity{base: q.base, factor: q.factor, known: true}
		}
	}
	return quantity{}
}

func quantityOfBinary(e *parser.BinaryExpr) quantity {
	left, right := quantityOf(e.LHS), quantityOf(e.RHS)
	number, isNumber := Number(e.RHS)
	first, firstIsNumber := Number(e.LHS)
	switch {
	case e.Op.IsComparisonOperator() && e.ReturnBool:
		return quantity{known: true}
	case e.Op.IsComparisonOperator() && e.LHS.Type() == parser.ValueTypeScalar:
		return right
	case e.Op.IsComparisonOperator(), e.Op == parser.LAND, e.Op == parser.LUNLESS:
		return left
	case e.Op == parser.LOR && (constant(e.RHS) || left == right):
		return left
	case e.Op == parser.MUL && isNumber:
		return left.times(number)
	case e.Op == parser.MUL && firstIsNumber:
		return right.times(first)
	case e.Op == parser.MUL:
		return quantityOfJoin(e)
	case e.Op == parser.DIV && isNumber && number != 0:
		return left.times(1 / number)
	case e.Op == parser.DIV && !firstIsNumber:
		return quantityOfQuotient(e)
	case e.Op != parser.ADD && e.Op != parser.SUB:
		return quantity{}
	case isClock(e.LHS) || isClock(e.RHS): // the other side is a timestamp, whatever its name
		return quantity{base: seconds, known: true}
	case firstIsNumber:
		return right
	case isNumber || left == right:
		return left
	default:
		return quantity{}
	}
}

// quantityOfJoin returns the unit of the side with values, if the other one is 1.
func quantityOfJoin(e *parser.BinaryExpr) quantity {
	switch {
	case bringsLabels(e.RHS):
		return quantityOf(e.LHS)
	case bringsLabels(e.LHS):
		return quantityOf(e.RHS)
	default:
		return quantity{}
	}
}
