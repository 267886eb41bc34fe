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

// refine looks again if there is more to ask: by replica, if no other label locates the change
// inside the KPI; and inside the place, once it is known. Later looks that find nothing leave the
// first result as it is.
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

// nearer reports whether place a says more than b: there is no b, or b is only the KPI itself among
// its peers, which says nothing about its inside.
func nearer(a, b analysis.Finding) bool {
	return len(a.Labels) > 0 && (len(b.Labels) == 0 || a.Evidence.OnlyOf == 0)
}

// subject is what plans are made of.
type subject struct {
	rule  config.Rule
	alert promql.Alert
	now   time.Time
}

// flips looks at the conditions next to an unchanged KPI: one of them must have flipped. If none of
// them locates a change, the result stays. A rule with its own targets is completed from the
// alert's expression only here. If only a part of the KPI was asked for, "no change" is the answer.
func (s session) flips(ctx context.Context, l look, of subject) look {
	if !report.AnswerOf(l.result).Still || len(of.alert.Part) > 0 {
		return l
	}
	if of.alert.KPI == nil {
		_, of.alert, _ = s.fetcher.Complete(ctx, config.Rule{Candidates: []config.Candidate{}}, of.alert, nil)
		of.rule.Breakdown = nil // it belongs to another KPI
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

// flip looks at one condition next to the KPI, and the series in it.
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
