package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/culprit-dev/culprit/analysis/adtributor"
	"github.com/culprit-dev/culprit/analysis/localize"
	"github.com/culprit-dev/culprit/analysis/words"
)

// answer turns a localisation into findings.
func (l *location) answer(r localize.Result) labelAnswer {
	a := labelAnswer{
		looked: true, still: r.Verdict == localize.NoChange,
		external: r.Verdict == localize.External || r.Verdict == localize.TrafficMix || r.Verdict == localize.Outage,
		forecast: l.made.String(), change: l.change(r),
	}
	causes := r.Causes[:min(len(r.Causes), top(l.options.Labels.Top, 8))]
	for _, c := range causes {
		a.findings = append(a.findings, l.finding(r, c))
	}
	for _, d := range r.Dimensions {
		a.dimensions = append(a.dimensions, l.dimension(d))
	}
	a.dimensions = append(a.dimensions, l.refused()...)
	if text := sayVerdict(r); text != "" {
		a.warnings = append(a.warnings, Warning{Source: "labels", Text: text})
	}
	return a
}

// sayVerdict explains the verdicts that need more than their name.
func sayVerdict(r localize.Result) string {
	switch r.Verdict {
	case localize.TrafficMix:
		return "traffic mix: no part got worse; more of the traffic now goes where the ratio was different already"
	case localize.Outage:
		return "everything stopped: no label explains it"
	case localize.External:
		return "everything moved alike: no label value stands out"
	}
	if r.NoBaseline {
		return "there was nothing before the incident: shares are those of what came"
	}
	if r.Gross && len(r.Causes) > 0 {
		return "the total did not move: parts moved against each other, and shares are those of all that moved"
	}
	return ""
}

// change is the move of the KPI as the breakdown tells it.
func (l *location) change(r localize.Result) *Change {
	c := &Change{Target: l.target.Name, Forecast: l.shown(r.Forecast), Actual: l.shown(r.Actual)}
	if l.breakdown.Denominator != nil || len(l.breakdown.Marginals) > 0 && l.breakdown.Marginals[0].Denominator != nil {
		c.Forecast, c.Actual = r.RatioBefore, r.RatioNow
	}
	c.Rising = c.Actual > c.Forecast
	return c
}

// shown is an amount as people are shown it: a second, where it is a flow.
func (l *location) shown(amount float64) float64 {
	if s := l.breakdown.Seconds; s > 0 {
		return finite(amount / s)
	}
	return finite(amount)
}

// unit is that of what shown returns.
func (l *location) unit() words.Unit {
	if l.breakdown.Seconds > 0 {
		return words.PerSecond
	}
	return ""
}

func (l *location) finding(r localize.Result, c localize.Cause) Finding {
	f := Finding{
		Kind: KindLabels, Score: finite(c.Score), Share: finite(c.Share), Method: c.Method,
		Confidence: [...]Confidence{High, Medium, Low}[c.Confidence], Explains: []string{l.target.Name},
		Evidence: map[string]any{
			"forecast": l.shown(c.Forecast), "actual": l.shown(c.Actual), "ratio": finite(c.Ratio),
			"leaves": c.Leaves, "homogeneity": finite(c.R2), "surprise": finite(c.Surprise),
		},
	}
	var matchers []string
	for _, combination := range c.Combinations {
		labels := l.labels(combination)
		f.Labels = append(f.Labels, labels)
		matchers = append(matchers, matcher(labels))
	}
	f.Name = strings.Join(matchers, " or ")
	if r.RatioBefore != 0 || r.RatioNow != 0 {
		f.Evidence["rate_effect"], f.Evidence["mix_effect"] = finite(c.Rate), finite(c.Mix)
	}
	for tag, yes := range map[string]bool{"appeared": c.Appeared, "vanished": c.Vanished, "rollover": c.Rollover} {
		if yes {
			f.Evidence[tag] = true
		}
	}
	if c.Partial > 0 {
		f.Evidence["partial_leaves"] = c.Partial
	}
	f.Sentence = l.sentence(r, c, f)
	return f
}

// labels are the names of a combination.
func (l *location) labels(c localize.Combination) map[string]string {
	labels := map[string]string{}
	for k, d := range c.Labels {
		labels[l.names[d]] = l.value(d, c.Values[k])
	}
	return labels
}

