// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// The base units in metric names, and units derived from them.
const (
	perSecond      = "/s"
	seconds        = "s"
	bytesUnit      = "B"
	bytesPerSecond = "B/s"
	ratioUnit      = "ratio" // 1 is the whole
	percentage     = "%"     // 100 is the whole
)

// quantity is a unit, possibly per second.
type quantity struct {
	base   string  // "": a count
	factor float64 // base units per unit; 0: one
	perSec bool
	known  bool
}

// multiple is a unit that people use instead of its base.
type multiple struct {
	name, base string
	factor     float64
}

func multiples() []multiple {
	return []multiple{
		{"ns", seconds, 1e-9},
		{"µs", seconds, 1e-6},
		{"ms", seconds, 1e-3},
		{"min", seconds, 60},
		{"h", seconds, 3600},
		{"d", seconds, 86400},
		{"kB", bytesUnit, 1e3},
		{"MB", bytesUnit, 1e6},
		{"GB", bytesUnit, 1e9},
		{"KiB", bytesUnit, 1 << 10},
		{"MiB", bytesUnit, 1 << 20},
		{"GiB", bytesUnit, 1 << 30},
	}
}

func (q quantity) unit() string {
	switch {
	case !q.known:
		return ""
	case q.factor != 0:
		for _, m := range multiples() {
			if !q.perSec && q.base == m.base && math.Abs(q.factor/m.factor-1) < 1e-9 {
				return m.name
			}
		}
		return ""
	case !q.perSec:
		return q.base
	case q.base == "":
		return perSecond
	case q.base == bytesUnit:
		return bytesPerSecond
	default: // seconds per second are cores
		return ""
	}
}

// share says whether q ranges from 0 to 1: a ratio, or seconds per second.
func (q quantity) share() bool {
	return q.known && q.factor == 0 && (q.base == ratioUnit && !q.perSec || q.base == seconds && q.perSec)
}

// flowing returns q per second.
func (q quantity) flowing() quantity {
	q.known = q.known && !q.perSec
	q.perSec = true
	return q
}

// times returns the quantity of a multiplied value. A multiple of a count is a bare number.
func (q quantity) times(by float64) quantity {
	switch {
	case by == 1:
		return q
	case by == 100 && q.share():
		return quantity{base: percentage, known: true}
	case by == 0.01 && q.base == percentage:
		return quantity{base: ratioUnit, known: true}
	case !q.known || q.perSec || q.base != seconds && q.base != bytesUnit:
		return quantity{}
	}
	if q.factor == 0 {
		q.factor = 1
	}
	if q.factor /= by; math.Abs(q.factor-1) < 1e-9 {
		q.factor = 0
	}
	return q
}

// quantityOfName reads the suffixes that Prometheus' naming conventions prescribe.
func quantityOfName(name string) quantity {
	switch q := quantityOfValues(name); {
	case strings.HasSuffix(name, "_bucket"), strings.HasSuffix(name, "_count"):
		return quantity{known: true}
	case strings.HasSuffix(name, "_sum") && q.base == "": // a sum of unknown values
		return quantity{}
	default:
		return q
	}
}

// quantityOfValues returns the unit of a metric's values, whether it sums them or counts them
// in buckets.
func quantityOfValues(name string) quantity {
	if strings.Contains(name, ":") {
		return quantityOfRecorded(name)
	}
	for _, part := range []string{"_total", "_sum", "_bucket", "_max", "_min", "_avg", "_mean"} {
		name = strings.TrimSuffix(name, part)
	}
	_, last, _ := cutLast(name, "_")
	switch last {
	case "seconds":
		return quantity{base: seconds, known: true}
	case "bytes":
		return quantity{base: bytesUnit, known: true}
	case "ratio":
		return quantity{base: ratioUnit, known: true}
	case "percent", "percentage":
		return quantity{base: percentage, known: true}
	}
	for _, m := range multiples() {
		if slices.Contains(spellings(m.name), last) {
			return quantity{base: m.base, factor: m.factor, known: true}
		}
	}
	return quantity{known: name != ""}
}

