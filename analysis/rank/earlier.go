// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	earlierRow  = 20  // rows of baseline from which on earlier incidents are looked for
	earlierOut  = 6   // scales that the KPI must be out now
	earlierNear = 2   // rows before and after an earlier incident that go with it
	earlierMost = 0.3 // share of the baseline that may be set aside
)

// earlierRows are the rows of the baseline in which the KPI was at least half as
// far out, in the same direction and for two rows in a row, as it is now: they
// are of an earlier incident of the same kind. Its cause moved then, too, and
// would pass for usual. nil: there are none, or so many that they are what is
// usual. The last rows before the onset belong to this incident.
//
// What the caller has set aside is missing already: package analysis judges by
// steps, as for labels, and leaves for here only what is too short for these.
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
