// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

// Beginning is the row in which a series began to move, with its uncertainty. A step that is
// large relative to the noise is dated to the row. One hidden in noise, or smeared into a slope
// by a rate over minutes, may have begun in any row from Earliest to Latest. What a row shows
// happened since the previous row.
type Beginning struct{ At, Earliest, Latest int }

// After says whether one certainly began after the other.
func (b Beginning) After(other Beginning) bool { return b.Earliest-1 > other.Latest }

const (
	stirredTimes = 1.5  // multiple of its quiet deviation from which on a series is dated
	beganClip    = 4    // largest log-odds from one row, so that a spike decides little
	beganSure    = 3    // log-odds by which another row must be less likely: 1 in 20
	beganLeast   = 0.03 // noise of a series as a share of its move, at least
)

// beginning dates the move of a series. For each row it computes the odds that the series had
// left its level before the onset: that it was anywhere between there and its peak, as opposed
// to noise around that level. The series began in the row from which on these odds speak most
// for a move, up to its peak; rows nearly as likely give the uncertainty. It never begins in a
// row that calibrates. quiet is its deviation when nothing is wrong.
func (t *table) beginning(s *series, p period, quiet float64) Beginning {
	var buf []float64
	guard, first := coreRows(t.rows, t.onset, t.late), t.lookFrom(p)
	level := s.median(max(0, first-followLevel), first, &buf)
	peak, size := s.farthest(p.onset, level)
	if size == 0 {
		return t.anytime(p)
	}
	noise := max(s.spread(0, p.onset, &buf), quiet, beganLeast*math.Abs(size))
	b := Beginning{At: peak, Earliest: peak, Latest: peak}
	odds, best := make([]float64, peak+1), math.Inf(-1)
	sum := 0.0
	for i := peak; i >= guard; i-- {
		if !s.missing(i) {
			sum += oddsOfMove((s.z[i]-level)*sign(size)/noise, math.Abs(size)/noise)
		}
		if odds[i] = sum; sum > best {
			best, b.At = sum, i
		}
	}
	for i := guard; i <= peak; i++ {
		if odds[i] >= best-beganSure {
			b.Earliest, b.Latest = min(b.Earliest, i), i
		}
	}
	return b
}

// anytime is the beginning of a series that may not have moved.
func (t *table) anytime(p period) Beginning {
	return Beginning{p.onset, coreRows(t.rows, t.onset, t.late), t.rows - 1}
}

// effect dates the KPI, which may not have moved, and returns the size of its move.
func (t *table) effect(p period) (b Beginning, size float64) {
	var buf []float64
	e, _ := t.kpi.deviates(incidentWindow(t, p), quietWindows(t, p), nil, &buf)
	b = t.beginning(&t.kpi, p, e.Quiet)
	_, size = t.kpi.farthest(b.At, t.kpi.median(max(0, b.At-followLevel), b.At, &buf))
	if !e.Stirred() {
		b = t.anytime(p)
	}
	return b, size
}

// farthest returns the row of the incident in which the series was farthest from a level for
// two rows in a row, and the signed distance.
func (s *series) farthest(onset int, level float64) (row int, size float64) {
	row = len(s.z) - 1
	last := math.NaN()
	for i := onset; i < len(s.z); i++ {
		if s.missing(i) {
			continue
		}
		d := s.z[i] - level
		if least := min(math.Abs(d), math.Abs(last)); least > math.Abs(size) {
			row, size = i, least*sign(d)
		}
		last = d
	}
	return row, size
}

// spread returns the robust standard deviation of z in some rows, 0 if all are missing.
func (s *series) spread(from, to int, buf *[]float64) float64 {
	*buf = s.appendPresent((*buf)[:0], s.z, from, to)
	if len(*buf) == 0 {
		return 0
	}
	return order.RobustSD(*buf)
}

// oddsOfMove returns the log-odds that a value d comes from a series moving from 0 to size,
// uniformly distributed in between, rather than from one at 0; both with normal noise of 1.
func oddsOfMove(d, size float64) float64 {
	d = min(d, 30) // beyond it, the densities underflow
	moved := (math.Erfc(-d/math.Sqrt2) - math.Erfc((size-d)/math.Sqrt2)) / (2 * size)
	if d > size { // the same from the other side, where both terms are near 2
		moved = (math.Erfc((d-size)/math.Sqrt2) - math.Erfc(d/math.Sqrt2)) / (2 * size)
	}
	still := math.Exp(-d*d/2) / math.Sqrt(2*math.Pi)
	return min(max(math.Log(max(moved, 1e-300)/max(still, 1e-300)), -beganClip), beganClip)
}
