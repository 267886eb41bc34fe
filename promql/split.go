// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/forecast"
)

// Split is a breakdown with its windows. Without label names, nothing is queried.
type Split struct {
	shape
	samples   []sample
	firedDays []forecast.Span // when the alert fired on earlier days that are skipped for that
}

// split chooses the windows of a breakdown.
func split(s shape, answers Answers, fired []forecast.Span) *Split {
	out := Split{shape: s}
	if s.reason != "" {
		out.names = nil
		out.warn("the KPI was not broken down: %s", s.reason)
		return &out
	}
	if s.marginal {
		out.warn("%d combinations of %s are too many to ask for: each label was asked by itself, so a cause that is a combination can't be found; hint: name fewer labels in breakdown.labels, or raise prometheus.max_series",
			s.leaves, strings.Join(s.names, ", "))
	}
	var days []int
	days, out.firedDays = s.quietDays(answers, fired)
	if s.marginal || s.Levels {
		days = days[:min(len(days), marginalDays)]
	}
	// Without earlier days, the recent steps are the forecast. With them they only measure
	// noise, and are queried if cheap.
	recent := s.leaves*s.recentSteps() <= recentPoints || s.Denominator == nil && len(days) == 0
	out.samples = s.parts.samples(days, recent)
	return &out
}

func (s *Split) warn(format string, args ...any) {
	s.warnings = append(s.warnings, analysis.Warning{Source: s.Target + ": breakdown", Text: fmt.Sprintf(format, args...)})
}

// recentPoints is the number of recent points that counts as cheap.
const recentPoints = 200_000

// daysBack returns the days back with data from the hour of the level to the end of the
// incident, up to the first day with nothing.
func daysBack(b parts, answers Answers) []int {
	if b.Denominator != nil || b.Expected != nil || b.Baseline > 0 {
		return nil
	}
	history, _ := b.presence()
	p := newPresence(history, answers.to(history))
	var days []int
	for j := 1; j <= 7*mostWeeks; j++ {
		if j > mostDays && (!b.weeks || j%7 != 0) {
			continue
		}
		back := -day * time.Duration(j)
		switch p.covered(b.grid.before.Add(back-hourWindow-history.Step), b.grid.end.Add(back)) {
		case 0:
			return days
		case 1:
			days = append(days, j)
		}
	}
	return days
}

// quietDays returns the days back with data on which the alert did not fire at that hour, and
// when it fired on the others. If it fired on all of them, that is normal, and all are
// returned.
func (b parts) quietDays(answers Answers, fired []forecast.Span) (days []int, left []forecast.Span) {
	all := daysBack(b, answers)
	days, left = b.withoutFired(all, fired)
	if len(days) == 0 {
		return all, nil
	}
	return days, left
}

// withoutFired splits days back into those on which the alert did not fire at that hour, and
// when it fired on the others.
func (b parts) withoutFired(all []int, fired []forecast.Span) (days []int, left []forecast.Span) {
	for _, j := range all {
		back := -day * time.Duration(j)
		if loud := overlaps(fired, b.grid.before.Add(back-hourWindow), b.grid.end.Add(back)); len(loud) > 0 {
			left = append(left, loud...)
		} else {
			days = append(days, j)
		}
	}
	return days, left
}

// lookFurther extends the baseline if the alert fired in most of the recent steps, or on most
// days at that hour.
func (s *shape) lookFurther(fired []forecast.Span, answers Answers) {
	if s.reason != "" || len(fired) == 0 || s.Baseline > 0 {
		return
	}
	loud := 0
	for _, known := range s.firedSteps(fired, recentSteps) {
		if known {
			loud++
		}
	}
	if most := min(mostSteps, recentPoints/max(1, s.leaves)); 2*loud >= recentSteps && most > recentSteps {
		s.steps = most
	}
	days, left := s.withoutFired(daysBack(s.parts, answers), fired)
	s.weeks = len(left) > 0 && len(days) < fewDays
}

// firedSteps says for each of the last n recent steps whether the alert was active.
func (b parts) firedSteps(fired []forecast.Span, n int) []bool {
	known := make([]bool, n)
	for k := range known {
		end := b.grid.before.Add(-time.Duration(n-1-k) * recentStep)
		known[k] = len(overlaps(fired, end.Add(-recentStep), end)) > 0
	}
	return known
}

// queries returns all queries of a split.
func (s *Split) queries() []Query {
	if len(s.names) == 0 {
		return nil
	}
	if s.Levels && !s.marginal {
		return s.parts.queries(s.names, s.samples)
	}
	if !s.marginal {
		return append(s.parts.queries(s.names, s.samples), s.parts.queries(nil, s.samples[:1])...)
	}
	qs := s.parts.queries(nil, s.samples)
	for _, name := range s.names {
		qs = append(qs, s.parts.queries([]string{name}, s.samples)...)
	}
	return qs
}

// presence says at which steps of a range query something existed.
type presence struct {
	start time.Time
	step  time.Duration
	there []bool
	known bool
}

func newPresence(q Query, answer Answer) presence {
	p := presence{start: q.Start, step: q.Step, there: make([]bool, int(q.End.Sub(q.Start)/q.Step)+1)}
	m, ok := answer.Value.(model.Matrix)
	if answer.Err != nil || !ok {
		return p
	}
	p.known = true
	for _, s := range m {
		for _, v := range s.Values {
			i := int((int64(v.Timestamp) - q.Start.UnixMilli() + q.Step.Milliseconds()/2) / q.Step.Milliseconds())
			if i >= 0 && i < len(p.there) && !math.IsNaN(float64(v.Value)) {
				p.there[i] = true
			}
		}
	}
	return p
}

// covered returns the fraction of the steps in (from, to] with data; 0 if there is no step in
// it.
func (p presence) covered(from, to time.Time) float64 {
	n, there := 0, 0
	for i, ok := range p.there {
		t := p.start.Add(time.Duration(i) * p.step)
		if t.After(from) && !t.After(to) {
			n++
			if ok {
				there++
			}
		}
	}
	if n == 0 {
		return 0
	}
	return float64(there) / float64(n)
}

// shape is how to query a breakdown, after Prometheus said what exists: its parts and its
// labels.
type shape struct {
	parts           // as queried: restricted to an existing bucket, deepened, or without the denominator
	of    Breakdown // as planned

	names    []string            // labels to break down by
	replicas []string            // omitted labels that name replicas: see Fetched.ByReplica
	only     model.LabelSet      // labels of the only series, if there is just one
	leaves   int                 // for all labels together
	marginal bool                // one label at a time, because there are too many leaves
	here     map[string][]string // see analysis.Breakdown.Here
	refused  []analysis.Refusal
	warnings []analysis.Warning
	began    time.Time // when the KPI began to move, if long before the onset
	reason   string    // why nothing can be queried; empty if something can
}
