// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/promql/parser"
)

// A native histogram has its events and their sum in one series; they add up over series like
// those of classic histograms.

// histogramRatio decomposes functions that divide by the number of events of a histogram. For
// others it returns a measure without denominator.
func histogramRatio(e *parser.Call) (Measure, error) {
	switch e.Func.Name {
	case "histogram_avg":
		events, err := ofHistogram(e.Args[0], "histogram_count(%s)")
		if err != nil {
			return Measure{}, err
		}
		sum, err := ofHistogram(e.Args[0], "histogram_sum(%s)")
		return Measure{Numerator: []Term{sum}, Denominator: []Term{events}, Scale: 1}, err
	case "histogram_fraction":
		from, known := Number(e.Args[0])
		to, too := Number(e.Args[1])
		if !known || !too {
			return Measure{}, errNoBucket
		}
		if classicBuckets(e.Args[2]) {
			return classicFraction(e.Args[2], from, to)
		}
		return nativeFraction(e.Args[2], from, to)
	default:
		return Measure{}, nil
	}
}

// classicFraction decomposes histogram_fraction on classic buckets, if it has a single bound.
func classicFraction(e parser.Expr, from, to float64) (Measure, error) {
	switch {
	case from <= 0 && !math.IsInf(to, 1):
		return classicShare(e, false, to)
	case from > 0 && math.IsInf(to, 1):
		return classicShare(e, true, from)
	default:
		return Measure{}, errNoBucket
	}
}

// nativeFraction decomposes histogram_fraction on native histograms.
func nativeFraction(e parser.Expr, from, to float64) (Measure, error) {
	all, err := ofHistogram(e, "histogram_count(%s)")
	if err != nil {
		return Measure{}, err
	}
	part, err := ofHistogram(e, fmt.Sprintf("histogram_fraction(%s, %s, %%[1]s) * histogram_count(%%[1]s)", boundText(from), boundText(to)))
	part.Per = all.Per
	return Measure{Numerator: []Term{part}, Denominator: []Term{all}, Scale: 1, Count: true}, err
}

func boundText(bound float64) string {
	if math.IsInf(bound, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(bound, 'g', -1, 64)
}

// ofHistogram returns a term made of the histograms in e, applied to each series before any
// sum.
func ofHistogram(e parser.Expr, format string) (Term, error) {
	e = bare(e)
	a, ok := e.(*parser.AggregateExpr)
	if !ok || a.Op != parser.SUM {
		inner, err := Parse(fmt.Sprintf(format, e))
		if err != nil {
			return Term{}, err
		}
		return term(inner), nil
	}
	inner, err := ofHistogram(a.Expr, format)
	if err != nil {
		return Term{}, err
	}
	sum := *a
	sum.Expr = MustParse(inner.Text)
	return term(&sum), nil
}
