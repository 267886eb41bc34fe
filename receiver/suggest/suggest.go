// SPDX-License-Identifier: Apache-2.0

// Package suggest generates rules for culprit from existing alerting rules: what each alert
// measures, the labels in which its series differ, and the series that may explain it.
// [promql.Survey] asks Prometheus for that; this package formats it for people to edit.
package suggest

import (
	"context"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Entry is an alerting rule and what is known about it.
type Entry struct {
	Alert, Expr string
	Labels      model.LabelSet // of the rule

	KPI    expr.Derivation
	Err    error              // why no KPI could be derived
	Survey *promql.Survey     // what Prometheus has for it; nil: not asked
	Doubts []analysis.Warning // what could not be found out
}

// New analyses a rule.
func New(r promql.AlertingRule) Entry {
	e := Entry{Alert: r.Alert, Expr: r.Expr, Labels: model.LabelSet{}}
	for name, v := range r.Labels {
		e.Labels[model.LabelName(name)] = model.LabelValue(v)
	}
	e.KPI, e.Err = expr.Derive(r.Expr)
	return e
}

// Surveyor finds out what Prometheus has for a rule.
type Surveyor interface {
	// Survey looks at the series of a rule's KPI and at its candidates. What it can't find out is a
	// warning.
	Survey(ctx context.Context, r promql.AlertingRule, catalogue []config.Known, now time.Time) (promql.Survey, []analysis.Warning, error)
}

// Look surveys a rule, and stores the result in its entry.
func (e *Entry) Look(ctx context.Context, s Surveyor, r promql.AlertingRule, catalogue []config.Known, now time.Time) {
	if e.Err != nil {
		return
	}
	survey, doubts, err := s.Survey(ctx, r, catalogue, now)
	if err != nil {
		doubts = append(doubts, analysis.Warning{Source: r.Alert, Text: err.Error()})
	}
	e.Survey, e.Doubts = &survey, doubts
}
