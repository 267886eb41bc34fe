// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/receiver/report"
)

// refine looks again where there is more to ask: by the names of replicas, where no
// other label tells a place inside the KPI, and inside the place, once it is known.
// A further look that brings nothing leaves what was found before.
func (s session) refine(ctx context.Context, l look) look {
	where := report.FoundPlace(l.result.Causes)
	if finer, ok := l.ByReplica(); ok && (report.AnswerOf(l.result).Placeless || where.Evidence.OnlyOf > 0) {
		again, err := s.look(ctx, finer)
		if err == nil && nearer(report.FoundPlace(again.result.Causes), where) {
			l, again = again, l
		}
		l = l.after(again.asked)
	}
	if inside, ok := l.Narrow(report.FoundPlace(l.result.Causes)); ok {
		again, err := s.look(ctx, inside)
		if err == nil {
			return again.after(l.asked)
		}
		l.result.Warnings = append(l.result.Warnings, analysis.Warning{Source: "prometheus", Text: err.Error()})
	}
	return l
}

// nearer says whether one place says more than another: there is none yet, or it
// is the KPI's own among those beside it, which says nothing of its inside.
func nearer(a, b analysis.Finding) bool {
	return len(a.Labels) > 0 && (len(b.Labels) == 0 || a.Evidence.OnlyOf == 0)
}

// subject is what a plan is made of.
type subject struct {
	rule  config.Rule
	alert promql.Alert
	now   time.Time
}

// flips looks at the conditions beside a KPI that has not changed: one of them has
// flipped. It leaves what was found where none of them tells a place. A rule with
// targets of its own is asked for the expression of its alert only here. A part of a
// KPI that has not changed is an answer by itself.
func (s session) flips(ctx context.Context, l look, of subject) look {
	if !report.AnswerOf(l.result).Still || len(of.alert.Part) > 0 {
		return l
	}
	if of.alert.KPI == nil {
		_, of.alert, _ = s.fetcher.Complete(ctx, config.Rule{Candidates: []config.Candidate{}}, of.alert, nil)
		of.rule.Breakdown = nil // of another KPI
	}
	if of.alert.KPI == nil {
		return l
	}
	of.rule.Target, of.rule.Targets = nil, nil
	for _, f := range of.alert.KPI.Flips() {
		again, err := s.flip(ctx, l, f, of)
		if err != nil {
			continue
		}
		if len(report.FoundPlace(again.result.Causes).Labels) > 0 {
			return again.after(l.asked)
		}
		l = l.after(again.asked)
	}
	return l
}

// flip looks at one condition beside a KPI, with the series that it is about.
func (s session) flip(ctx context.Context, l look, f expr.Flip, of subject) (look, error) {
	kpi := *of.alert.KPI
	kpi.Derivation, kpi.Expanded = f.Derivation, ""
	of.alert.KPI = &kpi
	of.rule.Candidates = slices.Clone(of.rule.Candidates)
	for _, series := range f.Series {
		of.rule.Candidates = append(of.rule.Candidates, config.Candidate{Name: series, Query: series, Default: true})
	}
	plan, err := promql.NewPlan(of.rule, of.alert, of.now)
	if err != nil {
		return look{}, err
	}
	again, err := s.look(ctx, l.Then(plan))
	if err != nil {
		return look{}, err
	}
	again = s.refine(ctx, again)
	again.result.Warnings = append(again.result.Warnings, analysis.Warning{
		Source: "guard", Text: fmt.Sprintf("what the alert measures stood still; what changed is the condition beside it: %s %s", f.Guard.Join, f.Guard.Expr),
	})
	return again, nil
}
