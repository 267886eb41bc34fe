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

// An alert that fired before tells when its KPI was no baseline: Prometheus keeps
// that as series named ALERTS. One query asks for all of it.
const (
	firedStep   = 2 * time.Minute
	nameOfFired = "baseline" // of the query, which is the source of warnings about it
)

// fired asks when the alert was pending or firing before its onset, as far back
// as anything is compared with. It returns false if there is no alert, as of an
// expression that somebody asks about. The answer is one series at the most.
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

// earlier is PromQL of the alert, whatever its severity: a warning on the same KPI
// says as much of it. Of a storm it is that of all alerts that share their labels,
// so that they ask the same. It is empty without an alert.
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
	if err != nil { // there are values that PromQL can't write, such as U+FFFD
		return ""
	}
	return e.String()
}

// firedAt are the times at which the alert was pending or firing, by the answer
// to that, in order. It is seen every firedStep, and counts as active from the
// step before it was seen to the one after.
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
	if n := len(list); p.crowd && n > 0 && list[n-1].End >= seconds(p.Onset) {
		return list[:n-1] // others of the storm that go on, and no incident that is over
	}
	return list
}

// overlaps are those of the spans that reach into a time.
func overlaps(spans []forecast.Span, from, to time.Time) []forecast.Span {
	var list []forecast.Span
	for _, s := range spans {
		if s.Onset < seconds(to) && s.End > seconds(from) {
			list = append(list, s)
		}
	}
	return list
}
