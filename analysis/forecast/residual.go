// SPDX-License-Identifier: Apache-2.0

package forecast

import "github.com/culprit-dev/culprit/analysis/order"

// Past forecast errors of the total show how far it strays when nothing is wrong. They are
// summarised as a robust standard deviation, 1.4826 times the median absolute deviation, so
// that an incident among them does not matter.

// leastResiduals is the fewest residuals for a standard deviation.
const leastResiduals = 3

// robustSD returns the robust standard deviation of residuals; 0 if there are too few.
func robustSD(residuals []float64) float64 {
	if len(residuals) < leastResiduals {
		return 0
	}
	return order.RobustSD(residuals)
}

// profileSD forecasts each earlier day's total from the other days, scaled to the hour before.
func profileSD(windows, hours [][]float64) float64 {
	if len(windows) < leastResiduals {
		return 0
	}
	w, h := totals(windows), totals(hours)
	var residuals []float64
	for j := range w {
		if ref := order.MedianInPlace(without(h, j)); ref > 0 {
			residuals = append(residuals, w[j]-order.MedianInPlace(without(w, j))*h[j]/ref)
		}
	}
	return robustSD(residuals)
}

// smoothSD forecasts each step's total from the weighted mean of those before.
func smoothSD(steps [][]float64) float64 {
	t := totals(steps)
	level := t[0]
	var residuals []float64
	for _, x := range t[1:] {
		residuals = append(residuals, x-level)
		level += ewmaAlpha * (x - level)
	}
	return robustSD(residuals)
}

// meanSD compares each step's total with the mean of all.
func meanSD(steps [][]float64) float64 {
	t := totals(steps)
	mean := total(t) / float64(len(t))
	for i := range t {
		t[i] -= mean
	}
	return robustSD(t)
}

// totals returns the sum over all leaves of each piece.
func totals(pieces [][]float64) []float64 {
	t := make([]float64, len(pieces))
	for i, p := range pieces {
		t[i] = total(p)
	}
	return t
}

// without returns a copy of x without x[j].
func without[T any](x []T, j int) []T {
	out := make([]T, 0, len(x)-1)
	out = append(out, x[:j]...)
	return append(out, x[j+1:]...)
}
