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

// Split is a breakdown with the windows that are asked for. It has no names of
// labels if nothing is.
type Split struct {
	shape
	samples []sample
	left    []forecast.Span // when the alert fired on an earlier day, which is left out for that
}

// split decides on the windows of a breakdown.
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
	days, out.left = s.quietDays(answers, fired)
	if s.marginal || s.Levels {
		days = days[:min(len(days), marginalDays)]
	}
	// Without days to look back at, the recent steps are the forecast; with
	// them they only show the noise, and are asked where they are cheap.
	recent := s.leaves*s.recentSteps() <= recentPoints || s.Denominator == nil && len(days) == 0
	out.samples = s.parts.samples(days, recent)
	return &out
}

func (s *Split) warn(format string, args ...any) {
	s.warnings = append(s.warnings, analysis.Warning{Source: s.Target + ": breakdown", Text: fmt.Sprintf(format, args...)})
}

// recentPoints is how many points of recent steps are cheap.
const recentPoints = 200_000

// daysBack returns the days back that have data from before the level's hour
// to the end of the incident, up to the first one that has nothing there.
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

// quietDays are the days back that have data and in which the alert did not
// fire at that hour, and when it fired in the others. If it fired in all of
// them, that is usual.
func (b parts) quietDays(answers Answers, fired []forecast.Span) (days []int, left []forecast.Span) {
	all := daysBack(b, answers)
	days, left = b.withoutFired(all, fired)
	if len(days) == 0 {
		return all, nil
	}
	return days, left
}

// withoutFired are those of the days back at whose hour the alert did not fire,
// and when it did in the others.
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

// lookFurther has a breakdown look further back where the alert fired in most of
// the recent steps, or on most of the days at that hour.
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

// firedSteps tells of each of the last n recent steps whether the alert was active.
func (b parts) firedSteps(fired []forecast.Span, n int) []bool {
	known := make([]bool, n)
	for k := range known {
		end := b.grid.before.Add(-time.Duration(n-1-k) * recentStep)
		known[k] = len(overlaps(fired, end.Add(-recentStep), end)) > 0
	}
	return known
}

// queries are all questions of a split.
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

// presence is where something existed, on the steps of a range query.
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

// covered returns the share of the steps in (from, to] that were there; 0 if
// none of the steps lies in it.
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

// shape is how a breakdown can be asked for: in which parts and by which labels,
// now that Prometheus has said what there is.
type shape struct {
	parts           // as they are asked for: held to a bucket that there is, deepened, or without the denominator
	of    Breakdown // as it was planned

	names    []string            // labels
	replicas []string            // labels left out, as they name what comes and goes: see Fetched.ByReplica
	only     model.LabelSet      // the labels of the series, if there is one only
	leaves   int                 // of all labels together
	marginal bool                // one label at a time: there are too many leaves
	here     map[string][]string // see analysis.Breakdown.Here
	refused  []analysis.Refusal
	warnings []analysis.Warning
	began    time.Time // when the KPI began to move, if that is long before the onset
	reason   string    // why there is nothing to ask; empty if there is
}
