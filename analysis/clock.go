// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/order"
)

// A KPI that is the time since or until something moves with the clock. All that can happen to
// it is that it was reset, or that a reset is overdue. So its move means nothing and no label
// explains it; its value, and those of its siblings, do.

// latest returns the last sample up to the end of the incident; 0 if there is none.
func (f Frame) latest(values []float64) float64 {
	last := 0.0
	for i, v := range values {
		if present(v) && (f.End == 0 || f.Times[i] <= f.End) {
			last = v
		}
	}
	return last
}

// ascends says whether most steps of a series go up.
func (f Frame) ascends(values []float64) bool {
	up := 0
	for i := 1; i < len(values); i++ {
		switch {
		case values[i] > values[i-1]:
			up++
		case values[i] < values[i-1]:
			up--
		}
	}
	return up > 0
}

// others returns the median of the KPI's siblings, in the unit of own, the KPI's current value;
// 0 if there are none. The leaves may have another unit, such as seconds for days: the KPI's
// own leaf gives the factor.
func (b *Breakdown) others(own float64) float64 {
	if b == nil || b.Own == nil || b.Denominator != nil {
		return 0
	}
	at, unit := []float64{}, 0.0
	for i, leaf := range b.Leaves {
		v := b.Numerator.Actual[i]
		switch {
		case !present(v):
		case !has(b.Labels, leaf, b.Own):
			at = append(at, v)
		case v != 0:
			unit = own / v
		}
	}
	if len(at) == 0 {
		return 0
	}
	return finite(order.MedianInPlace(at) * unit)
}

// mostSteps is by how many of its steps a clock may be off without having jumped: samples come
// late.
const mostSteps = 10

// jumped says whether a clock moved by more than time, in the incident or just before, and
// towards its threshold: a certificate was replaced by a shorter one, or an alert on young
// processes saw a start. If the limit is unknown, only jumps in the clock's own direction
// count.
func (f Frame) jumped(t Target) bool {
	const rows = 3 // by which the onset may be late
	values := t.Values
	var slopes, jumps []float64
	last := -1
	for i, v := range values {
		if !present(v) || f.End != 0 && f.Times[i] > f.End {
			continue
		}
		if last >= 0 {
			slope := (v - values[last]) / (f.Times[i] - f.Times[last])
			slopes = append(slopes, slope)
			if f.Times[min(i+rows, len(f.Times)-1)] >= f.Onset {
				jumps = append(jumps, slope)
			}
		}
		last = i
	}
	if len(slopes) == 0 {
		return false
	}
	clock := order.MedianInPlace(slopes)
	toward := clock
	switch {
	case t.Limit == nil:
	case strings.HasPrefix(t.Limit.Operator, "<"):
		toward = -math.Abs(clock)
	case strings.HasPrefix(t.Limit.Operator, ">"):
		toward = math.Abs(clock)
	}
	return clock != 0 && slices.ContainsFunc(jumps, func(slope float64) bool { return slope/toward > mostSteps })
}
