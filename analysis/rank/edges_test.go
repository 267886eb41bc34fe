// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math/rand/v2"
	"testing"
)

// calling adds the latencies of calls, {caller, callee}, to a shop; from the onset on they are
// multiplied by the given factor.
func calling(in Input, calls map[[2]int]float64) Input {
	rng := rand.New(rand.NewPCG(2, 2))
	for caller := range shopServices {
		for callee := range shopServices {
			times, ok := calls[[2]int{caller, callee}]
			if !ok {
				continue
			}
			s := Series{Service: callee, Kind: Latency, Metric: 9, Values: make([]float64, shopRows)}
			for row := range s.Values {
				if s.Values[row] = 10 + 0.3*rng.NormFloat64(); row >= shopOnset {
					s.Values[row] *= times
				}
			}
			in.Edges = append(in.Edges, [2]int{len(in.Series), caller})
			in.Series = append(in.Series, s)
		}
	}
	return in
}

// If only one of two callers waits, the cause is that caller or the network between; if both
// do, it is the callee.
func TestCalleeThatServesOthersIsNotTheCause(t *testing.T) {
	const one, two, callee = 1, 2, 5
	for times, want := range map[float64]int{1: one, 3: callee} {
		in := calling(shop(7, func(int, Metric, int) float64 { return 1 }),
			map[[2]int]float64{{one, callee}: 3, {two, callee}: times})
		r := Rank(in, Options{})
		if s := first(t, r); s.Service != want {
			t.Errorf("the other caller waits ×%v: first is %+v, want %d", times, s, want)
		}
		for _, c := range r.Causes {
			lone := times == 1 && c.Series == len(in.Series)-2
			if (c.Calls == LoneCalls) != lone || c.Calls == AllCalls {
				t.Errorf("the other caller waits ×%v: the calls of series %d say %d", times, c.Series, c.Calls)
			}
		}
	}
}

// A symptom on all calls of a caller is the caller's own.
func TestSymptomOfAllCallsIsTheCallers(t *testing.T) {
	const caller, one, two = 1, 5, 6
	in := calling(shop(7, guilty(caller, shopOnset)), map[[2]int]float64{{caller, one}: 3, {caller, two}: 3})
	r := Rank(in, Options{})
	if s := first(t, r); s.Service != caller {
		t.Errorf("first is %+v", s)
	}
	for _, c := range r.Causes {
		if call := c.Series >= len(in.Series)-2; (c.Calls == AllCalls) != call {
			t.Errorf("series %d says %d", c.Series, c.Calls)
		}
	}
}

// A single edge, to the only callee of its only caller, doesn't show which end is slow, and the
// report says so. Other series of the callee decide, except its request rate.
func TestSingleEdgeDoesNotShowWhichEnd(t *testing.T) {
	const caller, callee = 1, 5
	slow := map[[2]int]float64{{caller, callee}: 3}
	r := Rank(calling(shop(7, func(int, Metric, int) float64 { return 1 }), slow), Options{})
	if s := first(t, r); s.Service != callee || s.Confidence != Low || s.Other != caller {
		t.Errorf("first is %+v, want %d or %d", s, callee, caller)
	}
	if why, other := r.Unclear(); why != TooClose || other != caller {
		t.Errorf("it is unclear by %v of %d, want %d as close", why, other, caller)
	}
	asked := func(s int, kind Metric, row int) float64 {
		if s == callee && kind == Traffic && row >= shopOnset {
			return 0.7
		}
		return 1
	}
	if s := first(t, Rank(calling(shop(7, asked), slow), Options{})); s.Service != callee || s.Other != caller {
		t.Errorf("first is %+v, want %d or %d: that it is asked less is its caller's doing, too", s, callee, caller)
	}
	r = Rank(calling(shop(7, guilty(callee, shopOnset)), slow), Options{})
	if s := first(t, r); s.Service != callee || s.Confidence == Low || s.Other >= 0 {
		t.Errorf("first is %+v, want %d, whose processor burns", s, callee)
	}
}

// Without many quiet windows or a KPI that confirms that something broke, a cause must stand
// out more.
func TestCalmKPIAndShortBaselineNeedMoreEvidence(t *testing.T) {
	trusted, calm := DefaultMarks().mark(true, 1), DefaultMarks().mark(true, 0)
	if !trusted.few || !calm.few || calm.lift <= trusted.lift || calm.alone <= trusted.alone {
		t.Errorf("a calm KPI asks for %+v, another one for %+v", calm, trusted)
	}
	loud := Service{Score: 1, Lift: liftShort, Margin: 1, Other: -1}
	if got := DefaultMarks().Level(Result{Few: true, Trust: 1}, loud); got == Low {
		t.Errorf("with a KPI that moved %+v is %v", loud, got)
	}
	if got := DefaultMarks().Level(Result{Few: true}, loud); got != Low {
		t.Errorf("with a calm one it is %v", got)
	}
}

// A series no louder than noise doesn't compete with the one that broke with the KPI, but does
// if only the series show that something broke.
func TestNoiseIsNoRivalOfCauseThatMovedWithKPI(t *testing.T) {
	for lift, alone := range map[float64]bool{0.5: true, 1.4: false} {
		gs := []group{
			{total: 2, unexplained: 2, lift: 2, other: -1},
			{total: 1.5, unexplained: 1.5, lift: lift, other: -1},
		}
		trusted, calm := DefaultMarks().mark(true, 1), DefaultMarks().mark(true, 0)
		if margin := trusted.marginOf(gs, 0); (margin == 1) != alone {
			t.Errorf("the next is as loud as %v: margin %v", lift, margin)
		}
		if margin := calm.marginOf(gs, 0); margin != 0.25 {
			t.Errorf("the KPI is calm: margin %v", margin)
		}
	}
}
