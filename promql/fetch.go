// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Fetch sends all queries of a plan and makes a frame of the answers. A plan that continues
// another one (see [Fetched.ByReplica] and [Fetched.Narrow]) sends only new queries, from the
// remaining budget.
//
// A failed query is a warning in the frame. The error is [ErrUnreachable] if nothing was
// answered at all; the frame then has the warnings.
func (f *Fetcher) Fetch(ctx context.Context, p Plan) (Fetched, error) {
	i := f.inquire(p.asker)
	out := Fetched{Plan: p, round: round{budget: i.budget, until: time.Now().Add(f.mostTime)}}
	if p.continues != nil {
		out.round, i.budget = *p.continues, p.continues.budget
	}
	defer func() { f.metrics.spent(i.budget) }()
	ctx, cancel := context.WithDeadlineCause(ctx, out.until, &overBudget{
		fmt.Sprintf("an analysis may take %s", f.mostTime), "raise prometheus.max_time, or ask for less",
	})
	defer cancel()
	var err error
	if p.inside {
		out.evidence = i.askCandidates(ctx, p, out.evidence)
	} else {
		out.Plan, out.evidence, err = i.fetch(ctx, p, out.evidence.Answers)
	}
	out.Frame = Align(out.Plan, out.evidence)
	return out, err
}

// askCandidates sends the queries of new candidates.
func (i *inquiry) askCandidates(ctx context.Context, p Plan, e Evidence) Evidence {
	e.Answers = maps.Clone(e.Answers)
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(p.others())))
	return e
}

// fetch sends all queries of a plan except those already answered. It returns the plan with the
// baseline extended as needed.
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
	p = i.extendBaseline(ctx, p, e.Answers)
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
			shapes[k].endBaselineBefore(began)
			shapes[k].lookFurther(fired, e.Answers)
		}
		if beside[k] != nil {
			beside[k].endBaselineBefore(began)
			beside[k].lookFurther(fired, e.Answers)
		}
	}
	maps.Copy(e.Answers, i.ask(ctx, e.Answers.missing(p.first(asked)))) // no new queries unless it looks further back
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
