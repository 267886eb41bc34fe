// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"slices"
)

const (
	windowsMany = 10  // disjoint quiet windows from which on their maximum is known
	liftClear   = 1.5 // times what quiet windows reach: something broke
	liftShort   = 1.6 // the same where there are few quiet windows
	liftAlone   = 1.2 // lift times margin that few quiet windows take besides
	liftHigh    = 1.2 // times the mark of medium, for high
	trustHalf   = 0.5 // in the KPI, below which it says nothing
	marginLeast = 0.25
	rivalLift   = 1 // of a service that could be a cause instead: more than any series reaches by chance
	marginHigh  = 0.4
	marginThird = 0.3 // by which two causes must be before the third
	clearPlaces = 5   // services among which one that moved first is looked for
)

// lifts fills in how loud each service is: its loudest series over the loudest
// of any series in any quiet window, as ln(1+z) each. The maximum grows with the
// number of series that are looked at and is not known from few windows, so that
// it is taken for at least what as many normal series reach by chance.
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

// Marks are what it takes to name a service with medium confidence. They were
// chosen on data; `go run ./examples/benchmark candidates --leave-out` shows what
// they come to where each system in turn has no say.
type Marks struct {
	Lift   float64 // times what quiet windows reach
	Short  float64 // the same where there are few quiet windows
	Alone  float64 // lift times margin that few quiet windows take besides
	Margin float64 // share of its score by which it must be before the next
}

// DefaultMarks are those of [Rank].
func DefaultMarks() Marks { return Marks{liftClear, liftShort, liftAlone, marginLeast} }

// Level is what these marks say of a service of a result, by how loud it is and how
// far before the next.
func (k Marks) Level(r Result, s Service) Confidence {
	if s.Follows || s.Score <= 0 || s.Other >= 0 {
		return Low
	}
	return k.mark(r.Few, r.Trust).level(s.Lift, s.Margin)
}

// A mark is what a service must reach to be named with confidence.
type mark struct {
	few    bool    // quiet windows are few: a service must be loud and alone
	lift   float64 // that the service must have
	alone  float64 // lift times margin that it must have besides, where they are few
	margin float64
	rival  float64 // lift that another service must have to be as likely
}

// mark is that of an incident. Where neither many quiet windows nor the KPI says
// that anything broke, it takes more.
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

// fewQuiet says that quiet windows are too few to know their maximum.
func (t *table) fewQuiet(p period) bool { return t.core < windowsMany*max(2, t.rows-p.onset) }

// demote lets no follower stand before a service that clearly broke and moved
// first. gs are in their order.
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

// prefer puts the service that the KPI itself comes from before one that is as
// likely and only runs beside it. gs are in their order.
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

// grade says how sure it is that the service at place i is a cause: by how loud
// it is, and how far the next one behind it is that is no follower.
func (m mark) grade(gs []group, i int) Confidence {
	g := gs[i]
	if g.follows || g.total <= 0 || g.other >= 0 {
		return Low
	}
	level := m.level(g.lift, m.marginOf(gs, i))
	if level == High && m.level(g.lift, m.ahead(gs, i, func(g group) float64 { return g.byItself })) == Low {
		return Medium // its odds have decided, and not what it shows
	}
	return level
}

// level is that of so much lift and margin.
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

// marginOf is by what share of its own score the service at place i is before
// the strongest one behind it that could be a cause; 1: there is none. A caller
// that stands behind only because its callee explains it could be: it broke, and
// its callee shows it. What makes no more noise than ever is no rival of what
// broke with the KPI.
func (m mark) marginOf(gs []group, i int) float64 {
	return m.ahead(gs, i, func(g group) float64 { return g.unexplained })
}

// ahead is the same of another score of the services.
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

// grades gives the leading services their confidence: the first; where it isn't
// far enough before the second and both stand out, both, unless quiet windows are
// few; and a second one that is far before the third.
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

// bind puts the service of the candidate to which the KPI is bound first, if no
// other is said with confidence. gs are in their order; -1: the KPI is bound to none.
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

// Confidence is that of the first service.
func (r Result) Confidence() Confidence {
	if len(r.Services) == 0 {
		return Low
	}
	return r.Services[0].Confidence
}

// Loud reports whether any service left what it reaches when nothing is wrong.
func (r Result) Loud() bool {
	return slices.ContainsFunc(r.Services, Service.Loud)
}

// Loud reports whether a service left what any reaches when nothing is wrong.
func (s Service) Loud() bool { return s.Lift >= liftClear }

// Heard reports whether a service shows more than any series does by chance.
func (s Service) Heard() bool { return s.Lift >= rivalLift }

// A Doubt is why the first service isn't said with confidence.
type Doubt uint8

// The doubts.
const (
	None     Doubt = iota
	AllQuiet       // it is no louder than quiet windows are
	Follows        // it moved after the KPI
	TooClose       // another one is as likely
	TooFew         // there are few quiet windows, and beside that it is not alone enough
)

// Unclear is the doubt about the first service, and of [TooClose] the service
// that is as likely, else -1.
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
