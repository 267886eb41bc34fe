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
	cameBack     = 1. / 3 // share of a move by which it must have come back to have been another
	chanceRows   = 4      // rows of a rate that are far because one of its samples is: its range is as many steps long
	crept        = 0.1    // share of a level, by which it has changed where it is on its way
)

// Began returns the row in which the KPI began to move: the onset, or an earlier
// row if most of the move had come by the onset and began in the later part of
// the baseline. The median of the first half of the baseline is what it was. A KPI
// that was further away before, and came back on the way, began to move when it left
// again: before that was another incident.
func Began(values []float64, onset int) int { return began(values, values, onset) }

// began is [Began] where what is usual is known from other values than those that
// tell the way: these have the earlier incidents, too.
func began(known, values []float64, onset int) int {
	calm := slices.DeleteFunc(slices.Clone(known[:onset/2]), absent)
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
	w := way{usual: usual, sign: math.Copysign(1, move), still: still, back: max(minDeviation*noise, cameBack*math.Abs(move))}
	row, ok := w.start(values[:onset], int(leastHistory*float64(onset)))
	if !ok || onset-row < datedAnyway(onset, len(values)) {
		return onset // it has been on its way for most of the baseline, or the ranking dates it
	}
	return row
}

// way is how a KPI went away from its usual.
type way struct {
	usual, sign float64
	still       float64 // distance that is as good as none
	back        float64 // distance by which it came back on the way, if it did
}

// start goes back from the last of the values to the first row of the way, which is
// after least. It returns false if there is none.
func (w way) start(values []float64, least int) (row int, ok bool) {
	nearest, further := math.Inf(1), 0
	for row = len(values) - 1; row >= least; row-- {
		x := values[row]
		if absent(x) {
			continue
		}
		away := w.sign * (x - w.usual)
		if math.Abs(away) <= w.still {
			return row + 1, true
		}
		if away < nearest {
			nearest = away
		}
		if further++; away-nearest <= w.back {
			further = 0
		}
		if further > chanceRows {
			return w.leftAgain(values, nearest), true
		}
	}
	return 0, false
}

// leftAgain is the row after the last one in which a KPI was at its nearest to the usual.
func (w way) leftAgain(values []float64, nearest float64) int {
	for row := len(values) - 1; row >= 0; row-- {
		if w.sign*(values[row]-w.usual) <= nearest+w.still {
			return row + 1
		}
	}
	return 0
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
