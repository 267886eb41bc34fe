// SPDX-License-Identifier: Apache-2.0

package analysis

import (
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
)

// began returns the row in which the KPI began to move: the onset, or an earlier
// row if most of the move had come by the onset and began in the later part of
// the baseline. The median of the first half of the baseline is what it was.
func began(values []float64, onset int) int {
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

// datedAnyway is how many rows before the onset the ranking dates it by itself,
// since an alert may be late; it takes no more than these for untypical.
func datedAnyway(onset, rows int) int { return min(onset/3, max(5, 2*(rows-onset))) }

func absent(v float64) bool { return !present(v) }
