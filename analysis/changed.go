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

// MethodChanges is the method of causes of the kind [KindChange].
const MethodChanges = "changes"

// askedForChanges says whether anybody has looked for changes.
func (f Frame) askedForChanges() bool { return len(f.Changes) > 0 || f.ChangesSince != 0 }

// seenChanges is what was done around the onset; nil if nobody has looked.
func (f Frame) seenChanges() *Changes {
	if !f.askedForChanges() || f.Onset == 0 {
		return nil
	}
	r := changes.Rank(f.Changes, f.incident())
	return &Changes{Since: f.ChangesSince, Before: len(r.Causes), Later: r.Later[:min(len(r.Later), mostLater)]}
}

// explainChanges says which change began the incident. What the labels and the series
// have found and is the same thing becomes evidence of it.
func (a *answer) explainChanges(f Frame, opt Options) {
	if len(f.Changes) == 0 || f.Onset == 0 {
		return
	}
	in := f.incident()
	in.Alike = a.labels.alike
	in.Found, in.Series, in.Moved, in.Quiet = a.parts(), a.series.services, a.series.moved, a.quiet(f)
	ranking := changes.Rank(f.Changes, in)
	a.series.weigh(ranking, in)
	if in.Quiet && opt.Changes.Top == 0 {
		return // nothing happened, and nothing has done it
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

// lowerFreed takes the confidence from series of which a change just before says why
// they are less than they were: what was started anew has to fill its memory again.
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
	mostLater   = 20   // the same, after the onset
	leastLikely = 0.01 // of those
	wholeShare  = 0.99 // of the KPI's change, from which on no other part is worth a word
	freedWithin = 300  // seconds between a change and a fall that it explains
)

// quiet says that the KPI stood still, whole and inside. Series don't count: a
// release moves those of its service, whether it does any harm or not. What the KPI
// does at this hour on other days is no move.
func (a *answer) quiet(f Frame) bool {
	return (!a.labels.looked || a.labels.still) && (a.labels.usual || !f.moved(a.target))
}

// moved says whether a KPI left what is usual, by its samples alone.
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

// parts are the label sets that were found, to be compared with what was changed.
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
			Labels: slices.Concat(f.Labels, f.Evidence.Same), Sure: float64(2 - f.Confidence.Rank()),
			Rollover: f.Evidence.Rollover, Others: values,
		}
		for _, set := range parts[i].Labels {
			parts[i].Whose = append(parts[i].Whose, a.target.implied(set))
		}
	}
	return parts
}

// weigh says of each series how likely its service is by itself, beside the changes.
func (a *seriesAnswer) weigh(r changes.Ranking, in changes.Incident) {
	for i := range a.findings {
		at := slices.IndexFunc(in.Series, func(s changes.Service) bool { return s.Name == a.findings[i].Evidence.Service })
		if at >= 0 {
			a.findings[i].Odds = r.Alone[at]
		}
	}
}

// taken are the findings that became evidence of a change, by their place.
type taken map[int]bool

// take says whether a finding is the same thing as a change: if it is likelier that
// the change made it than that it broke by itself. A finding that is sure is not
// hidden behind a change that isn't.
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

// newChange is a change as a cause.
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

// absorb makes a finding evidence of the change. The first one gives the figures: how
// it moved, and its share.
func (f *Finding) absorb(piece Finding) {
	e := f.Evidence
	if first := len(e.Places) == 0 && f.Series == ""; first {
		f.Share = piece.Share
		f.Evidence = piece.Evidence
		if piece.Kind == KindSeries { // which are of its own, and not of what was changed
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
	if piece.Confidence.Rank() < f.Confidence.Rank() {
		f.Confidence = piece.Confidence
	}
}

// nameOf is what was done, in one line.
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

// fromTo is what became of what.
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

// withExtent adds to what became of what of how many, unless it is of all.
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

// sayChange says a change in words: what was done, how long before, and what else
// says that it was this.
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

// sayPart says which part of the KPI moved. Where it is the new version, and all of
// the change, no other part has it.
func sayPart(c changes.Cause, f Finding, t Target) string {
	kpi, found := cmp.Or(t.Title, t.Name), f.Evidence.Places
	if len(found) == 1 && len(found[0]) == 1 && c.To != "" && slices.Contains(slices.Collect(maps.Values(found[0])), c.To) && f.Share >= wholeShare {
		return kpi + " changed on " + places(found) + " only"
	}
	return sayShare(f) + kpi + " is " + places(found)
}

// sayShare is how much of the change of the KPI a label set has.
func sayShare(f Finding) string {
	if f.Share <= 0 {
		return "the part that moved of "
	}
	return words.Percent(min(f.Share, 1)) + " of the change of "
}

// times counts how often.
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}
