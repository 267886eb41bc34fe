// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// longestTitle is the largest length of a KPI's name in a line.
const longestTitle = 64

// Title names what an expression measures as people would: by its metric, by selectors that the
// alert's labels don't repeat, and by the operation. It is empty if there is no short name.
func Title(e parser.Expr, alert model.LabelSet) string {
	if title := (titles{alert}).of(e); len(title) <= longestTitle {
		return title
	}
	return ""
}

// titles names the KPIs of one alert.
type titles struct{ alert model.LabelSet }

func (t titles) of(e parser.Expr) string {
	switch e := bare(e).(type) {
	case *parser.VectorSelector:
		return t.ofSelector(e)
	case *parser.MatrixSelector:
		return t.of(e.VectorSelector)
	case *parser.AggregateExpr:
		return t.ofAggregate(e)
	case *parser.Call:
		return t.ofCall(e)
	case *parser.BinaryExpr:
		return t.ofBinary(e)
	default:
		return ""
	}
}

// ofSelector omits what the alert's labels say, and negative matchers.
func (t titles) ofSelector(s *parser.VectorSelector) string {
	var matchers []string
	for _, m := range s.LabelMatchers {
		wanted := m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp
		if _, said := t.alert[model.LabelName(m.Name)]; m.Name == model.MetricNameLabel || m.Name == model.JobLabel || said || !wanted {
			continue
		}
		matchers = append(matchers, m.String())
	}
	if len(matchers) == 0 {
		return MetricName(s)
	}
	return MetricName(s) + "{" + strings.Join(matchers, ",") + "}"
}

func (t titles) ofAggregate(e *parser.AggregateExpr) string {
	switch e.Op {
	case parser.SUM:
		return t.of(e.Expr)
	case parser.AVG:
		return prefixed("mean ", t.of(e.Expr))
	case parser.MAX:
		return prefixed("largest ", t.of(e.Expr))
	case parser.MIN:
		return prefixed("smallest ", t.of(e.Expr))
	case parser.QUANTILE:
		if q, ok := Number(e.Param); ok && q == .5 {
			return prefixed("median ", t.of(e.Expr))
		}
	case parser.COUNT:
		switch s := unparen(e.Expr); {
		case isSelector(s):
			return "number of " + s.String() // for counting existence the labels matter
		case isSelectorCompared(s):
			return "number of (" + s.String() + ")"
		}
	}
	return ""
}

func isSelector(e parser.Expr) bool {
	_, ok := unparen(e).(*parser.VectorSelector)
	return ok
}

// isSelectorCompared says whether e is a selector filtered by a number.
func isSelectorCompared(e parser.Expr) bool {
	b, ok := e.(*parser.BinaryExpr)
	if !ok || !b.Op.IsComparisonOperator() || b.ReturnBool {
		return false
	}
	_, isNumber := Number(b.RHS)
	return isNumber && isSelector(b.LHS)
}

func (t titles) ofCall(e *parser.Call) string {
	if len(e.Args) == 0 {
		return ""
	}
	inner := t.of(e.Args[0])
	switch e.Func.Name {
	case "rate", "irate", "last_over_time", "sum_over_time", "abs", "ceil", "floor":
		return inner
	case "increase", "delta", "idelta":
		return suffixed(inner, " in "+window(e.Args[0]))
	case "changes":
		return prefixed("changes of ", suffixed(inner, " in "+window(e.Args[0])))
	case "avg_over_time":
		return prefixed("mean ", inner)
	case "max_over_time":
		return prefixed("largest ", inner)
	case "min_over_time":
		return prefixed("smallest ", inner)
	case "predict_linear":
		if s, ok := Number(e.Args[1]); ok {
			return suffixed(inner, " in "+model.Duration(time.Duration(s)*time.Second).String()+", as predicted")
		}
	case "histogram_quantile":
		if q, ok := Number(e.Args[0]); ok {
			return prefixed(fmt.Sprintf("p%.4g of ", 100*q), strings.TrimSuffix(t.of(e.Args[1]), "_bucket"))
		}
	}
	return ""
}

func (t titles) ofBinary(e *parser.BinaryExpr) string {
	left, right := t.of(e.LHS), t.of(e.RHS)
	_, times := Number(e.LHS)
	_, scaled := Number(e.RHS)
	switch {
	case e.Op == parser.MUL && times, e.Op == parser.DIV && scaled, e.Op == parser.MUL && scaled:
		return scaledTitle(left + right) // one of them is a number, without a title
	case e.Op == parser.SUB && isClock(e.LHS):
		return prefixed("time since ", right)
	case e.Op == parser.SUB && isClock(e.RHS):
		return prefixed("time until ", left)
	case e.Op == parser.DIV && left != right && right != "" && strings.HasPrefix(left, right+"{"):
		return "share of " + strings.Trim(strings.TrimPrefix(left, right), "{}") + " in " + right
	case e.Op == parser.DIV && isPast(unparen(e.LHS), unparen(e.RHS)):
		return suffixed(left, " / that of "+ago(e.RHS))
	case e.Op == parser.DIV && left != right && left != "" && right != "":
		return left + " / " + strings.TrimPrefix(right, family(left, right))
	default:
		return ""
	}
}

// overWindow matches the time base of an increase.
var overWindow = regexp.MustCompile(` in [0-9a-z]+$`)

// scaledTitle is the title of a multiple, without the time base: an increase over five minutes
// divided by five is not one over five minutes.
func scaledTitle(title string) string {
	if strings.Contains(title, " / ") {
		return title
	}
	return overWindow.ReplaceAllString(title, "")
}

// family returns the common prefix of two names, in whole words.
func family(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return a[:strings.LastIndex(a[:n], "_")+1]
}

// window returns the range of a selector, in words.
func window(e parser.Expr) string { return model.Duration(rangeOf(unparen(e))).String() }

// ago returns the offset of e, in words.
func ago(e parser.Expr) string { return model.Duration(offsetOf(e)).String() + " before" }

// isClock says whether e is time().
func isClock(e parser.Expr) bool {
	call, ok := unparen(e).(*parser.Call)
	return ok && call.Func.Name == "time"
}

// RunsByTheClock says whether e is the time since or until something, which moves even if
// nothing happens.
func RunsByTheClock(e parser.Expr) bool {
	e = bare(e)
	if a, ok := e.(*parser.AggregateExpr); ok {
		return (a.Op == parser.MIN || a.Op == parser.MAX || a.Op == parser.AVG) && RunsByTheClock(a.Expr)
	}
	b, ok := e.(*parser.BinaryExpr)
	if !ok {
		return false
	}
	if _, ok := Number(b.LHS); ok {
		return b.Op == parser.MUL && RunsByTheClock(b.RHS)
	}
	if _, ok := Number(b.RHS); ok {
		return (b.Op == parser.MUL || b.Op == parser.DIV) && RunsByTheClock(b.LHS)
	}
	return b.Op == parser.SUB && isClock(b.LHS) != isClock(b.RHS)
}

// prefixed and suffixed extend a title, if there is one.
func prefixed(word, title string) string {
	if title == "" {
		return ""
	}
	return word + title
}

func suffixed(title, word string) string {
	if title == "" {
		return ""
	}
	return title + word
}
