// SPDX-License-Identifier: Apache-2.0

package analysis

import "math"

// Limit is the condition of the alert on its KPI.
type Limit struct {
	Operator string // >, >=, <, <=, == or !=
	Value    float64
}

// Level is how a KPI that did not move compares with its alert's threshold.
type Level struct {
	Operator  string  `json:"operator"`
	Threshold float64 `json:"threshold"`
	// Held is how many seconds the condition has held without a break, at the end of the
	// incident; 0: it doesn't hold.
	Held float64 `json:"held"`
	// AtLeast says that the condition already held in the first sample, so Held is a lower
	// bound.
	AtLeast bool `json:"at_least,omitempty"`
}

// level returns since when a KPI has been beyond its limit. It returns nil if there is no limit
// or no sample, or if the alert must have seen more than these samples show, because it
// evaluated later or more often.
func (f Frame) level(t Target) *Level {
	if t.Limit == nil {
		return nil
	}
	last := f.lastSample(t.Values)
	if last < 0 {
		return nil
	}
	l := Level{Operator: t.Limit.Operator, Threshold: t.Limit.Value}
	since := -1
	for i := last; i >= 0; i-- {
		switch {
		case math.IsNaN(t.Values[i]):
		case !t.Limit.holds(t.Values[i]):
			switch {
			case since == last, since < 0 && !f.held(t):
				return nil
			case since >= 0:
				l.Held = f.Times[last] - f.Times[since]
			}
			return &l
		default:
			since = i
		}
	}
	l.Held, l.AtLeast = f.Times[last]-f.Times[since], true
	return &l
}

// held says whether a KPI was beyond its limit at any time of the incident.
func (f Frame) held(t Target) bool {
	for i, v := range t.Values {
		if f.Times[i] >= f.Onset && present(v) && t.Limit.holds(v) {
			return true
		}
	}
	return false
}

// lastSample returns the row of the last sample up to the end of the incident, or -1.
func (f Frame) lastSample(values []float64) int {
	for i := len(values) - 1; i >= 0; i-- {
		if present(values[i]) && (f.End == 0 || f.Times[i] <= f.End) {
			return i
		}
	}
	return -1
}

func (l Limit) holds(v float64) bool {
	switch l.Operator {
	case ">":
		return v > l.Value
	case ">=":
		return v >= l.Value
	case "<":
		return v < l.Value
	case "<=":
		return v <= l.Value
	case "==":
		return v == l.Value
	default:
		return v != l.Value
	}
}
