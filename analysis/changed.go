// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/words"
)

// MethodChanges is the method of findings of the kind [KindChange].
const MethodChanges = "changes"

// askedForChanges says whether anybody looked for changes.
func (f Frame) askedForChanges() bool { return len(f.Changes) > 0 || f.ChangesSince != 0 }

// seenChanges returns what was done around the onset; nil if nobody looked.
func (f Frame) seenChanges() *Changes {
	if !f.askedForChanges() || f.Onset == 0 {
		return nil
	}
	r := changes.Rank(f.Changes, f.incident())
	return &Changes{Since: f.ChangesSince, Before: len(r.Causes), Later: r.Later[:min(len(r.Later), mostLater)]}
}

// explainChanges ranks the changes that may have begun the incident. Findings of labels and
// series that a change accounts for become its evidence.
func (a *answer) explainChanges(f Frame, opt Options) {
	if len(f.Changes) == 0 || f.Onset == 0 {
		return
	}
	in := f.incident()
	in.Alike = a.labels.alike
	in.Found, in.Series, in.Moved, in.Quiet = a.parts(), a.series.services, a.series.moved, a.quiet(f)
	in.Move = f.move(a.target)
	ranking := changes.Rank(f.Changes, in)
	a.series.weigh(ranking, in)
	if in.Quiet && opt.Changes.Top == 0 {
		return // nothing happened, so nothing caused it
	}
	labels, series := taken{}, taken{}
	for i, c := range ranking.Causes {
		if opt.Changes.Top == 0 && (i == mostChanges || c.Probability < leastLikely) || opt.Changes.Top > 0 && i == opt.Changes.Top {
			break
		}
		finding := newChange(c, a.target)
		for _, found := range c.Found {
			if f := a.labels.findings[found]; labels.take(found, c, f) {
				finding.absorb(f)
			}
		}
		for at, f := range a.series.findings {
			if slices.Contains(c.Services, f.Evidence.Service) && series.take(at, c, f) {
				finding.absorb(f)
			}
		}
		finding.Sentence = sayChange(c, finding, a.target)
		a.changes = append(a.changes, finding)
	}
	a.labels.findings, a.series.findings = labels.rest(a.labels.findings), series.rest(a.series.findings)
	a.series.lowerFreed(ranking, in)
}

// lowerFreed lowers the confidence of series that fell just after a change of their service: a
// restarted process has to fill its memory again.
func (a *seriesAnswer) lowerFreed(r changes.Ranking, in changes.Incident) {
	for _, s := range in.Series {
		at := slices.IndexFunc(r.Causes, func(c changes.Cause) bool {
			return slices.Contains(c.Services, s.Name) && math.Abs(s.Since-c.At) < freedWithin
		})
		if !s.Freed || at < 0 {
			continue
		}
		for i := range a.findings {
			if f := &a.findings[i]; f.Evidence.Service == s.Name && f.Confidence != Low {
				f.doubt()
				f.Sentence += "; " + nameOf(r.Causes[at].Change) + " then, and what is started anew has less at first"
			}
		}
	}
}

const (
	mostChanges = 5    // that are listed
	mostLater   = 20   // listed changes after the onset
	leastLikely = 0.01 // probability from which on a change is listed
	wholeShare  = 0.99 // of the KPI's change, from which on no other part matters
	freedWithin = 300  // seconds between a change and a fall that it explains
)

// quiet says whether the KPI stood still, as a whole and in its parts. Series don't count: a
// release moves those of its service even if it does no harm. Doing what it does at this hour
// on other days is no move.
func (a *answer) quiet(f Frame) bool {
	return (!a.labels.looked || a.labels.still) && (a.labels.asOtherDays || !f.moved(a.target))
}