// spellings are the suffixes of metric names for a multiple.
func spellings(unit string) []string {
	return map[string][]string{
		"ns": {"nanoseconds", "ns"}, "µs": {"microseconds", "us"}, "ms": {"milliseconds", "millis", "ms"},
		"min": {"minutes"}, "h": {"hours"}, "d": {"days"},
		"kB": {"kilobytes", "kb"}, "MB": {"megabytes", "mb"}, "GB": {"gigabytes", "gb"},
		"KiB": {"kibibytes", "kib"}, "MiB": {"mebibytes", "mib"}, "GiB": {"gibibytes", "gib"},
	}[unit]
}

// quantityOfRecorded reads level:metric:operations. Only ratios and histograms are certain.
func quantityOfRecorded(name string) quantity {
	parts := strings.Split(name, ":")
	if operations := parts[len(parts)-1]; operations == ratioUnit || strings.HasPrefix(operations, ratioUnit+"_") {
		return quantity{base: ratioUnit, known: true}
	}
	for _, part := range parts {
		if metric, ok := strings.CutSuffix(part, "_bucket"); ok && metric != "" {
			return quantityOfValues(metric)
		}
	}
	return quantity{}
}

// cutLast slices s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// quantityOfQuotient is a ratio if both sides have the same known unit.
//
// A factor of 100 may be on its left side: 100 * a / b is (100 * a) / b.
func quantityOfQuotient(e *parser.BinaryExpr) quantity {
	if inner, ok := hundredfold(e.LHS); ok {
		if q := quantityOfQuotient(&parser.BinaryExpr{Op: e.Op, LHS: inner, RHS: e.RHS}); q.share() {
			return q.times(100)
		}
	}
	a, b := quantityOf(e.LHS), quantityOf(e.RHS)
	same := a == b && a.known && a.base != ratioUnit && a.base != percentage
	switch {
	case same && (a.base != "" || a.perSec || ofSameThings(e.LHS, e.RHS)):
		return quantity{base: ratioUnit, known: true}
	case a.known && b.known && a.perSec == b.perSec && a.base != "" && b.base == "": // seconds/s by requests/s: seconds per request
		return quantity{base: a.base, factor: a.factor, known: true}
	default:
		return quantity{}
	}
}

// hundredfold returns the other factor of a multiplication by 100.
func hundredfold(e parser.Expr) (of parser.Expr, ok bool) {
	b, is := unparen(e).(*parser.BinaryExpr)
	if !is || b.Op != parser.MUL {
		return nil, false
	}
	if n, is := Number(b.LHS); is && n == 100 {
		return b.RHS, true
	}
	n, is := Number(b.RHS)
	return b.LHS, is && n == 100
}

// ofSameThings says whether a is part of b if neither has a unit: both are counts of series, or
// they are the same metric, or a's name extends b's (files_free, files), or b's name says that
// it is a limit.
func ofSameThings(a, b parser.Expr) bool {
	if counts(a) || counts(b) {
		return counts(a) && counts(b)
	}
	above, below := Selectors(a), Selectors(b)
	if len(above) == 0 || len(below) != 1 {
		return false
	}
	whole := MetricName(below[0])
	if part := MetricName(above[0]); part == whole || whole != "" && strings.HasPrefix(part, whole+"_") {
		return true
	}
	name := strings.ToLower(MetricName(below[0]))
	return slices.ContainsFunc([]string{"max", "limit", "capacity", "quota", "allocatable", "spec", "desired", "size", "possible"}, func(most string) bool {
		return strings.Contains(name, most)
	})
}

// counts says whether e counts series.
func counts(e parser.Expr) bool {
	a, ok := unparen(e).(*parser.AggregateExpr)
	if !ok {
		return false
	}
	inner, compares := unparen(a.Expr).(*parser.BinaryExpr)
	return a.Op == parser.COUNT || a.Op == parser.SUM && compares && inner.Op.IsComparisonOperator() && inner.ReturnBool
}

// bringsLabels says whether e is only joined for its labels, and is 1 everywhere.
func bringsLabels(e parser.Expr) bool {
	if isOnes(e) {
		return true
	}
	all := Selectors(e)
	return len(all) == 1 && slices.ContainsFunc([]string{"_info", "_labels", "_owner"}, func(suffix string) bool { return hasSuffix(all[0], suffix) })
}
