// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// group is one service with its candidates.
type group struct {
	service     int
	members     []int   // indices of candidates, in column order
	best        int     // the one with the largest x
	booked      float64 // what all edges of this caller show, see fanOut
	sum         float64
	factor      float64 // fraction left by explaining away
	by          int     // the callee that explains it, -1 if none
	total       float64 // sum of the three scores
	other       int     // see edges.other
	unexplained float64 // total with only the first score explained away
	byItself    float64 // unexplained, without prior odds

	own        bool // one of its series has the same source as the KPI
	lift       float64
	follows    bool // its best series moved after the KPI
	confidence Confidence
}

// groups collects the candidates by service, with the evidence of each and what is booked on
// it. Operators act on services, and a broken service shows in several series; combining those
// keeps one odd series of a healthy service from the first place.
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

// halves combines the evidence of a service: halves over value of its members and what is
// booked on it.
func (g group) halves(value func(j int) float64) float64 {
	x := make([]float64, 0, len(g.members)+1)
	for _, j := range g.members {
		x = append(x, value(j))
	}
	return halves(append(x, g.booked))
}

const plainWeight = 0.5 // of each simple score relative to the first one

// addUp sums the three scores of each service, each divided by its maximum. They err on
// different cases: no formula is right nearly everywhere, and the sum is as good as the best of
// the three on most systems. The simple scores are also weighted by association with the KPI,
// and explained away by half.
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

// largestIsOne returns the scores divided by their maximum.
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

// explainAway discounts a service if one that it calls, directly or indirectly, has as much
// evidence and moved with it: the fault is then likely the callee's. This applies only to
// symptoms: the caller waits, fails or is asked less. CPU, memory and disk are its own. lo is
// the first row of the correlation, w the trust in the KPI.
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

// Callees maps callers to callees, from calls {caller, callee}.
func Callees(calls [][2]int) map[int][]int {
	below := map[int][]int{}
	for _, c := range calls {
		below[c[0]] = append(below[c[0]], c[1])
	}
	return below
}

// Reachable returns the services below v in ascending order, without v. The walk includes nodes
// without candidates, such as an entry point or a queue.
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

// spread gives each series its share of its service's score, so that the lists of series and
// services agree: the best series has all of it.
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

// named returns the evidence of a series within its service: the usual score and the first
// simple one. A series that never varied in n rows of baseline has no scale, whatever it did
// since: n rows without a change imply a probability of up to 3/n (the rule of three), so its
// odds are limited to n/3.
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

// ordered sorts the candidates by score. Within a service, on the places that it holds, a
// resource that clearly left its baseline counts three times: if a service's latency and its
// CPU both moved, CPU is the better name for the cause. It never moves a service.
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

// halves returns the sum x(1) + x(2)/2 + x(3)/4 … over x in descending order, which it sorts:
// several series that agree count more than one that is far out, but many weak ones can't win,
// because the sum is below twice the largest.
func halves(x []float64) float64 {
	slices.Sort(x)
	var sum float64
	for i, f := len(x)-1, 1.0; i >= 0 && f > 1e-16; i, f = i-1, f/2 {
		sum += x[i] * f
	}
	return sum
}