// moved says whether a KPI left its baseline, by its samples alone.
func (f Frame) moved(t Target) bool {
	before, after, ok := f.levels(t.Values, t.Crossing)
	var calm []float64
	for i, v := range t.Values {
		if f.Times[i] < f.Onset && present(v) {
			calm = append(calm, v)
		}
	}
	return ok && before != after && max(after-before, before-after) >= minDeviation*order.RobustSD(calm)
}

// move returns the course of a KPI, which changes are compared with.
func (f Frame) move(t Target) changes.Move {
	before, after, ok := f.levels(t.Values, t.Crossing)
	if !ok {
		return changes.Move{}
	}
	end := f.Times[f.lastSample(t.Values)]
	m := changes.Move{Times: f.Times, Values: t.Values, Usual: before, Now: after, Seen: end}
	if !t.Crossing { // After is the median of all rows of the incident
		m.Seen = (max(f.Onset, f.Settled) + end) / 2
	}
	return m
}

// parts returns the label sets found, for comparison with what was changed.
func (a *answer) parts() []changes.Part {
	values := map[string][]string{}
	for _, d := range a.labels.dimensions {
		for _, e := range d.Elements {
			values[d.Label] = append(values[d.Label], e.Value)
		}
	}
	parts := make([]changes.Part, len(a.labels.findings))
	for i, f := range a.labels.findings {
		parts[i] = changes.Part{
			Labels: slices.Concat(f.Labels, f.Evidence.Same), Places: len(f.Labels), Sure: float64(2 - f.Confidence.Rank()),
			Rollover: f.Evidence.Rollover, Others: values,
		}
		for _, set := range parts[i].Labels {
			parts[i].Whose = append(parts[i].Whose, a.target.implied(set))
		}
	}
	return parts
}

// weigh sets the odds of each series: how likely its service broke by itself, given the
// changes.
func (a *seriesAnswer) weigh(r changes.Ranking, in changes.Incident) {
	for i := range a.findings {
		at := slices.IndexFunc(in.Series, func(s changes.Service) bool { return s.Name == a.findings[i].Evidence.Service })
		if at >= 0 {
			a.findings[i].Odds = r.Alone[at]
		}
	}
}

// taken marks the findings that became evidence of a change, by index.
type taken map[int]bool

// take says whether a finding belongs to a change: it is likelier that the change caused it
// than that it broke by itself. A confident finding is not hidden behind a change that is a
// guess.
func (t taken) take(at int, c changes.Cause, f Finding) bool {
	if t[at] || !c.Alone() || f.Confidence != Low && !c.Likely {
		return false
	}
	t[at] = true
	return true
}

func (t taken) rest(findings []Finding) []Finding {
	var rest []Finding
	for i, f := range findings {
		if !t[i] {
			rest = append(rest, f)
		}
	}
	return rest
}

// newChange returns the finding of a change.
func newChange(c changes.Cause, t Target) Finding {
	f := Finding{
		Kind: KindChange, Series: c.Change.Series, Labels: []Set{c.Labels}, Change: &c.Change, Name: nameOf(c.Change),
		Score: c.Probability, Confidence: Low, Method: MethodChanges, Explains: []string{t.Name},
		Evidence: Evidence{Probability: known(c.Probability), Lag: known(c.Lag), Near: c.Near.String(), Earlier: c.Earlier},
		Odds:     c.Probability,
	}
	switch {
	case c.Certain:
		f.Confidence = High
	case c.Likely:
		f.Confidence = Medium
	}
	return f
}

