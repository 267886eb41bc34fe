// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// Move is the course of the KPI. A change did not begin the move if most of it came before, or
// if the move went on as before.
type Move struct {
	Times, Values []float64 // of the KPI, one per row
	Usual, Now    float64   // its level before the incident, and in it
	Seen          float64   // Unix seconds at which it reached Now
}

const (
	mostOfMove   = 0.5 // fraction of a move from which on it is most of it
	maxDelay     = 75  // seconds by which a change may be recorded late: a scrape interval and an evaluation interval
	levelRows    = 3   // rows for the median of a level: robust to one outlier, and to a late row
	minMoveNoise = 3   // smallest move, in multiples of a level's noise
)

// course is a move prepared for comparison with changes.
type course struct {
	Move
	sign  float64   // direction of the move
	times []float64 // rows with a value
	away  []float64 // deviation from Usual at those, in the direction of the move
	noise float64   // usual difference between consecutive levels
}

// course returns nil if there are no samples.
func (m Move) course() *course {
	w := &course{Move: m, sign: math.Copysign(1, m.Now-m.Usual)}
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
	var steps []float64 // between levels that share no row
	for i := 2*levelRows - 1; i < len(w.away); i += levelRows {
		steps = append(steps, w.away[i]-w.away[i-levelRows])
	}
	if len(steps) > 0 {
		w.noise = order.RobustSD(steps)
	}
	return w
}

// without says whether the KPI moved independently of a change: most of the move came before
// it, or as much in the same time before it as after.
func (w *course) without(at float64) bool {
	if w == nil {
		return false
	}
	at -= maxDelay
	whole, then := w.sign*(w.Now-w.Usual), w.kept(at)
	if then >= mostOfMove*whole && then > minMoveNoise*w.noise {
		return true
	}
	from := max(w.times[0], 2*at-w.Seen)
	looked, before := (at-from)/(w.Seen-at), then-w.awayAt(from)
	return looked >= mostOfMove && before >= mostOfMove*looked*(whole-then) && before > minMoveNoise*w.noise
}

// preceded reports whether a change came before all known samples of the KPI, which were then at
// their usual level for a while: whatever runs was started at some time, and that start is part of
// the baseline. began is when the KPI moved, in Unix seconds.
func (w *course) preceded(at, began float64) bool {
	return w != nil && w.Times[0] <= at && at < w.times[0] && began-w.times[0] >= settled
}

// remedied reports whether the KPI had moved as far when a change came, and was back for a while
// before it moved again: a change that ended the same trouble did not begin it, as the trouble comes
// without it. began is when the KPI moved, in Unix seconds.
func (w *course) remedied(at, began float64) bool {
	if w == nil {
		return false
	}
	whole, far, last := w.sign*(w.Now-w.Usual), w.awayAt(at), at
	for i, t := range w.times {
		switch {
		case at-maxDelay <= t && t <= at:
			far = max(far, w.away[i])
		case at < t && t < began-maxDelay && w.away[i] >= mostOfMove*whole:
			last = t
		}
	}
	return far >= mostOfMove*whole && far > minMoveNoise*w.noise && w.kept(last) < mostOfMove*whole && began-last > maxDelay
}

// kept returns the deviation at a time, but no more than the smallest one afterwards: what was
// reversed was a spike, or another move.
func (w *course) kept(at float64) float64 {
	least := w.awayAt(at)
	for i, t := range w.times {
		if t > at && t <= w.Seen {
			least = min(least, w.away[i])
		}
	}
	return least
}

// awayAt returns the deviation at a time, or in the first row.
func (w *course) awayAt(at float64) float64 {
	i, found := slices.BinarySearch(w.times, at)
	if !found {
		i--
	}
	return w.away[max(0, i)]
}
