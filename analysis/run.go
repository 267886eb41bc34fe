// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"
)

// Run analyses a frame: where (which label values) and why (which series) the
// targets changed.
//
// It never fails. An analysis that can't be made, or that breaks, becomes a
// warning in the result, and the others still speak.
func Run(f Frame, opt Options) Result {
	r := Result{Warnings: slices.Clone(f.Warnings)}
	if err := f.check(); err != nil {
		r.Warnings = append(r.Warnings, Warning{Source: "analysis", Text: err.Error()})
		r.Verdict = InsufficientEvidence
		return r
	}
	f = f.withTold()
	answers := make([]answer, len(f.Targets))
	for i, t := range f.Targets {
		answers[i] = explain(f, t, opt)
		r.Warnings = append(r.Warnings, answers[i].warnings(len(f.Targets) > 1)...)
	}
	lead := &answers[0]
	r.Dimensions, r.Forecast = lead.labels.dimensions, lead.labels.forecast
	r.Recombined, r.Aside = lead.target.Breakdown.recombined(), asideOf(f, lead.target)
	r.Warnings = slices.Concat(r.Warnings, warnings("table", lead.target.Breakdown.doubts()), sayAside(r.Aside, f.Onset))
	r.Fit, r.Graph = lead.series.fit, lead.series.graph
	r.Change, r.Hurt = lead.change(f), lead.series.hurt
	r.Causes, r.Changes = oneList(mergeTargets(f.Targets, answers)), f.seenChanges()
	r.Verdict, r.Load = judge(answers, r.Causes), lead.series.load
	if f.Part && !lead.blind() && (lead.labels.still || lead.still()) { // whatever else moved is not what was asked
		r.Verdict, r.Causes, r.Load = NoChange, nil, nil
	}
	if r.Verdict == NoConfidentCause && len(r.Causes) > 0 && r.Causes[0].Kind == KindSeries {
		r.Unclear = lead.series.unclear
	}
	switch {
	case r.Verdict == External:
		r.Everywhere = reason(answers)
	case r.Verdict == InsufficientEvidence && lead.gone(r.Change):
		r.Verdict, r.Everywhere = External, AllStopped
	case r.Verdict == InsufficientEvidence:
		r.Warnings = append(lead.needed(f), r.Warnings...)
	case r.Verdict == NoChange && r.Change != nil:
		r.Change.Level = f.level(lead.target)
	}
	return r
}

// explain makes both analyses of one target. One that panics is a defect of
// ours, and no reason to keep silent about what the other found.
func explain(f Frame, t Target, opt Options) answer {
	t.Clock = t.Clock && !f.jumped(t)
	a := answer{target: t}
	if t.Infinite { // of which nothing is a share, and beside which nothing is large
		return a
	}
	a.guard("labels", func() { a.labels = explainPlaces(f, t, opt) })
	if b := t.Breakdown; b != nil && b.Unlike && f.moved(t) {
		a.labels.still, a.labels.usual = false, false // of what the parts are measured in: the KPI itself did move
	}
	a.guard("series", func() { a.series = explainSeries(f, t, opt) })
	a.doubtStill(f)
	a.doubtClock()
	a.guard("changes", func() { a.explainChanges(f, opt) })
	return a
}

// doubtStill takes the confidence from series beside a KPI that reads the same before
// and in the incident, or as on other days: what moved there is the cause of nothing that is seen.
func (a *answer) doubtStill(f Frame) {
	before, after, known := f.levels(a.target.Values, a.target.Crossing)
	same := a.labels.usual || known && a.target.Unit.Format(before) == a.target.Unit.Format(after)
	if !same || !a.quiet(f) {
		return
	}
	for i := range a.series.findings {
		if f := &a.series.findings[i]; f.Method == "rank" && f.Confidence != Low {
			f.doubt()
			a.series.unclear = "that is no change"
		}
	}
}

// doubtClock takes the confidence from series beside a time since or until something:
// it moves by itself, and its threshold is passed whatever else moves at that time.
func (a *answer) doubtClock() {
	if !a.target.Clock {
		return
	}
	a.series.calm = true
	for i := range a.series.findings {
		if f := &a.series.findings[i]; f.Confidence != Low {
			f.doubt()
		}
	}
}

// judge is the verdict over all targets.
func judge(answers []answer, causes []Finding) Verdict {
	if slices.ContainsFunc(causes, func(c Finding) bool { return c.Confidence != Low && c.Method != methodLoad }) {
		return Explained
	}
	var still, uniform, blind int
	for _, a := range answers {
		switch {
		case a.series.load != nil:
			uniform++
		case a.blind():
			blind++
		case a.still():
			still++
		case a.labels.everywhere != "":
			uniform++
		}
	}
	switch {
	case blind == len(answers), unread(answers):
		return InsufficientEvidence
	case still+blind == len(answers):
		return NoChange
	case uniform > 0:
		return External
	}
	return NoConfidentCause
}

// unread says that what any target measures is not known: that alerts fired is
// no news, and says nothing of what moved.
func unread(answers []answer) bool {
	return !slices.ContainsFunc(answers, func(a answer) bool { return !a.target.Unread })
}

// reason is why the first of the targets that moved everywhere did.
func reason(answers []answer) Everywhere {
	for _, a := range answers {
		switch {
		case a.labels.everywhere != "":
			return a.labels.everywhere
		case a.series.load != nil:
			return MovedAlike
		}
	}
	return ""
}
