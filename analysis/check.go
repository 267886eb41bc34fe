// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// check returns an error for a frame that no analysis can work with: a bug of the caller,
// except for missing targets.
func (f Frame) check() error {
	if len(f.Targets) == 0 {
		return errors.New("there is no KPI to explain: the query of the target has returned nothing")
	}
	if !slices.IsSorted(f.Times) {
		return errors.New("the samples are not in the order of time")
	}
	for _, t := range f.Targets {
		if t.Values != nil && len(t.Values) != len(f.Times) {
			return fmt.Errorf("the target %q has %d samples on an axis of %d", t.Name, len(t.Values), len(f.Times))
		}
		for _, s := range t.Candidates {
			if len(s.Values) != len(f.Times) {
				return fmt.Errorf("the candidate %q has %d samples on an axis of %d", s.Name, len(s.Values), len(f.Times))
			}
		}
	}
	return nil
}

// levels returns the medians of a series before and in the incident; ok is false if either has
// no samples. After a threshold crossing, only the newest samples count: the KPI may still be
// moving, and the incident was extended to before the crossing.
func (f Frame) levels(values []float64, crossing bool) (before, after float64, ok bool) {
	var calm, incident []float64
	for i, v := range values {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
		case f.Times[i] < f.Onset:
			calm = append(calm, v)
		case f.Times[i] >= f.Settled && (f.End == 0 || f.Times[i] <= f.End):
			incident = append(incident, v)
		}
	}
	if len(calm) == 0 || len(incident) == 0 {
		return 0, 0, false
	}
	if crossing {
		incident = incident[newest(len(incident)):]
	}
	return order.MedianInPlace(calm), order.MedianInPlace(incident), true
}

// newest returns the index of the first of the last three of n samples, whose median is robust
// to one outlier. Of few samples it returns the last: the others may be too old.
func newest(n int) int {
	const few = 4
	if n <= few {
		return n - 1
	}
	return n - 3
}
