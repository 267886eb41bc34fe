// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// Move is the way of the KPI. What came when most of it had been made did not begin
// it, and neither did what changed nothing in how it went on.
type Move struct {
	Times, Values []float64 // of the KPI, one a row
	Usual, Now    float64   // its level before the incident, and in it
	Seen          float64   // Unix seconds at which it was Now
}

const (
	most      = 0.5 // share of a move from which on it is most of it
	noted     = 75  // seconds by which a change may be noted late: an interval of scrapes and one of rules
	levelRows = 3   // whose median is a level: one odd sample does not move it, and a row may be late
	farther   = 3   // times the noise of a level, which a move is at the least
)

// way is a move as it is held against changes.
type way struct {
	Move
	sign  float64   // of the move
	times []float64 // of the rows that have a value
	away  []float64 // how far the KPI was from its usual then, in the direction of its move
	noise float64   // how far it is otherwise from one level to the next
}

// way returns nil for what has no samples.
func (m Move) way() *way {
	w := &way{Move: m, sign: math.Copysign(1, m.Now-m.Usual)}
	var values []float64
	for i, v := range m.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		values, w.times = append(values, v), append(w.times, m.Times[i])
		w.away = append(w.away, w.sign*(order.Median(values[max(0, len(values)-levelRows):])-m.Usual))
	}
	if len(values) == 0 {
		return nil
	}
	var steps []float64 // between levels that have no row in common
	for i := 2*levelRows - 1; i < len(w.away); i += levelRows {
		steps = append(steps, w.away[i]-w.away[i-levelRows])
	}
	if len(steps) > 0 {
		w.noise = order.RobustSD(steps)
	}
	return w
}

// without says that the KPI went its way without a change at a time: most of it had
// come by then, or as much in the same time before as since.
func (w *way) without(at float64) bool {
	if w == nil {
		return false
	}
	at -= noted
	whole, then := w.sign*(w.Now-w.Usual), w.kept(at)
	if then >= most*whole && then > farther*w.noise {
		return true
	}
	from := max(w.times[0], 2*at-w.Seen)
	looked, before := (at-from)/(w.Seen-at), then-w.awayAt(from)
	return looked >= most && before >= most*looked*(whole-then) && before > farther*w.noise
}

// kept is how far the KPI was at a time, as far as it did not come back from there on its
// way: else that was a spike, or another move.
func (w *way) kept(at float64) float64 {
	least := w.awayAt(at)
	for i, t := range w.times {
		if t > at && t <= w.Seen {
			least = min(least, w.away[i])
		}
	}
	return least
}

// awayAt is how far the KPI was at a time, or in the first row.
func (w *way) awayAt(at float64) float64 {
	i, found := slices.BinarySearch(w.times, at)
	if !found {
		i--
	}
	return w.away[max(0, i)]
}
