// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"slices"
	"strings"
)

// explainPlaces localises a change on two levels: within the KPI, and among its peers. Neither
// hides the other.
func explainPlaces(f Frame, t Target, opt Options) labelAnswer {
	if t.Breakdown == nil || t.Clock {
		return explainLabels(f, t, opt)
	}
	inside, beside := newPeers(t.Breakdown), newPeers(t.Beside)
	if beside.apart() {
		t.within, _ = beside.place(beside.own)
	}
	a := explainLabels(f, t, opt)
	a = inside.answer(a, t)
	return beside.around(a, t)
}

// apart says whether the KPI did not move like most of its peers.
func (p *peers) apart() bool { return p != nil && p.known() && !p.alike() }

// answer is for a KPI that is one of the compared series. If it is unknown how the others
// moved, the answer for their sum stands.
func (p *peers) answer(a labelAnswer, t Target) labelAnswer {
	switch {
	case p == nil:
	case p.still:
		a = a.emptied()
		a.still = true
	case p.alike():
		a = a.emptied()
		a.everywhere, a.alike = p.everywhere(), p.others()
	case p.known():
		a = a.emptied()
		a.findings = []Finding{p.finding(t, t.placed)}
	}
	return a
}

// around completes the answer for the inside of a KPI by what its peers did.
func (p *peers) around(a labelAnswer, t Target) labelAnswer {
	switch {
	case p == nil || p.still || a.still && a.looked:
		return a
	case p.alike():
		a.beside, a.alike = len(p.course)-1, p.others()
		if !a.confident() && a.everywhere == "" {
			a = a.emptied()
			a.everywhere = p.everywhere()
		}
	case p.known() && !a.confident() && a.everywhere != MixShifted:
		f := p.finding(t, unchanged)
		if a.everywhere == MovedAlike {
			f.Evidence.Inside = a.varying()
		}
		a = a.emptied()
		a.findings = []Finding{f}
	}
	return a
}

// others returns the label sets of peers that moved as the KPI did.
func (p *peers) others() (sets []map[string]string) {
	for i := range p.breakdown.Leaves {
		if p.course[i] != along || i == p.own {
			continue
		}
		if sets = append(sets, p.values(i, p.breakdown.Labels)); len(sets) == mostOthers {
			break
		}
	}
	return sets
}

// mostOthers is how many of them are compared with a change.
const mostOthers = 32

// emptied returns an answer with only its tables.
func (a labelAnswer) emptied() labelAnswer {
	a.looked, a.still, a.asOtherDays, a.everywhere, a.findings, a.verdict = true, false, false, "", nil, nil
	return a
}

func (a labelAnswer) confident() bool {
	return slices.ContainsFunc(a.findings, func(f Finding) bool { return f.Confidence != Low })
}

// varying returns the labels with more than one value.
func (a labelAnswer) varying() []string {
	var names []string
	for _, d := range a.dimensions {
		if len(d.Elements) > 1 {
			names = append(names, d.Label)
		}
	}
	slices.Sort(names)
	return names
}

// everywhere says why a change of all series has no single place.
func (p *peers) everywhere() Everywhere {
	for i := range p.course {
		if p.actual(i) != 0 {
			return MovedAlike
		}
	}
	return AllStopped
}

func unchanged(set map[string]string) map[string]string { return set }

// finding reports the place of the KPI among its peers.
func (p *peers) finding(t Target, placed func(map[string]string) map[string]string) Finding {
	sets, selected := p.places()
	before, now := p.expected[p.own], p.actual(p.own)
	f := Finding{
		Kind: KindLabels, Score: finite(p.distance()(p.own)), Share: 1, Method: MethodPeers, Confidence: High,
		Explains: []string{t.Name},
		Evidence: Evidence{
			Forecast: known(before), Actual: known(now), Share: known(1), Leaves: selected,
			OnlyOf: len(p.course), Along: p.count(along), Appeared: before == 0, Vanished: now == 0,
		},
	}
	if p.count(unclear) > 0 || p.count(along) > selected {
		f.Confidence = Medium
	}
	if len(sets) == 1 {
		f.Evidence.Same = append(p.same(sets[0]), p.breakdown.uniqueLabels()...)
	}
	matchers := make([]string, len(sets))
	for i, set := range sets {
		set = placed(set)
		f.Labels = append(f.Labels, set)
		matchers[i] = matcher(set)
	}
	f.Name = strings.Join(matchers, " or ")
	f.Evidence.Gone = p.breakdown.gone(sets)
	f.Sentence = p.sentence(f, t)
	return f
}

// sentence describes a finding.
func (p *peers) sentence(f Finding, t Target) string {
	e := f.Evidence
	went := fmt.Sprintf("%s (forecast %s, now %s)", direction(*e.Forecast, *e.Actual), t.Unit.Format(*e.Forecast), t.Unit.Format(*e.Actual))
	if e.Gone {
		went = fmt.Sprintf("is gone (it was %s)", t.Unit.Format(*e.Forecast))
	}
	switch more := e.Along - e.Leaves; {
	case more > 0:
		return fmt.Sprintf("of %d series %s and %d more %s", e.OnlyOf, places(f.Labels), more, went)
	case e.Leaves > 1:
		return fmt.Sprintf("of %d series only the %d with %s %s", e.OnlyOf, e.Leaves, places(f.Labels), went)
	default:
		return fmt.Sprintf("of %d series only %s %s", e.OnlyOf, places(f.Labels), went)
	}
}
