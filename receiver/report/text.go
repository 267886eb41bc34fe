// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

const (
	lineLimit  = 200 // bytes: what a phone shows of a notification
	titleLimit = 72  // bytes of a cause, in a line that may name two
)

// Line is the one-line answer for a phone: most important first, at most 200 bytes, without line
// breaks whatever the labels hold. Every verdict has its sentence. If causes of several kinds are
// confident it names one of each.
func (r Report) Line() string { return strings.Join(r.Parts(), "") }

// Parts returns the pieces of [Report.Line]: the answer, then what else fits.
func (r Report) Parts() []string { return fit(r.sentences()...) }

// sentences returns the pieces of the line, most important first. What doesn't fit is dropped from
// the end.
func (r Report) sentences() []string {
	a := AnswerOf(r.Result)
	if r.Status == Failed && a.Verdict != analysis.NoChange {
		a = noAnswer()
	}
	return a.sentences(r)
}

func (r Report) sayNoAnswer() []string {
	return []string{"No answer: " + r.doubt("there was too little evidence")}
}

// sayCauses names the confident causes, or says that there are none.
func (r Report) sayCauses() []string {
	unsaid, of, ofLead := r.told(r.unsaid())
	causes := causeParts(unsaid, of, r.PartUnit())
	if len(causes) == 0 {
		return r.sayNoCause()
	}
	if moved := r.moved(); moved != "" && ofLead {
		causes = append(causes, " ("+moved+")")
	}
	if inside := sayInside(unsaid); inside != "" {
		causes = append(causes, inside)
	}
	return causes
}

func (r Report) sayNoChange() []string {
	if c := r.Result.Change; c != nil {
		u := r.Unit()
		if c.Clock {
			return r.sayClock(*c, u)
		}
		parts := []string{"No change found: " + cut(r.KPI(), titleLimit) + sayStill(*c, u)}
		if len(r.Alert.Labels) > 0 { // a question about an expression has no alert
			parts = append(parts, "; the alert is about a level, not about a move")
			parts = append(parts, sayLevel(*c, u)...)
		}
		return parts
	}
	return []string{"No change found in " + cut(r.KPI(), titleLimit)}
}

// asExpected is the relative difference up to which two figures count as equal.
const asExpected = 0.1

// sayStill says where an unchanged KPI is, or one that moved no more than its noise.
func sayStill(c analysis.Change, u words.Unit) string {
	now, before := u.Format(c.Actual), u.Format(c.Forecast)
	if math.Abs(c.Actual-c.Forecast) > asExpected*max(math.Abs(c.Actual), math.Abs(c.Forecast)) {
		return fmt.Sprintf(" is %s, no farther from the expected %s than in quiet times", now, before)
	}
	return fmt.Sprintf(" is %s, as expected (%s)", now, before)
}

// sayClock says that only time has passed, which is what such alerts are about.
func (r Report) sayClock(c analysis.Change, u words.Unit) []string {
	goes, missing := "falls", "nothing has renewed it"
	if c.Rising {
		goes, missing = "grows", "the job that resets it has not run"
	}
	parts := []string{fmt.Sprintf("Only the clock moved: %s is %s and %s by itself; %s", cut(r.KPI(), titleLimit), u.Format(c.Actual), goes, missing)}
	if c.Siblings > 0 && c.Others != 0 {
		parts = append(parts, fmt.Sprintf(" (%s: %s)", others(c.Siblings), u.Format(c.Others)))
	}
	return parts
}

// others names the siblings of a series.
func others(n int) string {
	if n == 1 {
		return "the other one"
	}
	return fmt.Sprintf("the %d others", n)
}

// sayMix says that a ratio moved only because its traffic did, and where to look.
func (r Report) sayMix() []string {
	const look = "; look at what moved the traffic: routing, a failover, a new caller"
	if c := r.Result.Change; c != nil && c.Mix != nil {
		u := r.Unit()
		return []string{
			fmt.Sprintf("No part changed: traffic shifted %s, where it has always been %s (%s, elsewhere %s)",
				c.Mix.Shift(), c.Mix.Always(), u.Format(c.Mix.Ratio), u.Format(c.Mix.Others)),
			"; " + r.moved(), look,
		}
	}
	return []string{
		"No part changed: " + r.movedOr("the ratio moved") + " because traffic shifted to parts where it was already " + r.already(),
		look,
	}
}

// sayStopped says that nothing is left anywhere, and where to look.
func (r Report) sayStopped() []string {
	return []string{
		"Everything stopped: " + r.movedOr("nothing is left") + r.underAll(),
		"; look at what all of it depends on, and whether it is still scraped",
	}
}

