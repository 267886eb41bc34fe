// SPDX-License-Identifier: Apache-2.0

package rank

import "math"

const (
	followLook  = 8    // rows before the onset from which on moves are dated
	followLevel = 30   // rows before those that give the level
	followLate  = 0.5  // factor on the evidence of a series that moved after the KPI
	againRows   = 3    // rows on each side of a moment, to see whether the KPI moved then, too
	againShare  = 0.25 // of its whole move, that the KPI must have made then
)

// followers dates the candidates that moved, and marks those that clearly moved after the KPI:
// those are not its cause, but victims, or causes of something else. If the KPI moved again
// together with one, that may be a second cause. Nothing follows a KPI that measures demand.
func followers(t *table, p period, ev []Evidence) (kpi Beginning) {
	kpi, size := t.effect(p)
	for j := range t.cand {
		if !ev[j].Stirred() {
			continue
		}
		b := t.beginning(&t.cand[j], p, ev[j].Quiet)
		ev[j].Began = b
		ev[j].Follows = ev[j].Moved() && b.After(kpi) && !t.kpi.kind.Demand() && !t.kpi.again(b.At, size)
	}
	return kpi
}

// again says whether the series moved on in the direction of a move, at once and by a good part
// of it, at a row.
func (s *series) again(row int, size float64) bool {
	var buf []float64
	if row+againRows > len(s.z) {
		return false
	}
	jump := s.median(row, row+againRows, &buf) - s.median(row-againRows, row, &buf)
	return jump*sign(size) > againShare*math.Abs(size)
}

// lookFrom returns the row from which on moves are dated.
func (t *table) lookFrom(p period) int { return max(1, min(t.onset, p.onset)-followLook) }
