// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/forecast"
)

// Evidence is everything that was asked for a plan: what [Align] makes a frame
// of.
type Evidence struct {
	Answers    Answers
	Breakdowns []*Split // one a target; nil where none is wanted, or nobody answered
	Beside     []*Split // one a target: the series beside the KPI's own; nil where there are none
	MaxSeries  int      // that an analysis may read; 0: the default
}

func (e Evidence) mostSeries() int { return cmp.Or(e.MaxSeries, defaultMaxSeries) }

// parts are what the breakdowns of a plan were split into, or will be.
func (e Evidence) parts(p Plan) []*parts {
	all := p.parts()
	for k, s := range e.Breakdowns {
		if s != nil && all[k] != nil {
			all[k] = &s.parts
		}
	}
	return all
}

// Split is a breakdown with the windows that are asked for. It has no names of
// labels if nothing is.
type Split struct {
	shape
	samples []sample
	left    []forecast.Span // when the alert fired on an earlier day, which is left out for that
}

// Fetch asks all queries of a plan and makes a frame of the answers. Of a plan
// that goes on from another (see [Fetched.ByReplica] and [Fetched.Narrow]) only
// what is new is asked, with what is left of the other's budget.
//
// A query that fails is a warning in the frame. The error is [ErrUnreachable] if
// nothing was answered at all; the frame then holds the warnings.
func (f *Fetcher) Fetch(ctx context.Context, p Plan) (Fetched, error) {
	i := f.inquire(p.asker)
	out := Fetched{Plan: p, round: round{budget: i.budget, until: time.Now().Add(f.mostTime)}}
	if p.after != nil {
		out.round, i.budget = *p.after, p.after.budget
	}
	defer func() { f.metrics.spent(i.budget) }()
	ctx, cancel := context.WithDeadlineCause(ctx, out.until, &overBudget{
		fmt.Sprintf("an analysis may take %s", f.mostTime), "raise prometheus.max_time, or ask for less",
	})
	defer cancel()
	var err error
	if p.inside {
		out.evidence = i.further(ctx, p, out.evidence)
	} else {
		out.Plan, out.evidence, err = i.fetch(ctx, p, out.evidence.Answers)
	}
	out.Frame = Align(out.Plan, out.evidence)
	return out, err
}

// further asks what is new among the candidates of a plan.
func (i *inquiry) further(ctx context.Context, p Plan, e Evidence) Evidence {
	e.Answers = maps.Clone(e.Answers)
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(p.others())))
	return e
}

// fetch asks all queries of a plan, but those whose answers are known. It returns
// the plan with as long a baseline as it turned out to need.
func (i *inquiry) fetch(ctx context.Context, p Plan, known Answers) (Plan, Evidence, error) {
	e := Evidence{Answers: Answers{}, Breakdowns: make([]*Split, len(p.Targets)), Beside: make([]*Split, len(p.Targets)), MaxSeries: i.most.series}
	maps.Copy(e.Answers, known)
	shapes, beside := make([]shape, len(p.Targets)), make([]*shape, len(p.Targets))
	var wg sync.WaitGroup
	for k, t := range p.Targets {
		if t.Breakdown != nil {
			wg.Go(func() { shapes[k], beside[k] = i.probe(ctx, t.Breakdown) })
		}
	}
	first := p.first(p.parts())
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(first)))
	wg.Wait()
	if err := e.Answers.unreached(first); err != nil {
		return p, e, err
	}
	p = i.underWay(ctx, p, e.Answers)
	asked := p.parts()
	for k, t := range p.Targets {
		if t.Breakdown != nil && (asked[k] != nil || shapes[k].reason == "") {
			asked[k] = &shapes[k].parts
		}
		if beside[k] != nil {
			asked = append(asked, &beside[k].parts)
		}
	}
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(p.first(asked))))
	fired := p.firedAt(e.Answers)
	for k, t := range p.Targets {
		began := i.began(ctx, p, t, e.Answers)
		if asked[k] != nil {
			shapes[k].since(began)
			shapes[k].lookFurther(fired, e.Answers)
		}
		if beside[k] != nil {
			beside[k].since(began)
			beside[k].lookFurther(fired, e.Answers)
		}
	}
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(p.first(asked)))) // nothing, but where it looks further back
	var rest []Query
	for k, t := range p.Targets {
		if t.Breakdown != nil {
			e.Breakdowns[k] = split(shapes[k], e.Answers, fired)
			rest = append(rest, e.Breakdowns[k].queries()...)
		}
		if beside[k] != nil {
			e.Beside[k] = split(*beside[k], e.Answers, fired)
			rest = append(rest, e.Beside[k].queries()...)
		}
	}
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(append(rest, p.rest()...))))
	return p, e, nil
}

// parts are what the breakdowns of a plan will be split into: one a target, nil
// where there is none.
func (p Plan) parts() []*parts {
	all := make([]*parts, len(p.Targets))
	for k, t := range p.Targets {
		if t.Breakdown != nil && t.Breakdown.Reason == "" {
			all[k] = &t.Breakdown.parts
		}
	}
	return all
}

// first are the queries that depend on no other answer and that others wait
// for: the targets, where there is data of their parts, and when the alert fired before.
func (p Plan) first(all []*parts) []Query {
	var qs []Query
	for _, t := range p.Targets {
		qs = append(qs, t.Query)
	}
	for _, b := range all {
		if b != nil {
			history, recent := b.presence()
			qs = append(qs, history, recent)
		}
	}
	if q, ok := p.fired(); ok {
		qs = append(qs, q)
	}
	return qs
}

// missing are those of the queries that were not asked yet: a breakdown that
// turned out to be of other series has its data elsewhere.
func (a Answers) missing(qs []Query) []Query {
	return slices.DeleteFunc(slices.Clone(qs), func(q Query) bool { _, asked := a[q.key()]; return asked })
}

// unreached returns an error if none of the queries has been answered.
func (a Answers) unreached(qs []Query) error {
	var first error
	for _, q := range qs {
		err := a.to(q).Err
		if !unreached(err) {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil || errors.Is(first, ErrUnreachable) {
		return first
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, first)
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
