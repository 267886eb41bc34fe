// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	followRows  = 6   // rows of incident from which on the order of moves is told
	followSize  = 5   // times its quiet maximum that a series must have moved for it to be dated
	followLook  = 8   // rows before the onset from which on first moves are looked for
	followLevel = 30  // rows before them that are the level moved from
	followLate  = 0.5 // what is left of the evidence of a series that moved after the KPI
)

// followers marks the candidates that clearly moved, and clearly after the KPI:
// by two rows or more. However far it went, what moved after the effect is not
// what caused it, but a victim further down, or a cause of something else.
// Nothing follows a KPI that measures demand.
func followers(t *table, p period, ev []Evidence) {
	if t.kpi.kind.Demand() || t.rows-p.onset < followRows {
		return
	}
	from := t.lookFrom(p)
	_, seen, size := t.kpi.firstMove(from, p.onset)
	if seen < 0 || size <= followSize {
		return
	}
	for j := range t.cand {
		early, _, far := t.cand[j].firstMove(from, p.onset)
		ev[j].Follows = early > seen+1 && far > followSize*ev[j].Quiet
	}
}

// lookFrom is the row from which on first moves are looked for.
func (t *table) lookFrom(p period) int { return max(1, min(t.onset, p.onset)-followLook) }

// firstMove returns the first row from which on the series is, for two samples
// in a row, half as far from its level before as it stays, and how far that is.
// Where samples are missing before that row it may have moved earlier, at the
// earliest after the last sample in which it had not; -1: it did not move.
func (s *series) firstMove(from, onset int) (early, seen int, size float64) {
	var buf []float64
	level := s.median(max(0, from-followLevel), from, &buf)
	buf = s.appendPresent(buf[:0], s.z, onset, len(s.z))
	for i, z := range buf {
		buf[i] = math.Abs(z - level)
	}
	if len(buf) == 0 {
		return -1, -1, 0
	}
	half := order.Quantile(buf, 0.6) / 2
	if half <= 0 {
		return -1, -1, 0
	}
	early, seen = from, -1
	for i := from; i < len(s.z); i++ {
		switch high := math.Abs(s.z[i]-level) > half; {
		case s.missing(i):
		case !high:
			early, seen = i+1, -1
		case seen >= 0:
			return early, seen, 2 * half
		default:
			seen = i
		}
	}
	return -1, -1, 2 * half
}
