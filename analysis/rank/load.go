// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	loadSeries = 5    // series that must have moved for a common load
	loadMoved  = 0.4  // share of the candidates that ever moved
	loadSame   = 0.7  // share of the moved ones that must have moved by the common factor
	loadWithin = 0.25 // tolerance for the same factor, relative to the common logarithm
	loadLeast  = 0.2  // smallest common logarithm: about a fifth more
	loadClear  = 3    // scales by which the KPI must have moved
	movedTimes = 3    // multiple of its quiet deviation from which on a series clearly moved
)

// Load is a factor by which most series moved together: demand changed everywhere, and none of
// those who serve it is the cause.
type Load struct {
	Factor float64 // incident / baseline
	Series []int   // indices in Input.Series of those that moved by it
	Demand int     // the demand series among them that is closest to all others; -1: none
}

// findLoad returns the common load, nil if there is none.
func findLoad(t *table, kz float64, ev []Evidence) *Load {
	logs := make([]float64, len(t.cand)) // of the factor, NaN for those that did not move
	var moved, buf []float64
	for j := range t.cand {
		logs[j] = math.NaN()
		if !ev[j].Moved() {
			continue
		}
		if f, ok := t.cand[j].factor(t.onset, &buf); ok {
			logs[j] = math.Log(f)
			moved = append(moved, logs[j])
		}
	}
	if kz < loadClear || len(moved) < loadSeries || float64(len(moved)) < loadMoved*float64(t.moving) {
		return nil
	}
	common := order.MedianInPlace(moved)
	var same []int
	for j, f := range logs {
		if math.Abs(f-common) < loadWithin*math.Abs(common) {
			same = append(same, j)
		}
	}
	n := float64(len(same))
	if math.Abs(common) <= loadLeast || n < loadSame*float64(len(moved)) || n < loadMoved*float64(t.moving) {
		return nil
	}
	l := &Load{Factor: math.Exp(common), Demand: demandOf(t, same)}
	for _, j := range same {
		l.Series = append(l.Series, t.cand[j].column)
	}
	return l
}

// factor returns the level of the incident relative to the baseline, if both are above 0.
func (s *series) factor(onset int, buf *[]float64) (float64, bool) {
	a, b := s.middle(s.x, 0, onset, buf), s.middle(s.x, onset, len(s.x), buf)
	return b / a, a > 0 && b > 0
}

// demandOf returns the column of the traffic series that is closest to the median of all series
// of the load at every moment: the source of the load has its fluctuations, and all others add
// noise of their own.
func demandOf(t *table, same []int) int {
	off := apart(t, same)
	demand, nearest := -1, math.Inf(1)
	for i, j := range same {
		if t.cand[j].kind == Traffic && off[i] < nearest {
			demand, nearest = t.cand[j].column, off[i]
		}
	}
	return demand
}

// apart returns how far each series is from the median of all, as log ratios to their own
// levels: the median over the rows.
func apart(t *table, same []int) []float64 {
	logs := make([][]float64, len(same))
	for i, j := range same {
		logs[i] = t.cand[j].ownLogs()
	}
	row := make([]float64, len(same))
	away := make([][]float64, len(same))
	for r := range t.rows {
		for i := range same {
			row[i] = logs[i][r]
		}
		middle := order.Median(row)
		for i := range same {
			away[i] = append(away[i], math.Abs(row[i]-middle))
		}
	}
	off := make([]float64, len(same))
	for i := range same {
		off[i] = order.MedianInPlace(away[i])
	}
	return off
}

// ownLogs returns the logarithms of the values relative to their median; 0 if undefined.
func (s *series) ownLogs() []float64 {
	logs := make([]float64, len(s.x))
	for i, v := range s.x {
		logs[i] = math.Log(v)
	}
	known := slices.DeleteFunc(slices.Clone(logs), func(v float64) bool { return !finite(v) })
	middle := 0.0
	if len(known) > 0 {
		middle = order.MedianInPlace(known)
	}
	for i, v := range logs {
		if logs[i] = v - middle; !finite(v) {
			logs[i] = 0
		}
	}
	return logs
}
