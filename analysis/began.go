// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// An alert on a level, such as a disk that fills up, fires when the level crosses its
// threshold, perhaps long after it began to move. The cause acted at the beginning, and by the
// time of the crossing looks usual.
const (
	mostBefore   = 0.5  // fraction of a move before the onset, from which on it began earlier
	hardlyMoved  = 0.05 // fraction of a move that counts as none
	leastHistory = 1. / 3
	cameBack     = 1. / 3 // fraction of a move by which it must have reversed to be two incidents
	smearRows    = 4      // rows that one outlying sample affects in a rate: its range spans as many steps
	minDrift     = 0.1    // relative change of a level from which on it is drifting
)

// Began returns the row in which the KPI began to move: the onset, or an earlier row if most of
// the move precedes the onset and began in the later part of the baseline. The baseline level
// is the median of its first half. If the KPI was farther away earlier and came back part of
// the way, the row is where it left again: before that was another incident.
func Began(values []float64, onset int) int { return began(values, values, onset) }

// began is [Began] with the baseline taken from known, and the move from values, which include
// earlier incidents.
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
	if before > math.Abs(move)/mostBefore { // it was elsewhere and came back, like a job that did not exist yet
		return onset
	}
	still := max(minDeviation*noise, hardlyMoved*math.Abs(move))
	w := departure{usual: usual, sign: math.Copysign(1, move), still: still, back: max(minDeviation*noise, cameBack*math.Abs(move))}
	row, ok := w.start(values[:onset], int(leastHistory*float64(onset)))
	if !ok || onset-row < datedByRanking(onset, len(values)) {
		return onset // it moved during most of the baseline, or the ranking finds the onset itself
	}
	return row
}

// departure describes the move of a KPI away from its baseline.
type departure struct {
	usual, sign float64
	still       float64 // distance that counts as none
	back        float64 // distance by which a reversal separates two moves
}

// start searches backwards for the first row of the move, but not before least. It returns
// false if there is none.
func (w departure) start(values []float64, least int) (row int, ok bool) {
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
		if further > smearRows {
			return w.lastDeparture(values, nearest), true
		}
	}
	return 0, false
}

// lastDeparture returns the row after the last one in which the KPI was closest to its baseline.
func (w departure) lastDeparture(values []float64, nearest float64) int {
	for row := len(values) - 1; row >= 0; row-- {
		if w.sign*(values[row]-w.usual) <= nearest+w.still {
			return row + 1
		}
	}
	return 0
}

// UnderWay says whether a KPI was already drifting, or beyond its alert's limit (nil: unknown),
// where its values begin: the baseline then lies before them.
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
	if math.Abs(move) <= max(minDeviation*noise, minDrift*math.Abs(level[0])) || math.Abs(first) < max(noise, hardlyMoved*math.Abs(move)) {
		return false
	}
	return slices.IsSorted(level[:]) || slices.IsSortedFunc(level[:], func(a, b float64) int { return cmp.Compare(b, a) })
}

// datedByRanking returns how many rows before the onset the ranking looks for it, because alerts
// may be late.
func datedByRanking(onset, rows int) int { return min(onset/3, max(5, 2*(rows-onset))) }

// residuals returns the differences of consecutive steps, which remove a slow drift.
func residuals(steps []float64) []float64 {
	d := make([]float64, len(steps)-1)
	for i := range d {
		d[i] = steps[i+1] - steps[i]
	}
	return d
}
