// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"
)

// Run analyses a frame: which label values (where) and which series (why) explain the change of
// its targets.
//
// It never fails. An analysis that cannot run, or that panics, becomes a warning in the result;
// the others still count.
func Run(f Frame, opt Options) Result {
	r := Result{Warnings: slices.Clone(f.Warnings)}
	if err := f.check(); err != nil {
		r.Warnings = append(r.Warnings, Warning{Source: "analysis", Text: err.Error()})
		r.Verdict = InsufficientEvidence
		return r
	}
	f = f.withSeriesChanges()
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
	if f.Part && !lead.blind() && (lead.labels.still || lead.still()) { // the question was about this part, so whatever else moved is beside the point
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

// explain runs both analyses on one target. A panic in one is our bug, and must not hide what
// the other found.
func explain(f Frame, t Target, opt Options) answer {
	t.Clock = t.Clock && !f.jumped(t)
	a := answer{target: t}
	if t.Infinite { // shares of infinity are meaningless
		return a
	}
	a.guard("labels", func() { a.labels = explainPlaces(f, t, opt) })
	if b := t.Breakdown; b != nil && b.Unlike && f.moved(t) {
		a.labels.still, a.labels.asOtherDays = false, false // the parts stood still in their own unit, but the KPI itself moved
	}
	a.guard("series", func() { a.series = explainSeries(f, t, opt) })
	a.doubtStill(f)
	a.doubtClock()
	a.guard("changes", func() { a.explainChanges(f, opt) })
	return a
}

// doubtStill lowers the confidence of series if the KPI reads the same before and in the
// incident, or as on other days: there is no visible change for them to cause.
func (a *answer) doubtStill(f Frame) {
	before, after, known := f.levels(a.target.Values, a.target.Crossing)
	same := a.labels.asOtherDays || known && a.target.Unit.Format(before) == a.target.Unit.Format(after)
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

// doubtClock lowers the confidence of series for a KPI that is the time since or until
// something: it moves by itself and passes its threshold whatever else happens.
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

// judge returns the verdict over all targets.
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

// unread says whether it is unknown for every target what the alert measures: a count of fired
// alerts says nothing about what moved.
func unread(answers []answer) bool {
	return !slices.ContainsFunc(answers, func(a answer) bool { return !a.target.Unread })
}

// reason returns why the first target that moved everywhere did so.
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
