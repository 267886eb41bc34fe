// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// a group is one service with its candidates.
type group struct {
	service     int
	members     []int   // indices of candidates, in column order
	best        int     // the one of them with the largest x
	booked      float64 // what all edges of this caller show, see fanOut
	sum         float64
	factor      float64 // what explaining away leaves
	by          int     // the callee that explains it, -1 if none
	total       float64 // the three scores together
	other       int     // see edges.other
	unexplained float64 // the same, only the first of them explained away
	byItself    float64 // the same, whatever its odds are to begin with

	own        bool // one of its series comes from where the KPI comes from
	lift       float64
	follows    bool // its best series moved after the KPI
	confidence Confidence
}

// groups collects the candidates by service, in order of service, with the
// evidence of each and what is booked on it. Operators act on services, and a
// service that is broken shows it in several series; counting those keeps one
// odd series of a healthy service from the first place.
func groups(t *table, ev []Evidence, e edges) []group {
	booked := e.fanOutOf(ev)
	byService := map[int]int{}
	var gs []group
	for j, s := range t.cand {
		i, ok := byService[s.service]
		if !ok {
			i = len(gs)
			byService[s.service] = i
			gs = append(gs, group{service: s.service, best: j, factor: 1, by: -1, booked: booked[s.service], confidence: Low})
		}
		gs[i].members = append(gs[i].members, j)
		gs[i].own = gs[i].own || s.own
		if ev[j].x > ev[gs[i].best].x {
			gs[i].best = j
		}
	}
	slices.SortFunc(gs, func(a, b group) int { return cmp.Compare(a.service, b.service) })
	for i := range gs {
		gs[i].sum = gs[i].halves(func(j int) float64 { return ev[j].x })
		gs[i].follows = ev[gs[i].best].Follows
		gs[i].other = e.other(t, gs[i], ev)
	}
	return gs
}

// halves is the evidence of a service: halves over value of its members and what
// is booked on it.
func (g group) halves(value func(j int) float64) float64 {
	x := make([]float64, 0, len(g.members)+1)
	for _, j := range g.members {
		x = append(x, value(j))
	}
	return halves(append(x, g.booked))
}

const plainWeight = 0.5 // of each simple score beside the first one

// addUp sums the three scores of each service, each divided by its largest. They
// err on different cases: a formula that is right nearly everywhere was not
// found, and the sum is as good as the best of the three on most systems. The
// simple scores count as far as a series goes with the KPI, like the first, and
// are explained away half.
func addUp(gs []group, ev []Evidence, e edges) {
	for i, v := range largestIsOne(gs, func(i int) float64 { return gs[i].factor * gs[i].sum }) {
		gs[i].total, gs[i].unexplained = v, v
	}
	for _, score := range []func(Evidence) float64{
		func(e Evidence) float64 { return e.Plain },
		func(e Evidence) float64 { return e.Relative },
	} {
		own := make([]float64, len(ev))
		for j := range ev {
			own[j] = score(ev[j]) * ev[j].late() * ev[j].Link
		}
		booked := e.fanOut(own)
		loudest := func(i int) float64 {
			top := booked[gs[i].service]
			for _, j := range gs[i].members {
				top = max(top, own[j])
			}
			return top
		}
		for i, v := range largestIsOne(gs, loudest) {
			gs[i].unexplained += plainWeight * v
			gs[i].total += plainWeight * v * (1 + gs[i].factor) / 2
		}
	}
}

// largestIsOne returns the scores divided by their largest.
func largestIsOne(gs []group, score func(i int) float64) []float64 {
	all := make([]float64, len(gs))
	for i := range gs {
		all[i] = score(i)
	}
	if top := slices.Max(all); top > 1e-12 { // less is rounding
		floats.Scale(1/top, all)
	}
	return all
}

// sortGroups orders by total, ties by service.
func sortGroups(gs []group) {
	slices.SortFunc(gs, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.service, b.service))
	})
}