// sayAlike says that the change has no single place, and where to look.
func (r Report) sayAlike() []string {
	const upstream = "; look upstream: demand, a shared dependency, a rollout everywhere"
	if l := r.Result.Load; l != nil {
		return r.sayLoad(*l)
	}
	if c := r.Result.Change; c != nil && c.Siblings > 0 {
		return []string{fmt.Sprintf("Not this one alone: %s moved alike (%s)", allOf(c.Siblings+1), r.moved()), upstream}
	}
	parts := []string{"No single place: " + r.movedOr("the change") + " is spread alike over " + r.looked(), upstream}
	if still := StillSeries(r.Result.Fit); still != "" {
		parts = append(parts, "; "+still)
	}
	return parts
}

// sayLoad says that the load on everything rose or fell, and where to look.
func (r Report) sayLoad(l analysis.Load) []string {
	goes := "rose"
	if l.Factor < 1 {
		goes = "fell"
	}
	by := strings.TrimLeft(words.Factor(1, l.Factor), "+−")
	what := fmt.Sprintf("%d of %d series by %s", l.Moved, l.Of, by)
	if l.Series != "" {
		what = middle(clean(otherSelector(l.Series, r.Alert.Labels)), titleLimit) + " " + words.Factor(1, l.Factor)
	}
	parts := []string{"Load " + goes + " everywhere: " + what}
	if moved := r.moved(); moved != "" {
		parts = append(parts, " ("+moved+")")
	}
	return append(parts, "; look at who asks: callers, clients, a batch job")
}

