// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Kind says what a KPI is made of, and so how it can be decomposed.
type Kind string

// The kinds.
const (
	KindAdditive Kind = "additive" // a sum, a count, a rate, plain series: parts add up
	KindRatio    Kind = "ratio"    // a quotient of two additive ones
	KindMean     Kind = "mean"     // an average, or a sum of values over their count
	KindQuantile Kind = "quantile" // of a histogram or a summary
	KindExtremum Kind = "extremum" // a maximum or minimum over series or over time
	KindAge      Kind = "age"      // the time since something, or until it
	KindChange   Kind = "change"   // how often or how fast something changes
	KindPresence Kind = "presence" // whether there are series at all
	KindOther    Kind = "other"    // none of these, such as a standard deviation
)

// kindOf returns the kind of an expression without comparison.
func kindOf(e parser.Expr) Kind {
	switch e := bare(e).(type) {
	case *parser.AggregateExpr:
		return kindOfAggregate(e)
	case *parser.Call:
		return kindOfCall(e)
	case *parser.BinaryExpr:
		return kindOfBinary(e)
	case *parser.UnaryExpr:
		return kindOf(e.Expr)
	case *parser.VectorSelector:
		if slices.ContainsFunc(e.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == "quantile" }) {
			return KindQuantile // of a summary
		}
		return KindAdditive
	case *parser.SubqueryExpr:
		return kindOf(e.Expr)
	case *parser.MatrixSelector:
		return kindOf(e.VectorSelector)
	default:
		return KindOther
	}
}

func kindOfAggregate(e *parser.AggregateExpr) Kind {
	switch e.Op {
	case parser.SUM, parser.COUNT, parser.GROUP:
		return KindAdditive
	case parser.AVG:
		return KindMean
	case parser.MAX, parser.MIN:
		return KindExtremum
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return kindOf(e.Expr) // some of the series, as they are
	case parser.QUANTILE:
		return KindQuantile
	default:
		return KindOther
	}
}

func kindOfCall(e *parser.Call) Kind {
	switch name := e.Func.Name; name {
	case "histogram_quantile", "histogram_quantiles", "quantile_over_time":
		return KindQuantile
	case "histogram_avg":
		return KindMean
	case "histogram_fraction":
		return KindRatio
	case "max_over_time", "min_over_time":
		return KindExtremum
	case "changes", "resets", "delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing", "holt_winters":
		return KindChange
	case "absent", "absent_over_time", "present_over_time":
		return KindPresence
	case "time", "timestamp":
		return KindAge
	case "rate", "irate", "increase", "sum_over_time", "count_over_time", "histogram_count", "histogram_sum":
		return KindAdditive
	case "avg_over_time", "last_over_time", "first_over_time", "abs", "ceil", "floor", "vector":
		return kindOf(e.Args[0])
	default:
		return KindOther
	}
}

func kindOfBinary(e *parser.BinaryExpr) Kind {
	_, leftIsNumber := Number(e.LHS)
	_, rightIsNumber := Number(e.RHS)
	switch {
	case e.Op.IsComparisonOperator(): // with bool: 1 or 0 per series
		return KindAdditive
	case leftIsNumber && e.Op != parser.POW:
		return kindOf(e.RHS)
	case rightIsNumber && e.Op != parser.POW:
		return kindOf(e.LHS)
	}
	switch e.Op {
	case parser.LOR:
		return kindOf(e.LHS)
	case parser.DIV:
		return kindOfQuotient(e)
	case parser.ADD, parser.SUB:
		return kindOfSum(kindOf(e.LHS), kindOf(e.RHS))
	case parser.MUL:
		return kindOfProduct(e)
	default:
		return KindOther
	}
}

// kindOfQuotient distinguishes a mean from a ratio by names: the sum of a histogram or summary
// divided by its count.
func kindOfQuotient(e *parser.BinaryExpr) Kind {
	sums, counts := Selectors(e.LHS), Selectors(e.RHS)
	if len(sums) == 1 && len(counts) == 1 && hasSuffix(sums[0], "_sum") && hasSuffix(counts[0], "_count") {
		return KindMean
	}
	return KindRatio
}

func kindOfSum(left, right Kind) Kind {
	switch {
	case left == KindAge || right == KindAge:
		return KindAge
	case left == right || right == KindAdditive && simple(left):
		return left
	case left == KindAdditive && simple(right):
		return right
	default:
		return KindOther
	}
}

// simple says whether a kind survives adding something.
func simple(k Kind) bool { return k == KindExtremum || k == KindChange }

// kindOfProduct returns the kind of the side with values, if the other one only adds labels.
func kindOfProduct(e *parser.BinaryExpr) Kind {
	if e.VectorMatching == nil {
		return KindOther
	}
	switch e.VectorMatching.Card {
	case parser.CardOneToMany:
		return kindOf(e.RHS)
	default:
		return kindOf(e.LHS)
	}
}

func hasSuffix(s *parser.VectorSelector, suffix string) bool {
	return strings.HasSuffix(MetricName(s), suffix)
}

// MetricName returns the metric that s selects; empty unless it is a single name.
func MetricName(s *parser.VectorSelector) string {
	if s.Name != "" {
		return s.Name
	}
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}
