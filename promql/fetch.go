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
)

// Evidence is everything that was asked for a plan: what [Align] makes a frame
// of.
type Evidence struct {
	Answers    Answers
	Breakdowns []Split // one a target; zero where none is wanted
	MaxSeries  int     // that an analysis may read; 0: the default
}

func (e Evidence) mostSeries() int { return cmp.Or(e.MaxSeries, defaultMaxSeries) }

// Split is how a breakdown was asked for.
type Split struct {
	Labels   []string
	b        *Breakdown // as it is asked for
	leaves   int        // of all labels together
	Marginal bool       // each label by itself
	samples  []sample   // the windows asked for
	Refused  []analysis.Refusal
	Warnings []analysis.Warning
}

// Fetch asks all queries of a plan and makes a frame of the answers. Of a plan
// that goes on from another (see [Plan.ByReplica] and [Plan.Within]) only what
// is new is asked, with what is left of the other's budget.
//
// A query that fails is a warning in the frame. How the breakdowns of the plan
// were asked for in the end is written into them. The error is [ErrUnreachable]
// if nothing was answered at all; the frame then holds the warnings.
func (f *Fetcher) Fetch(ctx context.Context, p Plan) (analysis.Frame, error) {
	i := f.inquire(p.asker)
	until := time.Now().Add(f.mostTime)
	if p.asked != nil && p.asked.budget != nil {
		i.budget, until = p.asked.budget, p.asked.until
	}
	defer func() { f.metrics.spent(i.budget) }()
	ctx, cancel := context.WithDeadlineCause(ctx, until, &overBudget{
		fmt.Sprintf("an analysis may take %s", f.mostTime), "raise prometheus.max_time, or ask for less",
	})
	defer cancel()
	if p.goesOn {
		e := p.asked.evidence
		e.Answers = maps.Clone(e.Answers)
		maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(p.others())))
		return Align(p, e), nil
	}
	planned := p.breakdowns()
	e, err := i.fetch(ctx, p)
	if p.asked != nil {
		*p.asked = round{budget: i.budget, until: until, evidence: e, planned: planned}
	}
	return Align(p, e), err
}

// fetch asks all queries of a plan.
func (i *inquiry) fetch(ctx context.Context, p Plan) (Evidence, error) {
	e := Evidence{Breakdowns: make([]Split, len(p.Targets)), MaxSeries: i.most.series}
	shapes := make([]shape, len(p.Targets))
	var wg sync.WaitGroup
	for k, t := range p.Targets {
		if t.Breakdown != nil {
			wg.Go(func() { shapes[k] = i.probe(ctx, t.Breakdown) })
		}
	}
	e.Answers = Answers{}
	if p.asked != nil {
		maps.Copy(e.Answers, p.asked.evidence.Answers)
	}
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(p.first())))
	wg.Wait()
	if err := e.Answers.unreached(p.first()); err != nil {
		return e, err
	}
	for k, t := range p.Targets {
		if t.Breakdown != nil {
			*t.Breakdown = shapes[k].b // so that Asked shows what was asked
		}
	}
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(p.first())))
	var rest []Query
	for k, t := range p.Targets {
		if t.Breakdown != nil {
			e.Breakdowns[k] = split(shapes[k], e.Answers)
			rest = append(rest, e.Breakdowns[k].queries()...)
		}
	}
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(append(rest, p.others()...))))
	return e, nil
}

// first are the queries that depend on no other answer and that others wait
// for: the targets, and where there is data.
func (p Plan) first() []Query {
	var qs []Query
	for _, t := range p.Targets {
		qs = append(qs, t.Query)
	}
	for _, t := range p.Targets {
		if t.Breakdown != nil && t.Breakdown.Reason == "" {
			history, recent := t.Breakdown.presence()
			qs = append(qs, history, recent)
		}
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
func split(s shape, answers Answers) Split {
	b := &s.b
	out := Split{b: b, leaves: s.leaves, Labels: s.names, Marginal: s.marginal, Refused: s.refused, Warnings: s.warnings}
	if s.reason != "" {
		out.Labels = nil
		out.Warnings = append(out.Warnings, analysis.Warning{Source: b.Target + ": breakdown", Text: "the KPI was not broken down: " + s.reason})
		return out
	}
	if s.marginal {
		out.Warnings = append(out.Warnings, analysis.Warning{Source: b.Target + ": breakdown", Text: fmt.Sprintf(
			"%d combinations of %s are too many to ask for: each label was asked by itself, so a cause that is a combination can't be found; hint: name fewer labels in breakdown.labels, or raise prometheus.max_series",
			s.leaves, strings.Join(s.names, ", "))})
	}
	days := daysBack(b, answers)
	if s.marginal {
		days = days[:min(len(days), marginalDays)]
	}
	// Without days to look back at, the recent steps are the forecast; with
	// them they only show the noise, and are asked where they are cheap.
	recent := s.leaves*recentSteps <= recentPoints || b.Denominator == nil && len(days) == 0
	out.samples = b.samples(days, recent)
	return out
}

// recentPoints is how many points of recent steps are cheap.
const recentPoints = 200_000

// daysBack returns the days back that have data from before the level's hour
// to the end of the incident, up to the first one that has nothing there.
func daysBack(b *Breakdown, answers Answers) []int {
	if b.Denominator != nil || b.Baseline > 0 {
		return nil
	}
	history, _ := b.presence()
	p := newPresence(history, answers.to(history))
	var days []int
	for j := 1; j <= mostDays; j++ {
		back := -day * time.Duration(j)
		switch p.within(b.grid.before.Add(back-hourWindow-history.Step), b.grid.end.Add(back)) {
		case 0:
			return days
		case 1:
			days = append(days, j)
		}
	}
	return days
}

// queries are all questions of a split.
func (s Split) queries() []Query {
	if len(s.Labels) == 0 {
		return nil
	}
	if !s.Marginal {
		return append(s.b.queries(s.Labels, s.samples), s.b.queries(nil, s.samples[:1])...)
	}
	qs := s.b.queries(nil, s.samples)
	for _, name := range s.Labels {
		qs = append(qs, s.b.queries([]string{name}, s.samples)...)
	}
	return qs
}
