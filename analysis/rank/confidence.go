// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"slices"
)

const (
	windowsMany = 10  // disjoint quiet windows from which on their maximum is known
	liftClear   = 1.5 // times what quiet windows reach: something broke
	liftShort   = 1.6 // the same if there are few quiet windows
	liftAlone   = 1.2 // lift × margin also required with few quiet windows
	liftHigh    = 1.2 // multiple of the mark of medium, for high
	trustHalf   = 0.5 // of the KPI, below which it says nothing
	marginLeast = 0.25
	rivalLift   = 1 // of a service that could be a cause instead: more than any series reaches by chance
	marginHigh  = 0.4
	marginThird = 0.3 // lead of two causes over the third
	clearPlaces = 5   // services among which one that moved first is looked for
)

// lifts fills in the lift of each service: its loudest series relative to the loudest of any
// series in any quiet window, as ln(1+z) each. The maximum grows with the number of series and
// is unreliable with few windows, so it is at least what as many normal series reach by chance.
func lifts(t *table, gs []group, ev []Evidence, calm [][]float64) {
	loudest := 0.0
	for _, d := range calm {
		for j := range ev {
			loudest = max(loudest, d[j]/ev[j].Quiet)
		}
	}
	n, core := float64(max(2, t.moving)), float64(t.core)
	usual := math.Log1p(max(loudest, math.Sqrt(2*math.Log(n)*(1+8/core))))
	for i := range gs {
		for _, j := range gs[i].members {
			if ev[j].Follows && !gs[i].follows {
				continue
			}
			gs[i].lift = max(gs[i].lift, math.Log1p(ev[j].Dev/ev[j].Quiet)/usual)
		}
	}
}

// Marks are the requirements for naming a service with medium confidence. They were chosen on
// data; `go run ./examples/benchmark candidates --leave-out` shows the results with each system
// left out in turn.
type Marks struct {
	Lift   float64 // relative to quiet windows
	Short  float64 // the same if there are few quiet windows
	Alone  float64 // lift × margin also required with few quiet windows
	Margin float64 // lead over the next service, as a share of its score
}

// DefaultMarks returns the marks used by [Rank].
func DefaultMarks() Marks { return Marks{liftClear, liftShort, liftAlone, marginLeast} }

// Level returns the confidence in a service of a result by these marks, from its lift and its
// margin.
func (k Marks) Level(r Result, s Service) Confidence {
	if s.Follows || s.Score <= 0 || s.Other >= 0 {
		return Low
	}
	return k.mark(r.Few, r.Trust).level(s.Lift, s.Margin)
}

// mark is what a service must reach to be named with confidence.
type mark struct {
	few    bool    // there are few quiet windows: a service must be loud and alone
	lift   float64 // required lift
	alone  float64 // required lift × margin, if quiet windows are few
	margin float64
	rival  float64 // lift from which on another service is a rival
}

// mark returns the mark for an incident. It is higher if neither many quiet windows nor the KPI
// show that anything broke.
func (k Marks) mark(few bool, trust float64) mark {
	m := mark{few: few, lift: k.Lift, margin: k.Margin}
	if few {
		m.lift, m.alone = k.Short, k.Alone
	}
	switch {
	case trust >= trustHalf:
		m.rival = rivalLift
	case few:
		m.lift, m.alone = liftHigh*m.lift, liftHigh*m.alone
	}
	return m
}

// fewQuiet says whether there are too few quiet windows to know their maximum.
func (t *table) fewQuiet(p period) bool { return t.core < windowsMany*max(2, t.rows-p.onset) }

// demote moves followers behind a service that clearly broke and moved first. gs are sorted.
func (m mark) demote(gs []group) {
	first := slices.IndexFunc(gs, func(g group) bool { return !g.follows && g.lift >= m.lift })
	if first <= 0 || first >= clearPlaces {
		return
	}
	for i := range gs[:first] {
		if gs[i].follows {
			gs[i].total = math.Nextafter(gs[first].total, 0)
		}
	}
	sortGroups(gs)
}

// prefer moves the service that the KPI itself comes from before equally likely ones. gs are
// sorted.
func (m mark) prefer(gs []group) {
	own := slices.IndexFunc(gs, func(g group) bool { return g.own && !g.follows && g.lift >= m.lift })
	if own <= 0 || own >= clearPlaces || gs[own].total < (1-marginLeast)*gs[0].total {
		return
	}
	for i := range gs[:own] {
		gs[i].total = math.Nextafter(gs[own].total, 0)
	}
	sortGroups(gs)
}

