// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/localize"
)

// boundShares rescales all shares so that none exceeds 1. Where parts move against the total, more
// moved than the total shows, and shares of the total would be 500 % and −400 %. It returns the
// factor. Movement within noise does not count.
//
// The NSDI mode stays as published.
func (l *location) boundShares(r localize.Result) float64 {
	if modeOf(l.options.Labels.Mode) == localize.NSDI || r.Gross && l.useGrossShares(r) {
		return 1
	}
	over := largestShare(r)
	if over <= 1+againstUpTo {
		over = 1
	}
	fit := func(share *float64) { *share = min(max(*share/over, -1), 1) }
	for i := range r.Causes {
		c := &r.Causes[i]
		c.Rate, c.Mix = c.Rate/over, c.Mix/over
		fit(&c.Share)
	}
	for i := range r.Dimensions {
		t := &r.Dimensions[i].Table
		fit(&t.Set.EP)
		for k := range t.Elements {
			fit(&t.Elements[k].EP)
		}
	}
	return over
}

// useGrossShares makes all shares relative to the gross movement if the total stood still: shares
// of nearly nothing are meaningless. It returns false if nothing moved.
func (l *location) useGrossShares(r localize.Result) bool {
	var gross float64
	for i, f := range l.input.Measure.Forecast {
		gross += math.Abs(l.input.Measure.Actual[i] - f)
	}
	if gross == 0 {
		return false
	}
	share := func(actual, forecast float64) float64 { return min(1, math.Abs(actual-forecast)/gross) }
	for i := range r.Causes {
		c := &r.Causes[i]
		c.Share = share(c.Actual, c.Forecast)
	}
	for i := range r.Dimensions {
		t := &r.Dimensions[i].Table
		t.Set.EP = 0
		for k := range t.Elements {
			e := &t.Elements[k]
			if e.EP = share(e.Actual, e.Forecast); slices.Contains(t.Set.Elements, e.ID) {
				t.Set.EP += e.EP
			}
		}
		t.Set.EP = min(1, t.Set.EP)
	}
	return true
}

// largestShare returns the largest share of the change among values, candidate sets and the sum
// of all confident causes that moved with the total.
func largestShare(r localize.Result) float64 {
	over, with := 1.0, 0.0
	for _, c := range r.Causes {
		over = max(over, c.Share)
		if c.Confidence != localize.Low && c.Share > 0 {
			with += c.Share
		}
	}
	over = max(over, with)
	for _, d := range r.Dimensions {
		over = max(over, d.Set.EP)
		for _, e := range d.Elements {
			over = max(over, math.Abs(e.EP))
		}
	}
	return finite(over)
}
