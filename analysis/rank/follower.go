// SPDX-License-Identifier: Apache-2.0

package rank

import "math"

const (
	followLook  = 8    // rows before the onset from which on first moves are looked for
	followLevel = 30   // rows before them that are the level moved from
	followLate  = 0.5  // what is left of the evidence of a series that moved after the KPI
	againRows   = 3    // rows before and after a moment that tell whether the KPI moved then, too
	againShare  = 0.25 // of all its move, that it must have made then
)

// followers dates the candidates that moved, and marks those that clearly did after
// the KPI. However far it went, what moved after the effect is not what caused it,
// but a victim further down, or a cause of something else. If the KPI moved again
// with it, it may be a second cause of the same. Nothing follows a KPI that
// measures demand.
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

// again says whether the series went on in the direction of a move, at once and by a
// good part of it, at a row.
func (s *series) again(row int, size float64) bool {
	var buf []float64
	if row+againRows > len(s.z) {
		return false
	}
	jump := s.median(row, row+againRows, &buf) - s.median(row-againRows, row, &buf)
	return jump*sign(size) > againShare*math.Abs(size)
}

// lookFrom is the row from which on first moves are looked for.
func (t *table) lookFrom(p period) int { return max(1, min(t.onset, p.onset)-followLook) }
