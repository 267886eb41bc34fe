// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// The base units that names of metrics end in, and what becomes of them.
const (
	perSecond      = "/s"
	seconds        = "s"
	bytesUnit      = "B"
	bytesPerSecond = "B/s"
	ratioUnit      = "ratio" // 1 is the whole
	percentage     = "%"     // 100 is the whole
)

// Unit tells the unit of a query's result from the names of its metrics and
// from what the query does with them: s, B, /s, B/s, ratio, %, or none. It
// follows Prometheus' naming habits (base units as suffixes) and answers a bare
// number, "", whenever it is not sure.
func Unit(query string) string {
	e, err := Parse(query)
	if err != nil {
		return ""
	}
	return quantityOf(e).unit()
}

// quantity is a base unit, and whether it is counted a second.
type quantity struct {
	base   string // "" is a count
	perSec bool
	known  bool
}

func (q quantity) unit() string {
	switch {
	case !q.known:
		return ""
	case !q.perSec:
		return q.base
	case q.base == "":
		return perSecond
	case q.base == bytesUnit:
		return bytesPerSecond
	default: // seconds a second are cores
		return ""
	}
}

// share says whether q goes from 0 to 1: a ratio, or seconds a second.
func (q quantity) share() bool {
	return q.known && (q.base == ratioUnit && !q.perSec || q.base == seconds && q.perSec)
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
		return quantityOfName(e.Name)
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

// quantityOfName reads the suffixes that Prometheus' naming habits prescribe.
func quantityOfName(name string) quantity {
	for _, part := range []string{"_total", "_sum", "_bucket"} {
		name = strings.TrimSuffix(name, part)
	}
	for suffix, unit := range map[string]string{
		"_seconds": seconds, "_bytes": bytesUnit, "_ratio": ratioUnit, "_percent": percentage,
	} {
		if strings.HasSuffix(name, suffix) {
			return quantity{base: unit, known: true}
		}
	}
	return quantity{known: name != ""}
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
	case "time":
		return quantity{base: seconds, known: true}
	case "rate", "irate", "deriv":
		q := quantityOf(e.Args[0])
		return quantity{base: q.base, perSec: true, known: q.known && !q.perSec}
	case "histogram_quantile", "quantile_over_time":
		q := quantityOf(e.Args[1])
		return quantity{base: q.base, known: q.known && q.base != ""}
	case "predict_linear", "increase", "delta", "idelta", "abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort", "sort_desc",
		"avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "last_over_time", "histogram_sum", "histogram_avg", "label_replace":
		return quantityOf(e.Args[0])
	default:
		return quantity{}
	}
}

func quantityOfBinary(e *parser.BinaryExpr) quantity {
	left, right := quantityOf(e.LHS), quantityOf(e.RHS)
	number, isNumber := e.RHS.(*parser.NumberLiteral)
	if first, ok := e.LHS.(*parser.NumberLiteral); ok {
		left, right, number, isNumber = right, left, first, true
	}
	switch e.Op {
	case parser.MUL:
		if isNumber && number.Val == 100 && left.share() {
			return quantity{base: percentage, known: true}
		}
		return quantity{}
	case parser.DIV:
		if isNumber {
			return quantity{}
		}
		return divide(left, right)
	case parser.ADD, parser.SUB:
		switch {
		case isClock(e.LHS) || isClock(e.RHS): // the other side is a time, whatever its name
			return quantity{base: seconds, known: true}
		case isNumber || left == right:
			return left
		}
		return quantity{}
	default: // comparisons and set operators pass the left side on
		return left
	}
}

// divide returns the quantity of a quotient.
func divide(a, b quantity) quantity {
	switch {
	case !a.known || !b.known || a.perSec != b.perSec:
		return quantity{}
	case a.base == b.base:
		return quantity{base: ratioUnit, known: true}
	case b.base == "": // seconds a second by requests a second: seconds a request
		return quantity{base: a.base, known: true}
	default:
		return quantity{}
	}
}