// value is the name of a code.
func (l *location) value(label int, code int32) string {
	switch {
	case code == adtributor.Other:
		return "__other__"
	case code == adtributor.Missing:
		return "__missing__"
	}
	return l.values[label][code]
}

// matcher is a set of labels as PromQL, ready to paste.
func matcher(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name+"="+strconv.Quote(labels[name]))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// sentence says a cause in words: "82 % of the extra errors come from
// path=/pay on version=v2 (forecast 3.1/s, now 41/s)".
func (l *location) sentence(r localize.Result, c localize.Cause, f Finding) string {
	places := make([]string, len(f.Labels))
	for i, labels := range f.Labels {
		places[i] = place(labels)
	}
	where := strings.Join(places, " and ")
	u := l.unit()
	numbers := fmt.Sprintf("(forecast %s, now %s)", u.Format(l.shown(c.Forecast)), u.Format(l.shown(c.Actual)))
	switch {
	case c.Rollover:
		return fmt.Sprintf("%s took the place of another value: a rollout or a restart %s", where, numbers)
	case r.Gross:
		return fmt.Sprintf("%s %s while the total stood still %s", where, verb(c.Forecast, c.Actual), numbers)
	default:
		return fmt.Sprintf("%s of the %s from %s %s", words.Percent(f.Share), l.noun(r), where, numbers)
	}
}

// noun names what there is more or less of, with its verb.
func (l *location) noun(r localize.Result) string {
	extra, missing := "rise comes", "fall comes"
	if kindOf(l.target.Kind, l.target.Name).String() == "error" {
		extra, missing = "extra errors come", "missing errors come"
	}
	if r.Actual >= r.Forecast {
		return extra
	}
	return missing
}

// place writes a combination as people say it.
func place(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		value := labels[name]
		if value == "" {
			value = `""`
		}
		pairs = append(pairs, name+"="+value)
	}
	return strings.Join(pairs, " on ")
}

// dimension is the KPI seen by one label.
func (l *location) dimension(d localize.Dimension) Dimension {
	out := Dimension{
		Label: l.names[d.Label], Surprise: finite(d.Surprise), Explained: finite(d.Set.EP), Masking: finite(d.Masking),
		Note: l.note(d), Elements: []Element{},
	}
	for _, e := range d.Elements[:min(len(d.Elements), shownElements)] {
		out.Elements = append(out.Elements, Element{
			Value: l.value(d.Label, e.ID), Forecast: l.shown(e.Forecast), Actual: l.shown(e.Actual),
			EP: finite(e.EP), Surprise: finite(e.Surprise), Change: l.shown(e.Actual - e.Forecast), Tags: tags(d, e),
		})
	}
	return out
}

// shownElements is how many values of a label a report lists.
const shownElements = 50

func tags(d localize.Dimension, e adtributor.Element) []string {
	var list []string
	if e.Appeared {
		list = append(list, "appeared")
	}
	if e.Vanished {
		list = append(list, "vanished")
	}
	if slices.Contains(d.Offsetting, e.ID) {
		list = append(list, "offsetting")
	}
	return list
}

// note says why a label gives no causes, and what is not shown of it.
func (l *location) note(d localize.Dimension) string {
	var notes []string
	switch d.Reason {
	case localize.Constant:
		notes = append(notes, "it has one value only")
	case localize.Alias:
		notes = append(notes, "it says the same as "+l.names[d.AliasOf])
	case localize.Volatile:
		notes = append(notes, "most of its values come and go, so it is shown and not searched")
	case localize.OnlyShown:
		notes = append(notes, "it names a replica, so it is shown and not searched")
	case localize.Surplus:
		notes = append(notes, "too many labels: more surprising ones were searched for combinations")
	}
	if d.Folded > 0 {
		notes = append(notes, fmt.Sprintf("its %d smallest values are taken together", d.Folded))
	}
	if n := len(d.Elements) - shownElements; n > 0 {
		notes = append(notes, fmt.Sprintf("%d more values are not shown", n))
	}
	if d.Masking > 3 {
		notes = append(notes, "its values move against each other much more than the total shows")
	}
	return strings.Join(notes, "; ")
}

// refused are the labels that were not broken down.
func (l *location) refused() []Dimension {
	var list []Dimension
	for _, r := range l.breakdown.Refused {
		list = append(list, Dimension{Label: r.Label, Note: "not broken down: " + r.Reason, Elements: []Element{}})
	}
	return list
}
