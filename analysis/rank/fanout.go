// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"cmp"
	"slices"
)

// edges are the candidates that measure the calls of one service to another,
// where they are measured: caller → callee → candidates.
type edges map[int]map[int][]int

// edgesOf collects the edges of callers with two callees or more: of one alone
// it can't be told at which end it broke.
func edgesOf(t *table, pairs [][2]int) edges {
	place := map[int]int{}
	for j, s := range t.cand {
		place[s.column] = j
	}
	all := edges{}
	for _, p := range pairs {
		j, ok := place[p[0]]
		caller := p[1]
		if !ok || t.cand[j].service == caller {
			continue
		}
		if all[caller] == nil {
			all[caller] = map[int][]int{}
		}
		callee := t.cand[j].service
		all[caller][callee] = append(all[caller][callee], j)
	}
	for caller, callees := range all {
		if len(callees) < 2 {
			delete(all, caller)
		}
	}
	return all
}

// fanOut takes from the edges of each caller what all of them show: what rises
// on all edges of one caller is the caller's, whoever measures it. It changes
// score, by candidate, and returns what is booked on the callers instead.
func (e edges) fanOut(score []float64) map[int]float64 {
	booked := map[int]float64{}
	shared := map[int]float64{}
	for caller, callees := range e {
		shared[caller] = e.least(callees, score)
	}
	for caller, callees := range e {
		if shared[caller] <= 0 {
			continue
		}
		booked[caller] = shared[caller]
		for _, js := range callees {
			for _, j := range js {
				score[j] = max(0, score[j]-shared[caller])
			}
		}
	}
	return booked
}

// fanOutOf is fanOut on the evidence of each candidate.
func (e edges) fanOutOf(ev []Evidence) map[int]float64 {
	x := make([]float64, len(ev))
	for j := range ev {
		x[j] = ev[j].x
	}
	booked := e.fanOut(x)
	for j := range ev {
		ev[j].x = x[j]
	}
	return booked
}

// least is what even the quietest of a caller's edges shows.
func (edges) least(callees map[int][]int, score []float64) float64 {
	first, least := true, 0.0
	for _, js := range callees {
		loudest := slices.MaxFunc(js, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
		if first || score[loudest] < least {
			first, least = false, score[loudest]
		}
	}
	return least
}
