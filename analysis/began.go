// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// An alert on a level, such as that of a disk that fills up, fires when the level
// crosses its threshold, and that may be long after the move began. What caused
// it did so at the beginning, and by the threshold it passes for usual.
const (
	mostBefore   = 0.5  // share of a move that came before the onset, from which on it began earlier
	hardlyMoved  = 0.05 // share of a move that is as good as none
	leastHistory = 1. / 3
	crept        = 0.1 // share of a level, by which it has changed where it is on its way
)

// Began returns the row in which the KPI began to move: the onset, or an earlier
// row if most of the move had come by the onset and began in the later part of
// the baseline. The median of the first half of the baseline is what it was.
func Began(values []float64, onset int) int {
	calm := slices.DeleteFunc(slices.Clone(values[:onset/2]), absent)
	late := slices.DeleteFunc(slices.Clone(values[max(0, onset-3):onset]), absent)
	incident := slices.DeleteFunc(slices.Clone(values[onset:]), absent)
	if len(calm) == 0 || len(late) == 0 || len(incident) == 0 {
		return onset
	}
	usual, noise := order.Median(calm), order.RobustSD(calm)
	move := order.MedianInPlace(incident) - usual
	before := (order.MedianInPlace(late) - usual) * math.Copysign(1, move)
	if before < mostBefore*math.Abs(move) || before < 2*minDeviation*noise || before == 0 {
		return onset
	}
	if before > math.Abs(move)/mostBefore { // it had been elsewhere, and came back: as a job does that was not there yet
		return onset
	}
	still := max(minDeviation*noise, hardlyMoved*math.Abs(move))
	for row := onset - 1; row >= int(leastHistory*float64(onset)); row-- {
		switch {
		case math.Abs(values[row]-usual) > still || absent(values[row]):
		case onset-row > datedAnyway(onset, len(values)):
			return row + 1
		default:
			return onset
		}
	}
	return onset // it has been on its way for most of the baseline
}

// UnderWay says whether a KPI was on its way already where its values begin, or
// beyond the limit of its alert (nil: not known): then what is usual lies before
// them.
func UnderWay(values []float64, onset int, limit *Limit) bool {
	var calm []float64
	for _, v := range values[:min(onset, len(values))] {
		if present(v) {
			calm = append(calm, v)
		}
	}
	quarter := len(calm) / 4
	if quarter == 0 {
		return false
	}
	if limit != nil && !slices.ContainsFunc(calm[:quarter], func(v float64) bool { return !limit.holds(v) }) {
		return true
	}
	var level [4]float64
	for k := range level {
		level[k] = order.Median(calm[k*quarter : (k+1)*quarter])
	}
	noise := order.RobustSD(residuals(calm)) / math.Sqrt2
	move, first := level[3]-level[0], level[1]-level[0]
	if math.Abs(move) <= max(minDeviation*noise, crept*math.Abs(level[0])) || math.Abs(first) < max(noise, hardlyMoved*math.Abs(move)) {
		return false
	}
	return slices.IsSorted(level[:]) || slices.IsSortedFunc(level[:], func(a, b float64) int { return cmp.Compare(b, a) })
}

// datedAnyway is how many rows before the onset the ranking dates it by itself,
// since an alert may be late; it takes no more than these for untypical.
func datedAnyway(onset, rows int) int { return min(onset/3, max(5, 2*(rows-onset))) }

// residuals are the differences of consecutive steps, which a slow drift is not part of.
func residuals(steps []float64) []float64 {
	d := make([]float64, len(steps)-1)
	for i := range d {
		d[i] = steps[i+1] - steps[i]
	}
	return d
}