// looked names the labels examined, if they are few: there may be others, such as instance.
func (r Report) looked() string {
	const most = 3
	var names []string
	for _, d := range r.Result.Dimensions {
		if len(d.Elements) > 0 {
			names = append(names, clean(d.Label))
		}
	}
	if len(names) == 0 || len(names) > most {
		return "all labels"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// allOf names a series and its siblings.
func allOf(n int) string {
	if n == 2 {
		return "both series"
	}
	return fmt.Sprintf("all %d series", n)
}

// underAll says where everything stopped.
func (r Report) underAll() string {
	if c := r.Result.Change; c != nil && c.Siblings > 0 {
		return ", and so have " + allOf(c.Siblings+1)
	}
	if len(r.Result.Dimensions) == 0 {
		return ""
	}
	return " under every label"
}

// already says where a ratio is that moved with its traffic.
func (r Report) already() string {
	if c := r.Result.Change; c != nil && !c.Rising {
		return "lower"
	}
	return "higher"
}

func (r Report) sayNoCause() []string {
	why := cmp.Or(clean(r.Result.Unclear), "nothing stands out")
	if f := r.Result.Fit; StillSeries(f) != "" {
		why = "none of " + seriesOf(f) + " moved"
	}
	parts := []string{"No cause found: " + r.movedOr(cut(r.KPI(), titleLimit)+" moved") + ", but " + cut(why, titleLimit)}
	if r.guesses() {
		parts = append(parts, aGuess+middle(r.Top(), titleLimit))
	}
	return parts
}

// aGuess precedes an unreliable cause in the line.
const aGuess = "; a guess: "

// guesses reports whether to mention the first cause although nothing is confident. A series that
// did not move is not worth it.
func (r Report) guesses() bool {
	causes := r.Result.Causes
	return r.Result.Verdict == analysis.NoConfidentCause && len(causes) > 0 &&
		(StillSeries(r.Result.Fit) == "" || causes[0].Kind != analysis.KindSeries)
}

// StillSeries says how many series were examined if none of them moved: the cause is elsewhere. It
// is empty if one did, or none were examined.
func StillSeries(f *analysis.Fit) string {
	if f == nil || f.Series == 0 || f.Moved > 0 {
		return ""
	}
	return LookedAt(f) + "; none moved"
}

// LookedAt says how many series were examined, and of what.
func LookedAt(f *analysis.Fit) string {
	if f.Series == 1 {
		return seriesOf(f) + " was looked at"
	}
	return seriesOf(f) + " were looked at"
}

// seriesOf says how many series there were, and of which exporters, if these are few.
func seriesOf(f *analysis.Fit) string {
	const most = 4
	text := fmt.Sprintf("%d series", f.Series)
	if len(f.Of) > 0 && len(f.Of) <= most {
		text += " of " + clean(words.List(f.Of))
	}
	return text
}

// moved says how the KPI changed; empty if unknown.
func (r Report) moved() string {
	c := r.Result.Change
	if c == nil {
		return ""
	}
	u := r.Unit()
	moved := fmt.Sprintf("%s → %s", u.Format(c.Forecast), u.Format(c.Actual))
	if r.KPI() == r.Name() && len(r.Alert.Labels) > 0 { // the reader knows the alert
		return moved
	}
	return cut(r.KPI(), titleLimit) + " " + moved
}

func (r Report) movedOr(otherwise string) string {
	if s := r.moved(); s != "" {
		return s
	}
	return otherwise
}

// of names what shares are shares of.
func (r Report) of() string {
	switch c := r.Result.Change; {
	case c == nil, r.Unit().Format(c.Forecast) == r.Unit().Format(c.Actual): // the change is hidden inside
		return "the change"
	case c.Rising:
		return "the rise"
	default:
		return "the fall"
	}
}

// doubt returns the first warning that may be the reason for no answer, or otherwise.
func (r Report) doubt(otherwise string) string {
	note := ""
	if i := slices.IndexFunc(r.Result.Warnings, func(w analysis.Warning) bool { return w.Source == analysis.SourceNeeded }); i >= 0 {
		return clean(r.Result.Warnings[i].Text)
	}
	for _, w := range r.Result.Warnings {
		text := clean(w.Text)
		if text != "" && !footnote(w.Source) {
			return text
		}
		note = cmp.Or(note, text)
	}
	return cmp.Or(note, otherwise)
}

// footnote reports whether warnings of a source are about the question rather than the KPI.
func footnote(source string) bool {
	switch source {
	case "onset", "window", "candidates", "alertmanager", "baseline", "table", sourceLater:
		return true
	default:
		return false
	}
}

// fit returns as many parts as fit on the line. The first is always included, cut if necessary.
func fit(parts ...string) []string {
	fitting := []string{cut(parts[0], lineLimit)}
	length := len(fitting[0])
	for _, part := range parts[1:] {
		if length += len(part); length > lineLimit {
			break
		}
		fitting = append(fitting, part)
	}
	return fitting
}

// CauseLines returns the confident causes for an annotation, most likely first: at most limit lines
// of at most 200 bytes, with confidence. If none is confident it is one guess, marked as such, or
// nothing: a list of possibilities would wake somebody in vain.
func (r Report) CauseLines(limit int) []string { return causeLines(r.Named(), limit, r.Describe) }

// Named returns the causes to publish: those that pass the threshold of their methods, or else one
// guess that is worth mentioning.
func (r Report) Named() []analysis.Finding {
	causes := confident(r.Result.Causes)
	if len(causes) == 0 && r.guesses() {
		causes = r.Result.Causes[:1]
	}
	return causes
}

// Describe formats a cause with its figures, on one line.
func (r Report) Describe(f analysis.Finding) string {
	if !r.isOfLead(f) { // whose unit differs
		return describe(f, ofKPI(f.Explains[0]), moves(f, ""))
	}
	if f.OfLabels() {
		return describe(f, r.of(), moves(f, r.UnitOf(f)))
	}
	return describe(f, r.of(), moves(f, r.SeriesUnit(f)))
}

// confident returns the causes that pass the threshold of their methods.
func confident(causes []analysis.Finding) []analysis.Finding {
	return slices.DeleteFunc(slices.Clone(causes), func(f analysis.Finding) bool { return !Confident(f) })
}

func causeLines(causes []analysis.Finding, limit int, describe func(analysis.Finding) string) []string {
	lines := make([]string, 0, min(limit, len(causes)))
	for i, f := range causes[:min(limit, len(causes))] {
		line := fmt.Sprintf("%d. %s", i+1, describe(f))
		if !Confident(f) {
			line = "A guess: " + describe(f)
		}
		lines = append(lines, cut(line, lineLimit))
	}
	return lines
}

// moves says from where to where a cause moved; empty if unknown.
func moves(f analysis.Finding, u words.Unit) string {
	before, after, ok := f.Evidence.Moved()
	switch {
	case !ok:
		return ""
	case f.Evidence.Gone:
		return fmt.Sprintf("it is gone (it was %s)", u.Format(before))
	default:
		return fmt.Sprintf("%s → %s", u.Format(before), u.Format(after))
	}
}

// describe formats a cause with its figures.
func describe(f analysis.Finding, of, moved string) string {
	var facts []string
	if f.Evidence.OnlyOf > 0 && f.Kind != analysis.KindSeries {
		facts = append(facts, onlyOf("this", f.Evidence))
	} else if swapped(f) {
		facts = append(facts, "changed places")
	} else if f.Share > 0 {
		facts = append(facts, words.Percent(min(f.Share, 1))+" of "+shareOf(f, of))
	}
	if moved != "" {
		facts = append(facts, moved)
	}
	if f.Kind == analysis.KindSeries && f.Evidence.Along > 1 {
		facts = append(facts, alongside("as did ", f.Evidence))
	}
	if Confident(f) {
		facts = append(facts, WithRole(f.Confidence.String()+" confidence", f))
	}
	if len(facts) == 0 {
		return middle(Title(f), lineLimit/2)
	}
	return middle(Title(f), lineLimit/2) + ": " + strings.Join(facts, ", ")
}
