// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/localize"
)

// bounded makes all shares of an answer shares of one whole, of which none is
// more than all: where parts moved against the total, more moved than the total
// shows, and shares of the total alone would be of 500 % and −400 %. It returns
// by how much more. What noise moved against it is no such part.
//
// The published mode is left as it is published.
func (l *location) bounded(r localize.Result) float64 {
	if modeOf(l.options.Labels.Mode) == localize.NSDI || r.Gross && l.ofWhatMoved(r) {
		return 1
	}
	over := moreThanAll(r)
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

// ofWhatMoved makes all shares of an answer shares of what moved, where the total
// stood still: of nearly nothing they would say nothing. It returns false if
// that is not known.
func (l *location) ofWhatMoved(r localize.Result) bool {
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

// moreThanAll is the largest share of the change that anything has that is told:
// a value, what stands out of a label, or all that moved the way the total did.
func moreThanAll(r localize.Result) float64 {
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
