// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis/forecast"
)

// asideOf lists the times excluded from a target's baseline, in order: when the alert fired,
// and when the KPI or a part of it was far from its baseline.
func asideOf(f Frame, t Target) []Stretch {
	list := slices.Clone(f.Fired)
	for _, s := range t.outlierSpans(f) {
		list = append(list, Stretch{From: s.Onset, To: s.End, Why: Far})
	}
	slices.SortStableFunc(list, func(a, b Stretch) int { return cmp.Compare(a.From, b.From) })
	return list
}

// outlierSpans returns when the KPI or a part of it left its band: from its breakdown, else
// from its own values.
func (t Target) outlierSpans(f Frame) []forecast.Span {
	if t.Breakdown != nil && (len(t.Breakdown.Leaves) > 0 || len(t.Breakdown.Marginals) > 0 || len(t.Breakdown.Aside) > 0) {
		return t.Breakdown.Aside
	}
	if t.Values == nil || t.Clock || f.Onset == 0 || len(f.Times) == 0 {
		return nil
	}
	values := slices.Clone(t.Values)
	for i, v := range values {
		if absent(v) {
			values[i] = math.NaN()
		}
	}
	span := forecast.Span{Onset: f.Onset, End: cmp.Or(f.End, f.Times[len(f.Times)-1])}
	pieces := forecast.Cut(forecast.Series{Times: f.Times, Values: [][]float64{values}}, span)
	steps := forecast.Steps{Length: forecast.Guard(forecast.UsualStep(f.Times))}
	_, aside := forecast.SetAside(pieces, nil, steps)
	return slices.DeleteFunc(steps.Stretches(aside, f.Onset-steps.Length), func(s forecast.Span) bool {
		return s.End-s.Onset < 2*steps.Length // a KPI such as a quantile has single outliers
	})
}

// sayAside says which times were excluded, and why.
func sayAside(list []Stretch, onset float64) []Warning {
	var all []Warning
	for _, r := range []struct {
		why  Reason
		text string
	}{{Fired, "the alert was pending or firing"}, {Far, "the KPI or a part of it was far from its usual"}} {
		var texts []string
		for _, s := range list {
			if s.Why == r.why {
				texts = append(texts, s.clock(onset))
			}
		}
		if len(texts) > 0 {
			all = append(all, Warning{Source: "baseline", Text: "the time from " + strings.Join(texts, ", and from ") +
				" UTC is not part of the baseline: " + r.text})
		}
	}
	return all
}

// clock writes a stretch, with its day if it is more than a day before the onset.
func (s Stretch) clock(onset float64) string {
	const day = 86400
	layout := "15:04"
	if onset-s.From > day {
		layout = "Jan 2 15:04"
	}
	at := func(t float64, layout string) string { return time.Unix(int64(t), 0).UTC().Format(layout) }
	return at(s.From, layout) + " to " + at(s.To, "15:04")
}

// nearOnset is how many seconds before the onset a stretch may end and still be the beginning
// of the incident.
const nearOnset = 600

// near returns how long before the onset a stretch must end to be another incident. An alert
// that has resolved always is.
func (s Stretch) near() float64 {
	if s.Why == Fired {
		return 0
	}
	return nearOnset
}

// setAside removes the samples of earlier incidents from all series, as long as enough of the
// baseline is left.
func (c *candidates) setAside(list []Stretch) {
	if !c.dated || c.onset >= len(c.times) {
		return
	}
	var rows []int
	for i, t := range c.times[:c.onset] {
		if slices.ContainsFunc(list, func(s Stretch) bool {
			return s.From <= t && t < s.To && s.To < c.times[c.onset]-s.near()
		}) {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 || 2*len(rows) > c.onset || c.onset-len(rows) < shortHistory {
		return
	}
	without := func(values []float64) []float64 {
		values = slices.Clone(values)
		for _, i := range rows {
			values[i] = math.NaN()
		}
		return values
	}
	c.target.Values = without(c.target.Values)
	for i := range c.series {
		c.series[i].Values = without(c.series[i].Values)
	}
}
