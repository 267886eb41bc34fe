// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Suggestion is what an alerting rule's expression says by itself, as one flat object whose
// expressions can be queried as they are.
//
// The alert fires for a series exactly if "target operator threshold" returns it, apart from
// guards: what follows `and` and `unless`, and further branches of an `or`, are in the
// condition only. The target has the labels of the alert; only for kind presence ("> 0") is it
// one number for all series.
type Suggestion struct {
	Alert string    `json:"alert"`
	Expr  string    `json:"expr"`
	Kind  expr.Kind `json:"kind"`

	Target    string `json:"target"`    // what is measured
	Operator  string `json:"operator"`  // >, >=, <, <=, == or !=
	Threshold string `json:"threshold"` // a number in plain digits, +Inf or -Inf; else a PromQL scalar

	// Numerator and Denominator are set for ratios and means whose sides have common labels:
	// numerator / denominator is the target before rounding and clamping, with factors such as
	// 100 * and complements such as 1 - a/b included. Division must match as in the target,
	// with its on, ignoring or group_left. For a quantile of a histogram they are the events
	// beyond the threshold and all events, by which a quantile is broken down.
	Numerator   string `json:"numerator"`
	Denominator string `json:"denominator"`

	// Condition has series exactly if the alert fires: the comparison, its guards, and every
	// further branch of an `or`.
	Condition string `json:"condition"`

	Error string `json:"error"` // why there is no KPI; then only alert and expr are set
}

// Suggest derives the KPI of a rule. It sends no query.
func Suggest(r AlertingRule) Suggestion {
	s := Suggestion{Alert: r.Alert, Expr: r.Expr}
	d, err := expr.Derive(r.Expr)
	if err != nil {
		s.Error = err.Error()
		return s
	}
	s.Kind, s.Target, s.Operator, s.Threshold = d.Kind, d.Target, d.Operator, d.Threshold
	s.Numerator, s.Denominator = d.Numerator, d.Denominator
	s.Condition = d.Condition()
	for _, b := range d.Others {
		s.Condition = "(" + s.Condition + ") or (" + b.Condition() + ")"
	}
	return s
}

// Survey is what a server has for a rule.
type Survey struct {
	KPI        KPI
	Series     int                // number that the target has now
	Labels     []LabelCount       // that the target can be broken down by, those with the fewest values first
	Refused    []analysis.Refusal // labels that it can't be broken down by
	Candidates []config.Candidate // templates of those whose metrics exist for one of the series
}

// LabelCount is a label with its number of values.
type LabelCount struct {
	Label  string
	Values int
}

// Survey finds what exists for a rule now: the labels of its KPI, and candidates from the
// catalogue and from well-known exporters. What could not be found out is a warning. The error
// says that the rule has no KPI.
func (f *Fetcher) Survey(ctx context.Context, r AlertingRule, catalogue []config.Known, now time.Time) (Survey, []analysis.Warning, error) {
	d, err := expr.Derive(r.Expr)
	if err != nil {
		return Survey{}, nil, err
	}
	i := f.inquire(asker{})
	s := Survey{KPI: KPI{Derivation: d}}
	var warnings []analysis.Warning
	s.KPI.Expanded = i.expanded(ctx, d.Target, func(format string, args ...any) {
		warnings = append(warnings, analysis.Warning{Source: r.Alert, Text: fmt.Sprintf(format, args...)})
	})
	alert, more := i.typical(ctx, r, &s, now)
	warnings = append(warnings, more...)
	plan, err := NewPlan(config.Rule{Name: r.Alert}, alert, now)
	if err != nil {
		return s, warnings, err
	}
	found, _ := i.probe(ctx, plan.Targets[0].Breakdown)
	warnings = append(warnings, found.warnings...)
	s.Refused = found.refused
	for _, name := range found.names {
		s.Labels = append(s.Labels, LabelCount{name, i.count(ctx, []string{name}, &found)})
	}
	if s.Series > 1 {
		more, err := i.elsewhere(ctx, r, alert, found.names)
		if err != nil {
			return s, warnings, err
		}
		s.Labels = append(s.Labels, more...)
	}
	slices.SortStableFunc(s.Labels, func(a, b LabelCount) int { return cmp.Compare(a.Values, b.Values) })
	s.Candidates, more = i.candidates(ctx, alert, selectorsOf(measuredBy(config.Rule{}, alert)), catalogue)
	s.Candidates = namedOnce(s.Candidates)
	return s, append(warnings, more...), nil
}

// namedOnce drops candidates whose name is taken, such as neighbours: names are unique within a
// rule.
func namedOnce(candidates []config.Candidate) []config.Candidate {
	seen := map[string]bool{}
	return slices.DeleteFunc(candidates, func(c config.Candidate) bool {
		again := seen[c.Name]
		seen[c.Name] = true
		return again
	})
}

// elsewhere returns labels that vary among all series of a rule, but not within a typical
// alert: each service may have only one version.
func (i *inquiry) elsewhere(ctx context.Context, r AlertingRule, typical Alert, known []string) ([]LabelCount, error) {
	kpi := *typical.KPI
	kpi.Result = nil
	own := model.LabelSet{model.AlertNameLabel: model.LabelValue(r.Alert)}
	plan, err := NewPlan(config.Rule{Name: r.Alert}, Alert{Labels: own, Own: own, StartsAt: typical.StartsAt, Onset: typical.Onset, KPI: &kpi}, typical.StartsAt)
	if err != nil {
		return nil, err
	}
	all, _ := i.probe(ctx, plan.Targets[0].Breakdown)
	var more []LabelCount
	for _, name := range all.names {
		_, fixed := typical.Own[model.LabelName(name)] // identifies the alert
		if !fixed && !slices.Contains(known, name) {
			more = append(more, LabelCount{name, i.count(ctx, []string{name}, &all)})
		}
	}
	return more, nil
}

// typical returns an alert of a rule for its first current series.
func (i *inquiry) typical(ctx context.Context, r AlertingRule, s *Survey, now time.Time) (Alert, []analysis.Warning) {
	own := model.LabelSet{model.AlertNameLabel: model.LabelValue(r.Alert)}
	a := i.query(ctx, Query{Role: RoleTarget, Name: r.Alert, Query: s.KPI.Target, End: now})
	var warnings []analysis.Warning
	if a.Err != nil {
		warnings = append(warnings, analysis.Warning{Source: r.Alert, Text: explain(a.Err)})
	}
	v, _ := a.Value.(model.Vector)
	s.Series = len(v)
	if len(v) > 0 {
		first := slices.MinFunc(v, func(a, b *model.Sample) int { return compareMetrics(a.Metric, b.Metric) }).Metric
		for name, value := range first {
			if name != model.MetricNameLabel {
				own[name] = value
			}
		}
		s.KPI.Result = resultOf(model.Vector{{Metric: first}}, own)
	}
	for name, value := range r.Labels {
		own[model.LabelName(name)] = model.LabelValue(value)
	}
	return Alert{Labels: own, Own: own, StartsAt: now, Onset: now, KPI: &s.KPI}, warnings
}
