// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/culprit-dev/culprit/analysis/forecast"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Times at which the alert fired before are no baseline. Prometheus stores them as series named
// ALERTS; one query reads them all.
const (
	firedStep   = 2 * time.Minute
	nameOfFired = "baseline" // name of the query, and the source of its warnings
)

// fired returns the query for when the alert was pending or firing before its onset, over the
// whole baseline. It returns false without an alert, as for an expression. The answer has at
// most one series.
func (p Plan) fired() (Query, bool) {
	if p.earlier == "" {
		return Query{}, false
	}
	q := Query{Role: RoleBaseline, Name: nameOfFired, Query: p.earlier, Step: firedStep}
	q.End = floor(p.Onset.Add(-time.Nanosecond), firedStep) // at the onset it is pending again
	start := q.End.Add(-(mostDays + 1) * day)
	if p.Start.Before(start) {
		start = p.Start
	}
	if q.End.Sub(start) > rowLimit*firedStep {
		start = q.End.Add(-rowLimit * firedStep)
	}
	q.Start = floor(start, firedStep)
	return q, true
}

// earlier returns PromQL for the alert's activity at any severity: a warning on the same KPI
// counts as well. In a storm it covers all alerts with the shared labels, so that they share
// the query. It is empty without an alert.
func (a Alert) earlier() string {
	name := a.Labels[model.AlertNameLabel]
	if name == "" {
		return ""
	}
	own := a.scope()
	if a.Storm {
		own = a.Shared
	}
	r := region{
		{Type: labels.MatchEqual, Name: model.AlertNameLabel, Value: string(name)},
		labels.MustNewMatcher(labels.MatchRegexp, "alertstate", "pending|firing"),
	}
	for n, v := range own {
		if v != "" && !slices.Contains([]model.LabelName{model.AlertNameLabel, model.MetricNameLabel, "alertstate", "severity"}, n) {
			r = append(r, &labels.Matcher{Type: labels.MatchEqual, Name: string(n), Value: string(v)})
		}
	}
	slices.SortFunc(r[2:], func(a, b *labels.Matcher) int { return cmp.Compare(a.Name, b.Name) })
	e, err := expr.Parse("count(ALERTS" + r.String() + ")")
	if err != nil { // some values can't be written in PromQL, such as U+FFFD
		return ""
	}
	return e.String()
}

// firedAt returns the times at which the alert was pending or firing, in order. It is sampled
// every firedStep, and counts as active from one step before a sample to one after.
func (p Plan) firedAt(answers Answers) []forecast.Span {
	q, ok := p.fired()
	if !ok {
		return nil
	}
	var list []forecast.Span
	each(answers.to(q).Value, func(_ model.Metric, points []model.SamplePair) {
		for _, s := range points {
			at := s.Timestamp.Time()
			from, to := seconds(at.Add(-firedStep)), min(seconds(at.Add(firedStep)), seconds(p.Onset))
			if n := len(list); n > 0 && from <= list[n-1].End {
				list[n-1].End = to
				continue
			}
			list = append(list, forecast.Span{Onset: from, End: to})
		}
	})
	if n := len(list); p.sharedEarlier && n > 0 && list[n-1].End >= seconds(p.Onset) {
		return list[:n-1] // still active: other alerts of this storm, not an incident that is over
	}
	return list
}

// overlaps returns the spans that overlap a time range.
func overlaps(spans []forecast.Span, from, to time.Time) []forecast.Span {
	var list []forecast.Span
	for _, s := range spans {
		if s.Onset < seconds(to) && s.End > seconds(from) {
			list = append(list, s)
		}
	}
	return list
}
