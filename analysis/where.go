// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/culprit-dev/culprit/analysis/adtributor"
	"github.com/culprit-dev/culprit/analysis/localize"
)

// answer turns the result of the kernels into findings.
func (l *location) answer(r localize.Result) labelAnswer {
	l.over = l.boundShares(r)
	r = l.missing(l.unlift(r))
	a := labelAnswer{
		looked: true, still: r.Verdict == localize.NoChange, asOtherDays: r.Verdict == localize.NoChange && l.made.Days > 0,
		everywhere: everywhere(r.Verdict), forecast: l.made.String(), change: l.change(r), own: l.own(),
	}
	causes := r.Causes[:min(len(r.Causes), top(l.options.Labels.Top, 8))]
	for _, c := range causes {
		a.findings = append(a.findings, l.finding(r, c))
	}
	if modeOf(l.options.Labels.Mode) != localize.NSDI { // NSDI keeps its published order
		slices.SortStableFunc(a.findings, compareStanding)
	}
	for _, d := range r.Dimensions {
		a.dimensions = append(a.dimensions, l.dimension(d))
	}
	a.dimensions = append(a.dimensions, l.refused()...)
	a.change.Mix = l.shifted(r)
	a.verdict, a.warnings = warnings("labels", l.sayVerdict(r, a.change.Mix)), warnings("labels", l.doubts(r))
	return a
}

// ratio says whether the measure is a ratio.
func (l *location) ratio() bool {
	return l.breakdown.Denominator != nil ||
		len(l.breakdown.Marginals) > 0 && l.breakdown.Marginals[0].Denominator != nil
}

// change returns the move of the KPI according to the breakdown.
func (l *location) change(r localize.Result) *Change {
	c := &Change{Target: l.target.Name, Forecast: l.shown(r.Forecast), Actual: l.shown(r.Actual)}
	if l.ratio() {
		c.Forecast, c.Actual = finite(r.RatioBefore), finite(r.RatioNow)
	}
	c.Rising = c.Actual > c.Forecast
	return c
}

// shown converts an amount to the level of the KPI as displayed: per second for a flow, else
// per step of the incident.
func (l *location) shown(amount float64) float64 {
	if s := l.breakdown.Seconds; s > 0 {
		return finite(amount / s)
	}
	return finite(amount / l.scale.Window)
}

func (l *location) finding(r localize.Result, c localize.Cause) Finding {
	f := Finding{
		Kind: KindLabels, Score: finite(c.Score), Share: finite(c.Share), Method: c.Method,
		Confidence: c.Confidence, Explains: []string{l.target.Name},
		Evidence: l.evidence(r, c),
	}
	matchers := make([]string, len(c.Combinations))
	for i, combination := range c.Combinations {
		labels := l.labels(combination)
		f.Labels = append(f.Labels, labels)
		matchers[i] = matcher(labels)
	}
	f.Name = strings.Join(matchers, " or ")
	if f.Share > mostOfIt && l.isOwn(f.Labels) {
		f.Evidence.OnlyOf = len(l.breakdown.Leaves)
	}
	f.Evidence.Gross, f.Evidence.Gone = r.Gross, !c.Rollover && l.breakdown.gone(f.Labels)
	f.Sentence = l.sentence(r, c, f)
	return f
}

// mostOfIt is the share of a change from which on nothing else is worth mentioning.
const mostOfIt = 0.95

// isOwn says whether the sets select exactly the alert's own series among its siblings. The
// alert already says that it moved; that no other did is news.
func (l *location) isOwn(sets []map[string]string) bool {
	if l.breakdown.Own == nil || len(sets) != 1 {
		return false
	}
	selected, own := 0, true
	for _, leaf := range l.breakdown.Leaves {
		if !has(l.breakdown.Labels, leaf, sets[0]) {
			continue
		}
		selected++
		own = own && has(l.breakdown.Labels, leaf, l.breakdown.Own)
	}
	return selected == 1 && own
}

// evidence returns the arithmetic behind a cause.
func (l *location) evidence(r localize.Result, c localize.Cause) Evidence {
	e := Evidence{
		Forecast: new(l.shown(c.Forecast)), Actual: new(l.shown(c.Actual)), Share: known(c.Share),
		Leaves: c.Leaves, PartialLeaves: c.Partial, Offsetting: l.offsetting(r, c),
		Appeared: c.Appeared, Vanished: c.Vanished, Rollover: c.Rollover,
	}
	if c.Surprise != 0 || c.Method == "adtributor" { // undefined for combinations of labels
		e.Surprise = known(c.Surprise)
	}
	if c.Ratio != 0 {
		e.Ratio = known(c.Ratio)
	}
	if c.Method == "grescan" {
		e.Homogeneity, e.ScoreByChance = known(c.R2), known(c.Bar)
	}
	if l.ratio() {
		e.RateEffect, e.MixEffect = known(c.Rate), known(c.Mix)
	}
	return e
}

// offsetting names the values of a cause's labels that moved against the total.
func (l *location) offsetting(r localize.Result, c localize.Cause) []string {
	var against []string
	for _, d := range r.Dimensions {
		if !slices.ContainsFunc(c.Combinations, func(k localize.Combination) bool { return slices.Contains(k.Labels, d.Label) }) {
			continue
		}
		for _, id := range d.Offsetting {
			against = append(against, l.names[d.Label]+"="+shownValue(l.value(d.Label, id)))
		}
	}
	return against
}

// labels returns the label set of a combination.
func (l *location) labels(c localize.Combination) map[string]string {
	labels := map[string]string{}
	for k, d := range c.Labels {
		labels[l.names[d]] = l.value(d, c.Values[k])
	}
	return l.target.placed(labels)
}

// value returns the name of a code.
func (l *location) value(label int, code int32) string {
	switch code {
	case adtributor.Other:
		return "__other__"
	case adtributor.Missing:
		return missingValue
	}
	return l.values[label][code]
}

// matcher writes a label set in PromQL, ready to paste.
func matcher(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name+"="+strconv.Quote(labels[name]))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// dimension returns the KPI broken down by one label.
func (l *location) dimension(d localize.Dimension) Dimension {
	out := Dimension{
		Label: l.names[d.Label], Surprise: finite(d.Set.Surprise), Explained: finite(d.Set.EP), Masking: finite(d.Masking),
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
	if d.Rollover && (e.Appeared || e.Vanished) {
		list = append(list, "rollover")
	}
	if slices.Contains(d.Offsetting, e.ID) {
		list = append(list, "offsetting")
	}
	return list
}

// refused lists the labels that were not broken down.
func (l *location) refused() []Dimension {
	var list []Dimension
	for _, r := range l.breakdown.Refused {
		list = append(list, Dimension{Label: r.Label, Note: "not broken down: " + r.Reason, Elements: []Element{}})
	}
	return list
}
