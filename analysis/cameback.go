// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/rank"
)

// returnedWithin is the fraction of its move within which a series counts as back at its old level.
const returnedWithin = 0.25

// usePeakLevels gives each series that moved and came back the level that it went to: its median
// over the incident does not show the move. Confidences are final by then.
func (a *accounts) usePeakLevels() {
	for i, cause := range a.ranking.Causes {
		if level, back := a.peakLevel(cause); back {
			a.hasReturned[cause.Series] = !stoodStill(cause) // else its sentence says so already
			a.ranking.Causes[i].After = level
		}
	}
}

// sayReturned adds to a sentence that a series came back.
func (a *accounts) sayReturned(cause rank.Cause) string {
	if a.hasReturned[cause.Series] {
		return ", and came back"
	}
	return ""
}

// peakLevel returns the level that a series went to before it came back. It returns false for all
// others, also for one that comes and goes.
func (a *accounts) peakLevel(cause rank.Cause) (level float64, back bool) {
	if !cause.Moved() {
		return 0, false
	}
	values := a.series[cause.Series].Values
	if was := a.original[a.series[cause.Series].Name]; was != nil {
		values = was
	}
	away := slices.DeleteFunc(slices.Clone(values[a.ranking.Onset:]), absent)
	for i := range away {
		away[i] -= cause.Before
	}
	move := lastingMove(away)
	near := func(x float64) bool { return math.Abs(x) <= returnedWithin*math.Abs(move) }
	if move == 0 || !near(cause.After-cause.Before) || !near(order.Median(away[len(away)-max(2, len(away)/4):])) {
		return 0, false
	}
	far := slices.DeleteFunc(away, func(x float64) bool { return x/move < 0.5 })
	return cause.Before + order.Median(far), true
}

// lastingMove returns the largest deviation that two consecutive values both reach; 0 if there
// is none.
func lastingMove(away []float64) (move float64) {
	for i := 1; i < len(away); i++ {
		a, b := away[i-1], away[i]
		if least := min(math.Abs(a), math.Abs(b)); a*b > 0 && least > math.Abs(move) {
			move = math.Copysign(least, a)
		}
	}
	return move
}