// explainAway discounts a service when a service that it calls, directly or
// through others, has as much evidence and moved with it: what a
// caller shows is then likely the callee's fault. Only a symptom is explained
// so: that the caller waits, fails or is asked less. Its processor, memory or
// disk is its own, whoever it calls. lo is the first row of the correlation, w
// the trust in the KPI.
func explainAway(t *table, gs []group, ev []Evidence, calls [][2]int, lo int, w float64) {
	index := map[int]int{}
	for i, g := range gs {
		index[g.service] = i
	}
	below := Callees(calls)
	for i := range gs {
		g := &gs[i]
		if !t.cand[g.best].kind.Symptom() || g.booked >= ev[g.best].x {
			continue
		}
		var worst float64
		for _, u := range Reachable(below, g.service) {
			k, ok := index[u]
			if !ok || g.sum <= 0 {
				continue
			}
			r := echo(t.cand[gs[k].best].x[lo:], t.cand[g.best].x[lo:])
			if m := min(1, gs[k].sum/g.sum) * r * r; m > worst {
				worst, g.by = m, u
			}
		}
		g.factor = 1 - 0.9*w*worst
	}
}

// Callees returns who is called by whom, of calls {caller, callee}.
func Callees(calls [][2]int) map[int][]int {
	below := map[int][]int{}
	for _, c := range calls {
		below[c[0]] = append(below[c[0]], c[1])
	}
	return below
}

// Reachable returns the services below v in ascending order, v left out. They
// may be nodes without candidates (an entry point, a queue): the walk goes
// through them.
func Reachable(below map[int][]int, v int) []int {
	seen := map[int]bool{v: true}
	var found []int
	for stack := slices.Clone(below[v]); len(stack) > 0; {
		u := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[u] {
			continue
		}
		seen[u] = true
		found = append(found, u)
		stack = append(stack, below[u]...)
	}
	slices.Sort(found)
	return found
}

// spread gives each series its share of the score of its service, so that the
// list of series and the list of services agree: the best series carries the
// whole of it.
func spread(t *table, gs []group, ev []Evidence) {
	for _, g := range gs {
		own := make([]float64, len(g.members))
		for i, j := range g.members {
			own[i] = t.cand[j].named(ev[j], t.core)
		}
		if i := slices.IndexFunc(g.members, func(j int) bool { return ev[j].Bound }); i >= 0 {
			own[i] = math.Nextafter(slices.Max(own), math.Inf(1))
		}
		top := slices.Max(own)
		for i, j := range g.members {
			switch {
			case top > 0:
				ev[j].score = g.total * own[i] / top
			case j == g.best:
				ev[j].score = g.total
			}
		}
	}
}

// named is the evidence of a series among those of its service, the first of the
// simple scores beside the usual one. A series that never varied in n rows of
// baseline has no scale, whatever it did since: from n rows without a change
// follows a probability of up to 3/n for one (the rule of three), which is odds
// of n/3.
func (s *series) named(e Evidence, n int) float64 {
	share, most := 1.0, math.Log1p(float64(n)/neverRows)
	usual := math.Log1p(e.Residual / e.Quiet)
	if s.varies {
		most = math.Inf(1)
	}
	if usual > most {
		share = most / usual
	}
	return e.x*share + plainWeight*min(e.Plain, most)*e.Link*e.late()
}

// ordered ranks the candidates by score. Inside one service, on the
// places that it holds, a resource that clearly left its baseline counts three
// times: where a service's latency and its processor both moved, the processor
// is the better name for the cause. It never moves a service.
func ordered(t *table, gs []group, ev []Evidence) []int {
	score := make([]float64, len(ev))
	for j := range ev {
		score[j] = ev[j].score
	}
	ranked := decreasing(score)
	place := make([]int, len(ev)) // of each candidate
	for r, j := range ranked {
		place[j] = r
	}
	for _, g := range gs {
		mine := slices.Clone(g.members)
		sortStable(mine, func(j int) float64 { return -float64(place[j]) })
		places := make([]int, len(mine))
		for i, j := range mine {
			places[i] = place[j]
		}
		sortStable(mine, func(j int) float64 {
			if t.cand[j].kind.Resource() && ev[j].Residual > 4 {
				return 3 * score[j]
			}
			return score[j]
		})
		for i, j := range mine {
			ranked[places[i]] = j
		}
	}
	return ranked
}

// sortStable sorts a by descending key; ties keep their order.
func sortStable(a []int, key func(int) float64) {
	slices.SortStableFunc(a, func(i, j int) int { return cmp.Compare(key(j), key(i)) })
}

// halves returns the sum of x(1) + x(2)/2 + x(3)/4 … over x in descending
// order, which it sorts: several series that agree are worth more than one
// that is far out, and forty can't win by number, for the sum is below twice
// the largest.
func halves(x []float64) float64 {
	slices.Sort(x)
	var sum float64
	for i, f := len(x)-1, 1.0; i >= 0 && f > 1e-16; i, f = i-1, f/2 {
		sum += x[i] * f
	}
	return sum
}
