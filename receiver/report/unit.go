// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/analysis/words"
)

// UnitOf tells the unit of a query's result from the names of its metrics and
// from what the query does with them. It follows Prometheus' naming habits
// (base units as suffixes) and answers a bare number whenever it is not sure.
func UnitOf(query string) words.Unit {
	expr, err := parser.NewParser(parser.Options{EnableExperimentalFunctions: true}).ParseExpr(query)
	if err != nil {
		return ""
	}
	return measureOf(expr).unit()
}

// measure is a base unit, and whether it is counted a second.
type measure struct {
	base   words.Unit // "" is a count
	perSec bool
	known  bool
}

func (m measure) unit() words.Unit {
	switch {
	case !m.known:
		return ""
	case !m.perSec:
		return m.base
	case m.base == "":
		return words.PerSecond
	case m.base == words.Bytes:
		return words.BytesPerSecond
	default: // seconds a second are cores
		return ""
	}
}

// share says whether m goes from 0 to 1: a ratio, or seconds a second.
func (m measure) share() bool {
	return m.known && (m.base == words.Ratio && !m.perSec || m.base == words.Seconds && m.perSec)
}

func measureOf(expr parser.Expr) measure {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return measureOf(e.Expr)
	case *parser.StepInvariantExpr:
		return measureOf(e.Expr)
	case *parser.UnaryExpr:
		return measureOf(e.Expr)
	case *parser.SubqueryExpr:
		return measureOf(e.Expr)
	case *parser.MatrixSelector:
		return measureOf(e.VectorSelector)
	case *parser.VectorSelector:
		return measureOfName(e.Name)
	case *parser.AggregateExpr:
		return measureOfAggregate(e)
	case *parser.Call:
		return measureOfCall(e)
	case *parser.BinaryExpr:
		return measureOfBinary(e)
	default:
		return measure{}
	}
}

// measureOfName reads the suffixes that Prometheus' naming habits prescribe.
func measureOfName(name string) measure {
	for _, part := range []string{"_total", "_sum", "_bucket"} {
		name = strings.TrimSuffix(name, part)
	}
	for suffix, unit := range map[string]words.Unit{
		"_seconds": words.Seconds, "_bytes": words.Bytes, "_ratio": words.Ratio, "_percent": words.Percentage,
	} {
		if strings.HasSuffix(name, suffix) {
			return measure{base: unit, known: true}
		}
	}
	return measure{known: name != ""}
}

func measureOfAggregate(e *parser.AggregateExpr) measure {
	switch e.Op {
	case parser.COUNT:
		return measure{known: true}
	case parser.COUNT_VALUES, parser.GROUP, parser.STDVAR:
		return measure{}
	default:
		return measureOf(e.Expr)
	}
}

func measureOfCall(e *parser.Call) measure {
	switch e.Func.Name {
	case "time":
		return measure{base: words.Seconds, known: true}
	case "rate", "irate", "deriv":
		m := measureOf(e.Args[0])
		return measure{base: m.base, perSec: true, known: m.known && !m.perSec}
	case "histogram_quantile", "quantile_over_time":
		m := measureOf(e.Args[1])
		return measure{base: m.base, known: m.known && m.base != ""}
	case "predict_linear", "increase", "delta", "idelta", "abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort", "sort_desc",
		"avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "last_over_time", "histogram_sum", "histogram_avg", "label_replace":
		return measureOf(e.Args[0])
	default:
		return measure{}
	}
}

func measureOfBinary(e *parser.BinaryExpr) measure {
	left, right := measureOf(e.LHS), measureOf(e.RHS)
	number, isNumber := e.RHS.(*parser.NumberLiteral)
	if first, ok := e.LHS.(*parser.NumberLiteral); ok {
		left, right, number, isNumber = right, left, first, true
	}
	switch e.Op {
	case parser.MUL:
		if isNumber && number.Val == 100 && left.share() {
			return measure{base: words.Percentage, known: true}
		}
		return measure{}
	case parser.DIV:
		if isNumber {
			return measure{}
		}
		return divide(left, right)
	case parser.ADD, parser.SUB:
		switch {
		case isTime(e.LHS) || isTime(e.RHS): // the other side is a time, whatever its name
			return measure{base: words.Seconds, known: true}
		case isNumber || left == right:
			return left
		}
		return measure{}
	default: // comparisons and set operators pass the left side on
		return left
	}
}

// isTime says whether e is the time of the evaluation.
func isTime(e parser.Expr) bool {
	call, ok := e.(*parser.Call)
	return ok && call.Func.Name == "time"
}

// divide returns the measure of a quotient.
func divide(a, b measure) measure {
	switch {
	case !a.known || !b.known || a.perSec != b.perSec:
		return measure{}
	case a.base == b.base:
		return measure{base: words.Ratio, known: true}
	case b.base == "": // seconds a second by requests a second: seconds a request
		return measure{base: a.base, known: true}
	default:
		return measure{}
	}
}
