// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"maps"
	"math"
	"slices"
)

// callersMost is what is left of a call, at most, of which most is its caller's.
const callersMost = 0.5

// Calls say at which end of the calls that a candidate measures something broke.
type Calls uint8

// What calls say.
const (
	NoCalls   Calls = iota // it measures none, or they don't say that it is the caller
	AllCalls               // the caller: all of its calls show it
	LoneCalls              // the caller: the calls of all others to the same service don't
)

// edges are the candidates that measure the calls of one service to another. At
// which end of one it broke can't be told by itself: those of callers with two
// callees or more are kept, and those that rise alone among those of their callee.
type edges struct {
	from   map[int]map[int][]int // caller → callee → candidates
	lone   []lone
	bridge map[int]int // candidates on the only edge of both of its ends → the caller
}

// lone are the edges from a caller to a callee which moved, while those of all other
// callers of it, of the same kind, did not.
type lone struct {
	caller    int
	js        []int
	witnesses []int
}

// An end is what is measured of the calls to a service: how long they take, how
// many fail.
type end struct {
	callee int
	kind   Metric
}

func edgesOf(t *table, pairs [][2]int, ev []Evidence) edges {
	place := map[int]int{}
	for j, s := range t.cand {
		place[s.column] = j
	}
	e := edges{from: map[int]map[int][]int{}, bridge: map[int]int{}}
	to, callers := map[end]map[int][]int{}, map[int]map[int][]int{} // by caller
	for _, p := range pairs {
		j, ok := place[p[0]]
		caller := p[1]
		if !ok || t.cand[j].service == caller {
			continue
		}
		s := t.cand[j]
		put(e.from, caller, s.service, j)
		put(callers, s.service, caller, j)
		put(to, end{s.service, s.kind}, caller, j)
	}
	for caller, callees := range e.from {
		for callee, js := range callees {
			if len(callees) == 1 && len(callers[callee]) == 1 {
				e.connect(caller, js)
			}
		}
	}
	maps.DeleteFunc(e.from, func(_ int, callees map[int][]int) bool { return len(callees) < 2 })
	for at, callers := range to {
		if at.kind.Symptom() && len(callers) > 1 {
			e.lone = append(e.lone, loneOf(callers, ev)...)
		}
	}
	return e
}

func (e edges) connect(caller int, js []int) {
	for _, j := range js {
		e.bridge[j] = caller
	}
}

// other is the caller of a group, if nothing but the calls of that one shows that
// anything is wrong with it, and nothing tells at which end it is; -1 otherwise. How
// much is asked of it does not tell: its callers do that.
func (e edges) other(t *table, g group, ev []Evidence) int {
	caller, ok := e.bridge[g.best]
	for _, j := range g.members {
		if _, bridge := e.bridge[j]; !bridge && ev[j].Moved() && !t.cand[j].kind.Demand() {
			ok = false
		}
	}
	if !ok {
		return -1
	}
	return caller
}

// loneOf is the one of the callers whose edges moved alone, if there is one.
func loneOf(callers map[int][]int, ev []Evidence) []lone {
	var moved []lone
	for caller, js := range callers {
		if !slices.ContainsFunc(js, func(j int) bool { return ev[j].Moved() }) {
			continue
		}
		l := lone{caller: caller, js: js}
		for other, ks := range callers {
			if other != caller {
				l.witnesses = append(l.witnesses, ks...)
			}
		}
		moved = append(moved, l)
	}
	if len(moved) != 1 {
		return nil
	}
	return moved
}

func put[K comparable](ends map[K]map[int][]int, one K, other, j int) {
	if ends[one] == nil {
		ends[one] = map[int][]int{}
	}
	ends[one][other] = append(ends[one][other], j)
}

// fanOut takes from the edges of each caller what all of them show: what rises
// on all edges of one caller is the caller's, whoever measures it. It changes
// score, by candidate, and returns what is booked on the callers instead.
func (e edges) fanOut(score []float64) map[int]float64 {
	booked := map[int]float64{}
	shared := map[int]float64{}
	for caller, callees := range e.from {
		shared[caller] = least(callees, score)
	}
	e.fanIn(score, booked)
	for caller, callees := range e.from {
		if shared[caller] <= 0 {
			continue
		}
		booked[caller] = max(booked[caller], shared[caller])
		for _, js := range callees {
			for _, j := range js {
				score[j] = max(0, score[j]-shared[caller])
			}
		}
	}
	return booked
}

// fanIn takes from edges that moved alone what they show beyond their witnesses,
// and books it on the caller: who serves everybody else as ever is not what that
// one waits for.
func (e edges) fanIn(score []float64, booked map[int]float64) {
	for _, l := range e.lone {
		others := loudest(l.witnesses, score)
		booked[l.caller] = max(booked[l.caller], loudest(l.js, score)-others)
		for _, j := range l.js {
			score[j] = min(score[j], others)
		}
	}
}

// fanOutOf is fanOut on the evidence of each candidate. It marks those of which most
// is their caller's.
func (e edges) fanOutOf(ev []Evidence) map[int]float64 {
	x := make([]float64, len(ev))
	for j := range ev {
		x[j] = ev[j].x
	}
	booked := e.fanOut(x)
	for j := range ev {
		if x[j] < ev[j].x*callersMost {
			ev[j].Calls = AllCalls
		}
		ev[j].x = x[j]
	}
	for _, l := range e.lone {
		for _, j := range l.js {
			if ev[j].Calls != NoCalls {
				ev[j].Calls = LoneCalls
			}
		}
	}
	return booked
}

// least is what even the quietest of some ends shows.
func least(ends map[int][]int, score []float64) float64 {
	least := math.Inf(1)
	for _, js := range ends {
		least = min(least, loudest(js, score))
	}
	return least
}

// loudest is the largest score of some candidates, 0 of none.
func loudest(js []int, score []float64) float64 {
	top := 0.0
	for _, j := range js {
		top = max(top, score[j])
	}
	return top
}