// grade returns the confidence that the service at index i is a cause: by its lift, and by its
// lead over the next one that is no follower.
func (m mark) grade(gs []group, i int) Confidence {
	g := gs[i]
	if g.follows || g.total <= 0 || g.other >= 0 {
		return Low
	}
	level := m.level(g.lift, m.marginOf(gs, i))
	if level == High && m.level(g.lift, m.ahead(gs, i, func(g group) float64 { return g.byItself })) == Low {
		return Medium // its odds decided, not its own evidence
	}
	return level
}

// level returns the confidence for a lift and a margin.
func (m mark) level(lift, margin float64) Confidence {
	have, need := lift, m.lift
	if m.few {
		have, need = lift*margin, m.alone
	}
	switch {
	case lift < m.lift, margin < m.margin, have < need:
		return Low
	case margin >= marginHigh && have >= liftHigh*need:
		return High
	}
	return Medium
}

// marginOf returns the lead of the service at index i over the strongest one behind it that
// could be a cause, as a share of its score; 1: there is none. A caller that is behind only
// because its callee explains it is a rival: it broke, and its callee shows it. A service
// within its usual noise is no rival of one that broke with the KPI.
func (m mark) marginOf(gs []group, i int) float64 {
	return m.ahead(gs, i, func(g group) float64 { return g.unexplained })
}

// ahead is marginOf for another score.
func (m mark) ahead(gs []group, i int, score func(group) float64) float64 {
	if gs[i].total <= 0 {
		return 0
	}
	rival := 0.0
	for _, g := range gs[i+1:] {
		if !g.follows && g.lift >= m.rival {
			rival = max(rival, score(g))
		}
	}
	return max(0, 1-rival/score(gs[i]))
}

// grades sets the confidence of the leading services: the first; if it does not lead enough
// over the second and both stand out, both, unless quiet windows are few; and a second one with
// a clear lead over the third.
func (m mark) grades(gs []group) {
	gs[0].confidence = m.grade(gs, 0)
	if len(gs) < 2 || gs[1].follows {
		return
	}
	loud := gs[1].lift >= m.lift
	switch {
	case !m.few && gs[0].confidence == Low && !gs[0].follows && gs[0].other < 0 && gs[0].lift >= m.lift && loud && m.grade(gs, 1) != Low:
		gs[0].confidence, gs[1].confidence = Medium, Medium
	case gs[0].confidence != Low && gs[1].lift >= liftHigh*m.lift && m.marginOf(gs, 1) >= marginThird:
		gs[1].confidence = Medium
	}
}

// bind moves the service of the candidate that the KPI is bound to first, unless another one
// has confidence. gs are sorted; -1: there is no bond.
func (m mark) bind(gs []group, ev []Evidence, bound int) {
	if bound < 0 || gs[0].confidence != Low {
		return
	}
	ev[bound].Bound = true
	own := slices.IndexFunc(gs, func(g group) bool { return slices.Contains(g.members, bound) })
	for i := range gs[:own] {
		gs[i].total = min(gs[i].total, math.Nextafter(gs[own].total, 0))
	}
	gs[own].confidence, gs[own].best, gs[own].follows = Medium, bound, false
	sortGroups(gs)
}

// Confidence returns the confidence in the first service.
func (r Result) Confidence() Confidence {
	if len(r.Services) == 0 {
		return Low
	}
	return r.Services[0].Confidence
}

// Loud reports whether any service left the range that it has when nothing is wrong.
func (r Result) Loud() bool {
	return slices.ContainsFunc(r.Services, Service.Loud)
}

// Loud reports whether a service left the range that services have when nothing is wrong.
func (s Service) Loud() bool { return s.Lift >= liftClear }

// Heard reports whether a service shows more than series do by chance.
func (s Service) Heard() bool { return s.Lift >= rivalLift }

// Doubt says why the first service has no confidence.
type Doubt uint8

// The doubts.
const (
	None     Doubt = iota
	AllQuiet       // it is no louder than quiet windows
	Follows        // it moved after the KPI
	TooClose       // another one is as likely
	TooFew         // there are few quiet windows, and its lead is too small for that
)

// Unclear returns the doubt about the first service, and for [TooClose] the other service, else
// -1.
func (r Result) Unclear() (why Doubt, other int) {
	if len(r.Services) == 0 || r.Services[0].Confidence != Low {
		return None, -1
	}
	first := r.Services[0]
	switch {
	case first.Lift < liftClear:
		return AllQuiet, -1
	case first.Follows:
		return Follows, -1
	case first.Other >= 0:
		return TooClose, first.Other
	case first.Margin < marginLeast:
		for _, s := range r.Services[1:] {
			if !s.Follows {
				return TooClose, s.Service
			}
		}
	}
	return TooFew, -1
}
