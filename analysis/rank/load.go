// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	loadSeries = 5    // series that must have moved for a load to be common
	loadMoved  = 0.4  // share of the candidates that ever moved that must have
	loadSame   = 0.7  // share of those that moved that must have moved by the common factor
	loadWithin = 0.25 // of the common logarithm: what is the same factor
	loadLeast  = 0.2  // least common logarithm: a fifth more
	loadClear  = 3    // scales that the KPI must have moved
	movedTimes = 3    // times its quiet deviation that a series clearly moved
)

// A Load is a factor by which most of what was looked at moved together: more or
// less is asked of everything. Nobody of those who serve it is its cause.
type Load struct {
	Factor float64 // incident over baseline
	Series []int   // indices in Input.Series of those that moved by it
	Demand int     // the one of them that measures demand and goes most closely with all others; -1: none does
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

// factor is the level of the incident over that of the baseline, if both are
// above 0.
func (s *series) factor(onset int, buf *[]float64) (float64, bool) {
	a, b := s.middle(s.x, 0, onset, buf), s.middle(s.x, onset, len(s.x), buf)
	return b / a, a > 0 && b > 0
}

// demandOf returns the column of that traffic series among those of one load
// which at every moment is nearest to the middle of all: the source of the load
// carries its wavering, and everyone else noise of his own besides.
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

// apart is how far each of some series is from the middle of all, in logarithms
// of their own levels: the median over the rows.
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

// ownLogs are the logarithms of the values over their own middle; 0 for what has
// none.
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
