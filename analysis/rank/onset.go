// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	onsetSeries = 5  // number of the most deviant candidates that date the onset together
	onsetClip   = 10 // limit of |z| per series in their mean
	maxLag      = 3  // samples by which the KPI may follow its cause
	calmZ       = 4  // |z| of the KPI below which its first rows are calm
)

// period is the incident as found in the data.
type period struct {
	onset  int // first row of the incident
	walked int // rows by which the alert was late
	calm   int // rows after that in which the KPI had not moved yet
	still  int // those of them at or after the given onset: moves in earlier ones led the KPI
}

// findOnset dates the incident: back from the alert's own time over the guard rows while the
// most deviant candidates are high, because alerts fire late; then, if the KPI is a symptom,
// forward over the rows in which it is still calm.
func findOnset(t *table) period {
	p := period{onset: walkBack(t)}
	p.walked = t.onset - p.onset
	if !t.kpi.kind.Demand() {
		p.calm = calmRows(t.kpi.z[p.onset:])
		p.onset += p.calm
		p.still = min(p.calm, max(0, p.onset-t.onset))
	}
	return p
}

// walkBack returns the earliest row of the incident at or before the given onset. If even the
// first guard row is high, this is a drift, and the given onset stands.
func walkBack(t *table) int {
	level := loudness(t)
	var buf []float64
	calm := medianOf(level[:t.core], &buf)
	high := medianOf(level[t.onset:], &buf)
	buf = appendAbs(buf[:0], level[:t.core], calm)
	if high-calm <= max(1.5, 4*order.NormalMAD*order.MedianInPlace(buf)) {
		return t.onset
	}
	first, mid := t.onset, (calm+high)/2
	for j := t.onset - 1; j >= t.core; j-- {
		if level[j] <= mid {
			// One calm sample is a gap, two are the end.
			if j--; j < t.core || level[j] <= mid {
				break
			}
		}
		first = j
	}
	if first == t.core {
		return t.onset
	}
	return first
}

// loudness returns, for each row, the mean of the clipped |z| over the candidates that deviate
// most in the incident.
func loudness(t *table) []float64 {
	var buf []float64
	loud := make([]float64, len(t.cand))
	for i, s := range t.cand {
		loud[i] = medianAbs(s.z[t.onset:], &buf)
	}
	top := decreasing(loud)
	top = top[:min(onsetSeries, len(top))]
	level := make([]float64, t.rows)
	for _, i := range top {
		for r, z := range t.cand[i].z {
			level[r] += min(math.Abs(z), onsetClip) / float64(len(top))
		}
	}
	return level
}

// calmRows returns in how many of the first rows of z the KPI had not moved, if it moved after
// them.
func calmRows(z []float64) int {
	var buf []float64
	for k := min(maxLag, len(z)/2); k > 0; k-- {
		before, after := medianOf(z[:k], &buf), medianOf(z[k:], &buf)
		if medianAbs(z[:k], &buf) < calmZ && math.Abs(after-before) >= calmZ {
			return k
		}
	}
	return 0
}
