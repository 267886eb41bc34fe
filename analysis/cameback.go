// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/rank"
)

// wentBack is the share of its move within which a series is back where it was.
const wentBack = 0.25

// tellMoves gives each series that moved in the incident and is back since the level to
// which it went: that of most of the incident says nothing of its move. How sure a cause
// is has been told by then.
func (a *accounts) tellMoves() {
	for i, cause := range a.ranking.Causes {
		if level, back := a.reached(cause); back {
			a.back[cause.Series] = !stoodStill(cause) // else its sentence says so already
			a.ranking.Causes[i].After = level
		}
	}
}

// sayBack says that a series is back, as the rest of its sentence.
func (a *accounts) sayBack(cause rank.Cause) string {
	if a.back[cause.Series] {
		return ", and came back"
	}
	return ""
}

// reached is the level to which a series went that is back. It returns false of any
// other, also of one that comes and goes.
func (a *accounts) reached(cause rank.Cause) (level float64, back bool) {
	if !cause.Moved() {
		return 0, false
	}
	values := a.series[cause.Series].Values
	if was := a.asItWas[a.series[cause.Series].Name]; was != nil {
		values = was
	}
	away := slices.DeleteFunc(slices.Clone(values[a.ranking.Onset:]), absent)
	for i := range away {
		away[i] -= cause.Before
	}
	move := lastingMove(away)
	near := func(x float64) bool { return math.Abs(x) <= wentBack*math.Abs(move) }
	if move == 0 || !near(cause.After-cause.Before) || !near(order.Median(away[len(away)-max(2, len(away)/4):])) {
		return 0, false
	}
	far := slices.DeleteFunc(away, func(x float64) bool { return x/move < 0.5 })
	return cause.Before + order.Median(far), true
}

// lastingMove is the furthest that two values in a row both reach, 0 if there is none.
func lastingMove(away []float64) (move float64) {
	for i := 1; i < len(away); i++ {
		a, b := away[i-1], away[i]
		if least := min(math.Abs(a), math.Abs(b)); a*b > 0 && least > math.Abs(move) {
			move = math.Copysign(least, a)
		}
	}
	return move
}
