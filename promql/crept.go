// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// An alert may fire long after its KPI began to move: because of an unknown `for`, because it
// was relayed, or because a level rose for hours. Then the time just before the onset is no
// baseline, and the KPI itself shows where one is.

// widestBaseline is the baseline for a KPI that was already drifting where the usual one
// begins.
const widestBaseline = 6 * time.Hour

// extendBaseline returns the plan, with a longer baseline if a target was already drifting at the
// start of p's. It queries the targets again over that.
func (i *inquiry) extendBaseline(ctx context.Context, p Plan, known Answers) Plan {
	start := floor(p.Onset.Add(-widestBaseline), p.Step)
	if p.chosen || !start.Before(p.Start) || p.End.Sub(start)/p.Step > mostRows {
		return p
	}
	if !slices.ContainsFunc(p.Targets, func(t Target) bool { return p.isDrifting(t, known) }) {
		return p
	}
	wide := p.from(start)
	maps.Copy(known, i.ask(ctx, known.missing(wide.first(nil))))
	more := func(t Target) bool {
		return slices.ContainsFunc(wide.valuesOf(t, known)[:wide.rowOf(p.Start)], isThere)
	}
	if !slices.ContainsFunc(wide.Targets, more) {
		return p // no data before
	}
	return wide
}

func isThere(v float64) bool { return !math.IsNaN(v) }

// isDrifting says whether a target was already drifting at the start of its baseline.
func (p Plan) isDrifting(t Target, answers Answers) bool {
	return t.canDrift() && analysis.UnderWay(p.valuesOf(t, answers), p.rowOf(p.Onset), t.Limit)
}

// from returns the plan with an earlier start.
func (p Plan) from(start time.Time) Plan {
	p.Start = start
	p.Targets = slices.Clone(p.Targets)
	for k := range p.Targets {
		t := &p.Targets[k]
		t.Query.Start = start
		t.Candidates = slices.Clone(t.Candidates)
		for c := range t.Candidates {
			t.Candidates[c].Query.Start = start
		}
	}
	p.Queries = p.shown()
	return p
}

// canDrift says whether a target's values can show when it began to move. A time since something
// always moves.
func (t Target) canDrift() bool { return !t.Clock && !t.Unread }

// valuesOf returns the values of a target, as far as it was answered.
func (p Plan) valuesOf(t Target, answers Answers) []float64 {
	a := aligner{plan: p, evidence: Evidence{Answers: answers}}
	m, _ := a.matrix(t.Query)
	return a.targetValues(t, m)
}

// rowOf returns the row of a time on the grid.
func (p Plan) rowOf(t time.Time) int { return int(t.Sub(p.Start) / p.Step) }

// longBefore is how long before its onset a KPI must have begun to move for the recent steps to
// be no baseline.
const longBefore = 30 * time.Minute

// began returns when a target began to move, if that is long before the onset, else zero. What
// it also did a day earlier is a habit, not a move.
func (i *inquiry) began(ctx context.Context, p Plan, t Target, known Answers) time.Time {
	values := p.valuesOf(t, known)
	at := p.beganIn(values)
	if !t.canDrift() || at.IsZero() {
		return time.Time{}
	}
	then := p
	then.Start, then.End = p.Start.Add(-day), p.End.Add(-day)
	t.Query.Start, t.Query.End = then.Start, then.End
	maps.Copy(known, i.ask(ctx, known.missing([]Query{t.Query})))
	habit := then.valuesOf(t, known)
	if there := slices.DeleteFunc(slices.Clone(habit), math.IsNaN); 2*len(there) < len(habit) { // no data for a habit
		return at
	}
	for row := range values {
		values[row] -= habit[row]
	}
	return p.beganIn(values)
}

// beganIn returns when values on the grid began to move, if long before the onset, else zero.
func (p Plan) beganIn(values []float64) time.Time {
	at := p.Start.Add(time.Duration(analysis.Began(values, p.rowOf(p.Onset))) * p.Step)
	if p.Onset.Sub(at) < longBefore {
		return time.Time{}
	}
	return at
}

// endBaselineBefore moves the windows of the baseline to before the KPI began to move.
func (s *shape) endBaselineBefore(began time.Time) {
	if before := floor(began.Add(-recentStep), s.grid.step); !began.IsZero() && before.Before(s.grid.before) {
		s.grid.before, s.began = before, began
	}
}

// warnEarlyMove warns that the baseline ends long before the onset.
func (a *aligner) warnEarlyMove(s *Split) {
	if s.began.IsZero() {
		return
	}
	text := fmt.Sprintf("%s has been on its way since %s UTC, %s before the alert began: the baseline ends before that",
		s.Target, s.began.Format("15:04"), words.Seconds.Format(a.plan.Onset.Sub(s.began).Seconds()))
	if w := (analysis.Warning{Source: "onset", Text: text}); !slices.Contains(a.frame.Warnings, w) {
		a.frame.Warnings = append(a.frame.Warnings, w)
	}
}
