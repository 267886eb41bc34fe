// SPDX-License-Identifier: Apache-2.0

package analysis

import "math"

// Limit is what the values of a KPI are compared with: its alert's condition.
type Limit struct {
	Operator string // >, >=, <, <=, == or !=
	Value    float64
}

// Level is how a KPI that did not move stands to its alert's threshold.
type Level struct {
	Operator  string  `json:"operator"`
	Threshold float64 `json:"threshold"`
	// Held is for how many seconds the condition has held at the end of the
	// incident, without a break; 0: it doesn't hold.
	Held float64 `json:"held"`
	// AtLeast says that it held already in the first sample that was asked for.
	AtLeast bool `json:"at_least,omitempty"`
}

// level tells since when a KPI has been beyond its limit; nil if it has none, or
// no samples, or if the alert has seen more than is seen here: it looked later, or often
// enough to see the first sample that is beyond.
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

// lastSample is the row of the newest value up to the end of the incident; -1 if
// there is none.
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
