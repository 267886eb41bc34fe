// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"maps"
	"math"
	"slices"
)

// callersMost is the fraction of a call's evidence that may remain if most of it is the
// caller's.
const callersMost = 0.5

// Calls says at which end of the calls that a candidate measures something broke.
type Calls uint8

// Where it broke.
const (
	NoCalls   Calls = iota // it measures no calls, or they don't point to the caller
	AllCalls               // at the caller: all of its calls show it
	LoneCalls              // at the caller: other callers of the same service don't show it
)

// edges are the candidates that measure calls between services. A single edge does not tell
// which end broke: those of callers with several callees are kept, and those that rise alone
// among the edges of their callee.
type edges struct {
	from   map[int]map[int][]int // caller → callee → candidates
	lone   []lone
	bridge map[int]int // candidates on the only edge of both of its ends → caller
}

// lone are the edges from a caller to a callee that moved, while those of all other callers, of
// the same kind, did not.
type lone struct {
	caller    int
	js        []int
	witnesses []int
}

// end is one kind of measurement of the calls to a service, such as latency or errors.
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

// other returns the caller of a group, if only the calls of that caller show that anything is
// wrong and nothing tells which end broke; else -1. Demand does not tell: it depends on the
// callers.
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

// loneOf returns the caller whose edges moved alone, if there is one.
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

// fanOut removes from the edges of each caller what all of them show: a rise on all edges of
// one caller is the caller's, whoever measures it. It modifies score, by candidate, and returns
// what is booked on the callers instead.
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

// fanIn removes from edges that moved alone what they show beyond their witnesses, and books it
// on the caller: a callee that serves everybody else as usual is not to blame.
func (e edges) fanIn(score []float64, booked map[int]float64) {
	for _, l := range e.lone {
		others := loudest(l.witnesses, score)
		booked[l.caller] = max(booked[l.caller], loudest(l.js, score)-others)
		for _, j := range l.js {
			score[j] = min(score[j], others)
		}
	}
}

// fanOutOf applies fanOut to the evidence of each candidate, and marks those whose evidence is
// mostly the caller's.
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

// least returns what even the quietest of some ends shows.
func least(ends map[int][]int, score []float64) float64 {
	least := math.Inf(1)
	for _, js := range ends {
		least = min(least, loudest(js, score))
	}
	return least
}

// loudest returns the largest score of some candidates, 0 if there are none.
func loudest(js []int, score []float64) float64 {
	top := 0.0
	for _, j := range js {
		top = max(top, score[j])
	}
	return top
}
