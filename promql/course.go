// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql/expr"
)

// course returns a breakdown over the recent steps, before outliers are set aside; zero if
// steps are missing, or if the leaves are no parts of a sum.
func (j joiner) course(b *analysis.Breakdown) analysis.Course {
	n, ok := j.row()
	if s := j.b; !ok || n == 0 || len(b.Numerator.Recent) != n || s.of.Siblings || s.Levels || s.Extreme != expr.NoExtreme {
		return analysis.Course{}
	}
	c := analysis.Course{
		Numerator: b.Numerator.Recent, Length: recentStep.Seconds(),
		End: seconds(j.b.grid.before), From: seconds(j.b.grid.end.Add(-j.b.samples[0].length)), To: seconds(j.b.grid.end),
	}
	if b.Denominator != nil {
		if c.Denominator = b.Denominator.Recent; len(c.Denominator) != n {
			return analysis.Course{}
		}
	}
	c.Factor, c.Likeness = j.b.factor()
	return c
}

// factor converts the sum of the parts, or the quotient of two sums, to the KPI. If the KPI is
// something else (likeness is false), it converts amounts over the incident back to rates per
// second.
func (b parts) factor() (factor float64, likeness bool) {
	num, known := b.spread(b.Numerator)
	if b.Denominator == nil {
		return num, known && b.StandsFor == "" && !b.Tail && b.Bucket == 0
	}
	den, both := b.spread(b.Denominator)
	return b.Scale * num / den, known && both && b.StandsFor == "" && !b.Tail && b.Bucket == 0
}

// spread is the inverse of amount. It is known if all terms have the same time base; else it is
// per second.
func (b parts) spread(terms []expr.Term) (factor float64, known bool) {
	if !b.amounts() {
		return 1, true
	}
	per := terms[0].Per
	for _, t := range terms {
		if t.Per != per {
			return time.Second.Seconds() / b.incident().Seconds(), false
		}
	}
	return per.Seconds() / b.incident().Seconds(), true
}
