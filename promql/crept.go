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

// An alert may be told long after its KPI began to move: it has a `for` that
// nobody was asked about, is sent again by others, or is about a level that rose
// for hours. Then what lies shortly before the onset is no baseline, and the KPI
// itself tells where one is.

// widestBaseline is what is looked at of a KPI that was on its way already where
// its baseline begins.
const widestBaseline = 6 * time.Hour

// underWay returns the plan with a baseline in which there is what is usual, and
// asks for its targets, where that of p has none.
func (i *inquiry) underWay(ctx context.Context, p Plan, known Answers) Plan {
	start := floor(p.Onset.Add(-widestBaseline), p.Step)
	if p.chosen || !start.Before(p.Start) || p.End.Sub(start)/p.Step > mostRows {
		return p
	}
	if !slices.ContainsFunc(p.Targets, func(t Target) bool { return p.isUnderWay(t, known) }) {
		return p
	}
	wide := p.from(start)
	maps.Copy(known, i.ask(ctx, known.missing(wide.first(nil))))
	more := func(t Target) bool {
		return slices.ContainsFunc(wide.valuesOf(t, known)[:wide.rowOf(p.Start)], isThere)
	}
	if !slices.ContainsFunc(wide.Targets, more) {
		return p // there is nothing before
	}
	return wide
}

func isThere(v float64) bool { return !math.IsNaN(v) }

// isUnderWay says whether there is nothing usual in the baseline of a target.
func (p Plan) isUnderWay(t Target, answers Answers) bool {
	return t.creeps() && analysis.UnderWay(p.valuesOf(t, answers), p.rowOf(p.Onset), t.Limit)
}

// from is a plan with its series from an earlier time on.
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

// creeps says whether a target's values say when it began to move: the time since
// something always moves.
func (t Target) creeps() bool { return !t.Clock && !t.Unread }

// valuesOf are those of a target, as far as it was answered.
func (p Plan) valuesOf(t Target, answers Answers) []float64 {
	a := aligner{plan: p, evidence: Evidence{Answers: answers}}
	m, _ := a.matrix(t.Query)
	return a.targetValues(t, m)
}

// rowOf is the row of a time on the grid.
func (p Plan) rowOf(t time.Time) int { return int(t.Sub(p.Start) / p.Step) }

// longBefore is how long before its onset a KPI began to move where the steps
// before the onset don't tell any more what is usual.
const longBefore = 30 * time.Minute

// began is when a target began to move, if that is long before the onset: zero
// otherwise. What it did at the same time a day before is its habit, and no move.
func (i *inquiry) began(ctx context.Context, p Plan, t Target, known Answers) time.Time {
	values := p.valuesOf(t, known)
	at := p.beganIn(values)
	if !t.creeps() || at.IsZero() {
		return time.Time{}
	}
	then := p
	then.Start, then.End = p.Start.Add(-day), p.End.Add(-day)
	t.Query.Start, t.Query.End = then.Start, then.End
	maps.Copy(known, i.ask(ctx, known.missing([]Query{t.Query})))
	habit := then.valuesOf(t, known)
	if there := slices.DeleteFunc(slices.Clone(habit), math.IsNaN); 2*len(there) < len(habit) { // it has none
		return at
	}
	for row := range values {
		values[row] -= habit[row]
	}
	return p.beganIn(values)
}

// beganIn is when values on the grid began to move, if that is long before the onset.
func (p Plan) beganIn(values []float64) time.Time {
	at := p.Start.Add(time.Duration(analysis.Began(values, p.rowOf(p.Onset))) * p.Step)
	if p.Onset.Sub(at) < longBefore {
		return time.Time{}
	}
	return at
}

// since puts the windows of what is usual before the time at which the KPI began
// to move.
func (s *shape) since(began time.Time) {
	if before := floor(began.Add(-recentStep), s.grid.step); !began.IsZero() && before.Before(s.grid.before) {
		s.grid.before, s.began = before, began
	}
}

// sayBegan says that what is usual is told from long before the onset.
func (a *aligner) sayBegan(s *Split) {
	if s.began.IsZero() {
		return
	}
	text := fmt.Sprintf("%s has been on its way since %s UTC, %s before the alert began: the baseline ends before that",
		s.Target, s.began.Format("15:04"), words.Seconds.Format(a.plan.Onset.Sub(s.began).Seconds()))
	if w := (analysis.Warning{Source: "onset", Text: text}); !slices.Contains(a.frame.Warnings, w) {
		a.frame.Warnings = append(a.frame.Warnings, w)
	}
}
