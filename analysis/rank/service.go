// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"cmp"
	"slices"
)

// a group is one service with its candidates.
type group struct {
	service int
	members []int // indices of candidates, in column order
	best    int   // the one of them with the largest x
	sum     float64
	factor  float64 // what explaining away leaves
	by      int     // the callee that explains it, -1 if none
}

// groups collects the candidates by service, in order of service, with the
// evidence of each. Operators act on services, and a service that is broken
// shows it in several series; counting those keeps one odd series of a healthy
// service from the first place.
func groups(t *table, ev []Evidence) []group {
	byService := map[int]int{}
	var gs []group
	for j, s := range t.cand {
		i, ok := byService[s.service]
		if !ok {
			i = len(gs)
			byService[s.service] = i
			gs = append(gs, group{service: s.service, best: j, factor: 1, by: -1})
		}
		gs[i].members = append(gs[i].members, j)
		if ev[j].x > ev[gs[i].best].x {
			gs[i].best = j
		}
	}
	slices.SortFunc(gs, func(a, b group) int { return cmp.Compare(a.service, b.service) })
	for i := range gs {
		gs[i].sum = gs[i].total(func(j int) float64 { return ev[j].x })
	}
	return gs
}

// total is the evidence of a service: halves over value of its members.
func (g group) total(value func(j int) float64) float64 {
	x := make([]float64, len(g.members))
	for i, j := range g.members {
		x[i] = value(j)
	}
	return halves(x)
}

// explainAway discounts a service when a service that it calls, directly or
// through others, has as much evidence and moved with it: what a
// caller shows is then likely the callee's fault. lo is the first row of the
// correlation, w the trust in the KPI.
func explainAway(t *table, gs []group, calls [][2]int, lo int, w float64) {
	index := map[int]int{}
	for i, g := range gs {
		index[g.service] = i
	}
	below := callees(calls)
	for i := range gs {
		g := &gs[i]
		var worst float64
		for _, u := range reachable(below, g.service) {
			k, ok := index[u]
			if !ok || g.sum <= 0 {
				continue
			}
			r := correlation(t.cand[g.best].x[lo:], t.cand[gs[k].best].x[lo:])
			if m := min(1, gs[k].sum/g.sum) * r * r; m > worst {
				worst, g.by = m, u
			}
		}
		g.factor = 1 - 0.9*w*worst
	}
}

// callees returns who is called by whom.
func callees(calls [][2]int) map[int][]int {
	below := map[int][]int{}
	for _, c := range calls {
		below[c[0]] = append(below[c[0]], c[1])
	}
	return below
}

// reachable returns the services below v in ascending order, v left out. They
// may be nodes without candidates (an entry point, a queue): the walk goes
// through them.
func reachable(below map[int][]int, v int) []int {
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
// whole sum.
func spread(gs []group, ev []Evidence) {
	for _, g := range gs {
		top := ev[g.best].x
		for _, j := range g.members {
			if top > 0 {
				ev[j].score = ev[j].x * (g.factor * g.sum / top)
			}
		}
	}
}

// ordered ranks the candidates by score . Inside one service, on the
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

// unusual returns the largest evidence of any service by deviation and kind
// alone, without association and residual: is anything at all unusual?
func unusual(t *table, gs []group, ev []Evidence, dev func(j int) float64) float64 {
	var top float64
	for _, g := range gs {
		top = max(top, g.total(func(j int) float64 {
			return t.cand[j].surprise(dev(j)/ev[j].Quiet) * ev[j].Kind
		}))
	}
	return top
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
