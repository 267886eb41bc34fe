// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/order"
)

// A KPI that is the time since or until something moves with the clock, and all
// that can have happened to it is that it was set, or that it was not. So its
// move says nothing, and no label explains it; what tells something is how far
// it is, and how far its siblings are.

// latest is the last sample up to the end of the incident; 0 if there is none.
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

// others is where the siblings of a KPI that is at own now are, the middle one of
// them; 0 if there are none. The leaves may be in another unit than the KPI,
// such as seconds for days, which the KPI's own leaf tells.
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

// mostSteps is by how many of its steps a time may be off without having jumped:
// clocks are read late.
const mostSteps = 10

// jumped says whether the time since or until something moved by more than the
// clock in the incident, or just before it, and to where the alert fires, as where a
// certificate was replaced by a shorter one, or where a process was started that an alert
// on young ones is about. Where the limit is not known, that is the way of the clock.
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
