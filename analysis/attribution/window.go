// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

// Window is the anomaly [Onset, End) among the samples. Those before Onset are the baseline.
type Window struct{ Onset, End int }

// Levels returns the mean of the samples in the anomaly and the median of those before it, NaN
// if there are none.
//
// Levels panics unless the window lies within the series.
func (w Window) Levels(series []float64) (at, baseline float64) {
	if w.Onset < 0 || w.End > len(series) || w.Onset > w.End {
		panic("attribution: window outside the series")
	}
	return mean(series[w.Onset:w.End]), median(series[:w.Onset])
}

// Change collects the levels of the candidates and of the target.
func (w Window) Change(coefficient []float64, x [][]float64, y []float64) Change {
	c := Change{Coefficient: coefficient}
	for _, s := range x {
		at, base := w.Levels(s)
		c.At, c.Baseline = append(c.At, at), append(c.Baseline, base)
	}
	c.TargetAt, c.TargetBase = w.Levels(y)
	return c
}

func mean(v []float64) float64 {
	var m float64
	n := 0.0
	for _, x := range v {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			n++
			m += (x - m) / n
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return m
}

func median(v []float64) float64 {
	var s []float64
	for _, x := range v {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			s = append(s, x)
		}
	}
	if len(s) == 0 {
		return math.NaN()
	}
	return order.MedianInPlace(s)
}
