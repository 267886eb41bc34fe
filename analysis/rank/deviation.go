// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	localMin, localMax = 5, 30 // bounds of the near baseline, in rows
	quietMax           = 40    // approximate number of quiet windows
	quietShare         = 0.9   // quantile of the quiet windows that counts as calm
)

// window is the rows [from, to) that are tested for a deviation, with the near baseline [near,
// before).
type window struct{ near, before, from, to int }

// incidentWindow returns the window of the incident. Its near baseline ends before the onset,
// and before the rows after the given onset in which the KPI was still calm: a cause may move
// in these.
func incidentWindow(t *table, p period) window {
	before := p.onset - p.still
	return window{max(0, before-nearRows(t, p)), before, p.onset, t.rows}
}

// nearRows is the length of the near baseline: twice the incident, in bounds.
func nearRows(t *table, p period) int {
	return max(localMin, min(localMax, 2*(t.rows-p.onset)))
}

// deviation returns how far the series left its long baseline and, on the same scale, its near
// one. Only what both show is evidence: the first alone would flag a series that has drifted
// for an hour, the second alone one that returned from a spike.
func (w window) deviation(s *series, buf *[]float64) (long, near float64) {
	return s.lasting(w, 0, buf), s.lasting(w, s.median(w.near, w.before, buf), buf)
}

// lasting returns the largest |z-centre| that two consecutive samples of the window both reach,
// skipping missing ones.
func (s *series) lasting(w window, centre float64, buf *[]float64) float64 {
	if s.gap == nil {
		return lasting(s.z[w.from:w.to], centre)
	}
	*buf = s.appendPresent((*buf)[:0], s.z, w.from, w.to)
	return lasting(*buf, centre)
}

// median returns the median of z in some rows, 0 if all are missing.
func (s *series) median(from, to int, buf *[]float64) float64 { return s.middle(s.z, from, to, buf) }

// middle returns the median of some rows of s.x or s.z, 0 if all are missing.
func (s *series) middle(v []float64, from, to int, buf *[]float64) float64 {
	*buf = s.appendPresent((*buf)[:0], v, from, to)
	if len(*buf) == 0 {
		return 0
	}
	return order.MedianInPlace(*buf)
}

// quietWindows returns windows of the core that resemble the incident's own, for calibration:
// about forty at most, as long as the incident but at most a quarter of the core. There are
// none if the core is too short.
func quietWindows(t *table, p period) []window {
	rows := max(2, min(t.rows-p.onset, t.core/4))
	step := max(1, floorDiv(t.core-rows-localMin, quietMax))
	var ws []window
	for from := max(1, min(localMin, t.core/3)); from+rows <= t.core; from += step {
		ws = append(ws, window{max(0, from-nearRows(t, p)), from, from, from + rows})
	}
	return ws
}

func floorDiv(a, b int) int { return int(math.Floor(float64(a) / float64(b))) }

// deviations fills in long, near, dev and quiet of every candidate, and returns the deviation
// of each in each quiet window (window → candidate).
func deviations(t *table, p period) ([]Evidence, [][]float64) {
	w, quiet := incidentWindow(t, p), quietWindows(t, p)
	calm := make([][]float64, len(quiet))
	for i := range calm {
		calm[i] = make([]float64, len(t.cand))
	}
	ev := make([]Evidence, len(t.cand))
	var buf, own []float64
	for j := range t.cand {
		ev[j], own = t.cand[j].deviates(w, quiet, own, &buf)
		for i, d := range own {
			calm[i][j] = d
		}
	}
	return ev, calm
}

// deviates returns long, near, dev and quiet of a series, and its deviation in each quiet
// window, in the memory of calm.
func (s *series) deviates(w window, quiet []window, calm []float64, buf *[]float64) (e Evidence, _ []float64) {
	e.Long, e.Near = w.deviation(s, buf)
	calm = calm[:0]
	e.Dev = min(e.Long, e.Near)
	e.Residual, e.Quiet = e.Dev, 1
	for _, q := range quiet {
		long, near := q.deviation(s, buf)
		calm = append(calm, min(long, near))
	}
	if len(calm) > 0 {
		e.Quiet = max(1, order.Quantile(append((*buf)[:0], calm...), quietShare))
	}
	return e, calm
}
