// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	earlierRow  = 20  // rows of baseline needed to look for earlier incidents
	earlierOut  = 6   // deviation of the KPI now, in scales
	earlierNear = 2   // rows before and after an earlier incident that belong to it
	earlierMost = 0.3 // share of the baseline that may be set aside
)

// earlierRows marks the rows of the baseline in which the KPI was at least half as far out, in
// the same direction and for two rows in a row, as it is now: an earlier incident of the same
// kind, whose cause must not count as usual. nil: there are none, or so many that they are
// usual. The last rows before the onset belong to this incident.
//
// Rows that the caller set aside are missing already: package analysis works in steps, as for
// labels, and leaves shorter incidents to this.
func earlierRows(kpi []float64, onset int) []bool {
	calm, now := appendFinite(nil, kpi[:onset]), appendFinite(nil, kpi[onset:])
	if onset < earlierRow || len(now) < 2 || len(calm) < earlierRow/2 {
		return nil
	}
	q1, usual, q3 := order.Quartiles(calm)
	move := order.MedianInPlace(now) - usual
	if scale := max((q3-q1)/1.349, 0.02*math.Abs(usual)); scale == 0 || math.Abs(move) <= earlierOut*scale {
		return nil
	}
	out := func(i int) bool {
		return i >= 0 && i < onset && (kpi[i]-usual)*sign(move) > math.Abs(move)/2
	}
	rows, n := make([]bool, len(kpi)), 0
	for i := range onset - max(3, onset/20) {
		if !out(i) || !out(i-1) && !out(i+1) {
			continue
		}
		for k := max(0, i-earlierNear); k <= min(onset-1, i+earlierNear); k++ {
			if !rows[k] {
				rows[k], n = true, n+1
			}
		}
	}
	if n == 0 || float64(n) > earlierMost*float64(onset) {
		return nil
	}
	return rows
}
