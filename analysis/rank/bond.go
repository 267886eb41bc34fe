// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

const (
	bondRows  = 30    // rows of baseline needed to look for a bond
	bondClip  = 4     // limit of |z| per row: a bond is an everyday relation, not a single spike's
	bondLeast = 0.9   // correlation with the KPI before the incident
	bondQuick = 0.7   // correlation of their row-to-row changes, so that a common drift is not enough
	bondTold  = 5.991 // by which the loss of any other service must be larger: odds of 20 to 1
	bondRest  = 0.1   // of the KPI's residual, that any other service may explain
	bondHolds = 0.3   // of the KPI's move, by which the bond may miss it
	bondClear = 1.5   // multiple of its farthest in quiet windows that the KPI must reach
	bondFew   = 2.5   // the same if there are few quiet windows
)

// bond returns the candidate that the KPI is bound to, -1 if there is none: the KPI went with
// it all the time before the incident, with no other service, and went now where its move
// leads. Even a move that many series make by chance is then evidence, because the KPI follows
// only this one. If several share what drives the KPI, such as load, there is no bond.
func (t *table) bond(p period, m mark, ev []Evidence, calls [][2]int) int {
	if t.core < bondRows || t.kpi.kind.Demand() || !t.kpiBroke(p, m) {
		return -1
	}
	y := t.kpi.everyday(nil, t.core)
	best, most := -1, 0.0
	r := make([]float64, len(t.cand))
	var x []float64
	for j := range t.cand {
		x = t.cand[j].everyday(x, t.core)
		r[j] = correlation(x, y)
		if math.Abs(r[j]) > most {
			best, most = j, math.Abs(r[j])
		}
	}
	if most < bondLeast || !ev[best].Stirred() || ev[best].Follows {
		return -1
	}
	x = t.cand[best].everyday(x, t.core)
	if math.Abs(correlation(changes(x), changes(y))) < bondQuick ||
		t.passedOn(best, ev, calls) || !t.holds(p, &t.cand[best]) || !t.alone(best, x, y, r) {
		return -1
	}
	return best
}

// passedOn says whether a candidate's move may come from below: it is no resource, and a
// dependency of its service moved too, or its dependencies are unknown and it measures the same
// as the KPI.
func (t *table) passedOn(j int, ev []Evidence, calls [][2]int) bool {
	s := t.cand[j]
	if s.kind.Resource() {
		return false
	}
	if len(calls) == 0 {
		return s.kind == t.kpi.kind && s.kind != Unknown
	}
	below := Reachable(Callees(calls), s.service)
	for k := range t.cand {
		if ev[k].Moved() && slices.Contains(below, t.cand[k].service) {
			return true
		}
	}
	return false
}

// kpiBroke says whether the KPI clearly left the range that it had when nothing was wrong.
func (t *table) kpiBroke(p period, m mark) bool {
	var buf []float64
	e, calm := t.kpi.deviates(incidentWindow(t, p), quietWindows(t, p), nil, &buf)
	times := bondClear
	if m.few {
		times = bondFew
	}
	return len(calm) > 0 && e.Dev > times*max(1, floats.Max(calm))
}

// everyday returns the clipped standard scores of the calibration rows, in the memory of buf.
func (s *series) everyday(buf []float64, core int) []float64 {
	buf = buf[:0]
	for _, z := range s.z[:core] {
		buf = append(buf, min(max(z, -bondClip), bondClip))
	}
	return buf
}

// changes returns the differences from row to row.
func changes(x []float64) []float64 {
	d := make([]float64, len(x)-1)
	for i := range d {
		d[i] = x[i+1] - x[i]
	}
	return d
}

// holds says whether the KPI went in the incident where the earlier linear relation leads.
func (t *table) holds(p period, s *series) bool {
	var buf []float64
	slope := slopeOf(s.z[:t.core], t.kpi.z[:t.core])
	move := func(q *series) float64 {
		return q.median(p.onset, t.rows, &buf) - q.median(0, t.core, &buf)
	}
	moved := move(&t.kpi)
	return math.Abs(moved-slope*move(s)) <= bondHolds*math.Abs(moved)
}

// alone says whether no series of another service explains the KPI as well as candidate j does,
// or anything of its residual. x and y are the everyday rows of j and of the KPI, r the
// correlations of all candidates with y.
func (t *table) alone(j int, x, y, r []float64) bool {
	n := float64(len(y))
	chance := (2*math.Log(float64(len(r))) + math.Log(n)) / n
	rest := without(y, x)
	var other []float64
	for k := range r {
		if t.cand[k].service == t.cand[j].service {
			continue
		}
		if n*math.Log((1-r[k]*r[k]+1e-9)/(1-r[j]*r[j]+1e-9)) < bondTold {
			return false
		}
		other = t.cand[k].everyday(other, t.core)
		if more := correlation(without(other, x), rest); more*more > max(bondRest, chance) {
			return false
		}
	}
	return true
}

// without returns the residuals of y on x.
func without(y, x []float64) []float64 {
	slope := slopeOf(x, y)
	rest := make([]float64, len(y))
	for i := range rest {
		rest[i] = y[i] - slope*x[i]
	}
	return rest
}

// slopeOf returns the slope of the least-squares line of y on x, 0 if x is constant.
func slopeOf(x, y []float64) float64 {
	_, sx := moments(x)
	_, sy := moments(y)
	if sx == 0 {
		return 0
	}
	return correlation(x, y) * sy / sx
}