// absorb makes a finding evidence of the change. The first one provides the figures: its levels
// and its share. A series may make the change surer; a label set has been weighed already, as
// knowing the place for certain is not knowing what broke it.
func (f *Finding) absorb(piece Finding) {
	e := f.Evidence
	if first := len(e.Places) == 0 && f.Series == ""; first {
		f.Share = piece.Share
		f.Evidence = piece.Evidence
		if piece.Kind == KindSeries { // these belong to the series, not to what was changed
			f.Evidence.Along, f.Evidence.OnlyOf = 0, 0
		}
		f.Evidence.Probability, f.Evidence.Lag, f.Evidence.Near, f.Evidence.Earlier = e.Probability, e.Lag, e.Near, e.Earlier
	}
	switch {
	case piece.Kind == KindLabels:
		f.Evidence.Places = append(f.Evidence.Places, piece.Labels...)
	case f.Series == "":
		f.Series, f.Metric = piece.Series, piece.Metric
		f.Evidence.Members = piece.Evidence.Members
	default:
		f.Evidence.Members = append(slices.Clone(f.Evidence.Members), piece.Series)
	}
	if piece.Kind == KindSeries && piece.Confidence.Rank() < f.Confidence.Rank() {
		f.Confidence = piece.Confidence
	}
}

// nameOf names a change in one line.
func nameOf(c changes.Change) string {
	name, at := strings.TrimSpace(c.Title), changes.WorkloadOf(c.Labels)
	switch {
	case name == "" && at == "":
		name = "a change"
	case name == "":
		name = at + " was changed"
	case at != "" && !strings.Contains(name, at):
		name = at + ": " + name
	}
	return name + fromTo(c)
}

// fromTo says what was replaced by what.
func fromTo(c changes.Change) string {
	switch {
	case c.From != "" && c.To != "":
		return fmt.Sprintf(" (%s → %s)", c.From, c.To)
	case c.To != "" && !strings.Contains(c.Title, c.To):
		return fmt.Sprintf(" (%s)", c.To)
	case c.From != "":
		return fmt.Sprintf(" (was %s)", c.From)
	}
	return ""
}

// withExtent adds how many parts were changed, unless all were.
func withExtent(details string, e changes.Extent) string {
	if !e.Partial() {
		return details
	}
	of := fmt.Sprintf("%d of %d %s", e.Changed, e.Of, e.Parts)
	if before, ok := strings.CutSuffix(details, ")"); ok {
		return before + ", " + of + ")"
	}
	return " (" + of + ")"
}

// sayChange describes a change: what was done, how long before, and what else supports it.
func sayChange(c changes.Cause, f Finding, t Target) string {
	what, details := nameOf(c.Change), fromTo(c.Change)
	what = strings.TrimSuffix(what, details)
	if last := what[strings.LastIndexByte(what, ' ')+1:]; strings.ContainsFunc(last, unicode.IsDigit) {
		what += "," // two numbers in a row are hard to read
	}
	text := fmt.Sprintf("%s %s before", what, words.Seconds.Format(c.Lag))
	if c.Lag == 0 {
		text = what + " when it began"
	}
	text += withExtent(details, c.Extent)
	if c.Earlier > 0 {
		text += fmt.Sprintf(", as %s before that", times(c.Earlier))
	}
	if len(f.Evidence.Places) > 0 {
		text += "; " + sayPart(c, f, t)
	}
	if before, after := f.Evidence.Before, f.Evidence.After; f.Series != "" && before != nil && after != nil {
		text += fmt.Sprintf("; %s %s (%s → %s)", f.Series, verb(*before, *after), words.Number(*before), words.Number(*after))
	}
	return text
}

// sayPart says which part of the KPI moved: only the new version, if that is all of the change.
func sayPart(c changes.Cause, f Finding, t Target) string {
	kpi, found := cmp.Or(t.Title, t.Name), f.Evidence.Places
	if len(found) == 1 && len(found[0]) == 1 && c.To != "" && slices.Contains(slices.Collect(maps.Values(found[0])), c.To) && f.Share >= wholeShare {
		return kpi + " changed on " + places(found) + " only"
	}
	return sayShare(f) + kpi + " is " + places(found)
}

// sayShare says how much of the KPI's change a label set explains.
func sayShare(f Finding) string {
	if f.Share <= 0 {
		return "the part that moved of "
	}
	return words.Percent(min(f.Share, 1)) + " of the change of "
}

// times says how often.
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}
