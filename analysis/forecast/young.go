// SPDX-License-Identifier: Apache-2.0

package forecast

import "github.com/culprit-dev/culprit/analysis/order"

// young finds the leaves that did not exist yet on the oldest days of a profile.
type young struct {
	windows, hours [][]float64 // by day, newest first
	least          float64     // volume for which a day at 0 is not chance
}

// sinceBegun restricts the medians of a leaf to the days since it began, and returns the leaves
// that began after all of them. A small or intermittent leaf may be at 0 by chance, so its
// zeros count.
func (y young) sinceBegun(expected, ref []float64) (never []int) {
	for e := range expected {
		switch began := y.began(e); {
		case began < 0:
			never = append(never, e)
		case began < len(y.windows)-1 && y.steady(e, began):
			expected[e], ref[e] = medianOf(y.windows[:began+1], e), medianOf(y.hours[:began+1], e)
		}
	}
	return never
}

// began returns the oldest day on which a leaf existed, or -1. A leaf that began between the
// hour and the window of a day did not exist on that day.
func (y young) began(e int) int {
	for j := len(y.windows) - 1; j >= 0; j-- {
		switch window, hour := y.windows[j][e], y.hours[j][e]; {
		case hour == 0 && window >= y.least && window > 0:
			return j - 1
		case window != 0 || hour != 0:
			return j
		}
	}
	return -1
}

// steady says whether a leaf had enough volume on each day since it began.
func (y young) steady(e, began int) bool {
	for j := range began + 1 {
		if y.windows[j][e] < y.least || y.hours[j][e] < y.least {
			return false
		}
	}
	return true
}

func medianOf(days [][]float64, e int) float64 {
	values := make([]float64, 0, len(days))
	for _, day := range days {
		values = append(values, day[e])
	}
	return order.MedianInPlace(values)
}
