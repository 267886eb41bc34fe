// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Complete fills in what a rule leaves out and only Prometheus knows: what the annotations of
// the alert's own rule say (if Alert.Annotated), what the alert's expression measures
// (Alert.KPI), and the candidates, from the catalogue and from well-known exporters with series
// for the alert. A complete rule is returned as it is. The zero Rule is for alerts that match
// no rule.
//
// What could not be found out becomes a warning; [NewPlan] accepts the result in any case.
func (f *Fetcher) Complete(ctx context.Context, rule config.Rule, alert Alert, catalogue []config.Known) (config.Rule, Alert, []analysis.Warning) {
	i := f.inquire(alert.asker())
	if alert.Own == nil {
		alert.Own = alert.Labels
	}
	rule, warnings := i.annotated(ctx, rule, alert)
	named := false // the targets name candidates
	for _, t := range targetsOf(rule) {
		if strings.TrimSpace(t.Query) == "" && alert.KPI == nil {
			var more []analysis.Warning
			alert.KPI, more = i.kpi(ctx, alert)
			warnings = append(warnings, more...)
		}
		named = named || t.Candidates != nil
	}
	if rule.Candidates == nil && !named {
		kpi := measuredBy(rule, alert)
		around, more := i.seriesLabels(ctx, alert, kpi)
		alert.Series, warnings = around, append(warnings, more...)
		alert.cluster = i.clusterOf(ctx, alert)
		rule.Candidates, more = i.candidates(ctx, alert, selectorsOf(kpi), catalogue)
		warnings = append(warnings, more...)
	}
	return rule, alert, warnings
}

// kpi finds out what an alert measures. Without an expression, firings of the alert are
// counted: nothing else is known.
func (i *inquiry) kpi(ctx context.Context, alert Alert) (*KPI, []analysis.Warning) {
	var warnings []analysis.Warning
	warn := func(format string, args ...any) {
		warnings = append(warnings, analysis.Warning{Source: "expression", Text: fmt.Sprintf(format, args...)})
	}
	text, err := i.expression(ctx, alert, warn)
	if err != nil {
		warn("%s; all that is known is when alerts of this name fired", explain(err))
		return firing(alert), warnings
	}
	d, err := expr.Derive(text)
	if err != nil {
		warn("%s; all that is known is when alerts of this name fired", err)
		return firing(alert), warnings
	}
	at := alert.evaluated(time.Now())
	k := &KPI{Derivation: d}
	if found, result := i.firingBranch(ctx, d.Branches(), alert, at); result != nil {
		k.Derivation, k.Result = found, result
	} else if len(d.Others) > 0 {
		warn("none of the %d branches of the alert's `or` has its labels at %s: the first one is used", len(d.Others)+1, at.UTC().Format(time.TimeOnly))
	}
	k.Expanded = i.expanded(ctx, k.Target, warn)
	k.Scrape = i.scrape(ctx, *k, alert, at)
	return k, warnings
}

// firing returns the substitute for an unknown KPI.
func firing(alert Alert) *KPI {
	return &KPI{Derivation: expr.FiringAlerts(string(alert.Labels[model.AlertNameLabel])), Unread: true}
}

// errNotTrusted says that an alert's expression must not be queried.
var errNotTrusted = errors.New("the expression in the alert's generatorURL is not asked (expressions.from_alerts)")

// expression returns the expression in an alert's generatorURL, if it may be queried. rules are
// those of the server; nil: unknown.
func (a Alert) expression(rules *ruleSet) (string, error) {
	text, err := expr.InURL(a.GeneratorURL)
	switch {
	case err != nil:
		return "", err
	case a.Trust == "", a.Trust == config.TrustAny, a.Trust == config.TrustRules && rules != nil && rules.has(text):
		return text, nil
	default:
		return "", errNotTrusted
	}
}

// expression finds an alert's expression: in its generatorURL if trusted, else among the rules
// of the server.
func (i *inquiry) expression(ctx context.Context, alert Alert, warn func(string, ...any)) (string, error) {
	text, err := alert.expression(nil)
	if err == nil {
		return text, nil
	}
	rules, rulesErr := i.rules(ctx)
	if rulesErr != nil {
		return "", beside(err, "and the rules of Prometheus could not be read: "+explain(rulesErr))
	}
	if text, known := alert.expression(&rules); known == nil {
		return text, nil
	}
	made := rules.rulesFor(Alert{Own: alert.Own})
	if len(made) == 0 {
		return "", beside(err, "and Prometheus has no alerting rule of this name and these labels")
	}
	if errors.Is(err, errNotTrusted) {
		warn("%s; the expression of Prometheus' own rule of this name is used", err)
	}
	return made[0].Query, nil
}

// beside adds a second problem to an error, before its hint.
func beside(err error, text string) error {
	var none *expr.NoExpression
	if errors.As(err, &none) {
		return &expr.NoExpression{What: none.What + ", " + text, Hint: none.Hint}
	}
	return fmt.Errorf("%w, %s", err, text)
}

// firingBranch returns the branch of an `or` whose result has the alert's labels, with the
// labels of that result; nil if there is none, or if it makes no difference.
func (i *inquiry) firingBranch(ctx context.Context, branches []expr.Derivation, alert Alert, at time.Time) (expr.Derivation, model.LabelSet) {
	if len(branches) == 1 && alert.Storm {
		return branches[0], nil
	}
	for _, b := range branches {
		a := i.query(ctx, Query{Role: RoleTarget, Name: "expression", Query: b.Condition(), End: at})
		v, _ := a.Value.(model.Vector)
		if result := resultOf(v, alert.Own); result != nil {
			return b, result
		}
	}
	return expr.Derivation{}, nil
}

// resultOf returns the labels of the series that made an alert: the largest label set within
// own.
func resultOf(v model.Vector, own model.LabelSet) model.LabelSet {
	var best model.LabelSet
	for _, s := range v {
		ls := model.LabelSet(s.Metric).Clone()
		delete(ls, model.MetricNameLabel)
		if subsetOf(ls, own) && (best == nil || len(ls) > len(best)) {
			best = ls
		}
	}
	return best
}

// expanded returns the target with recording rules expanded; empty if it uses none.
func (i *inquiry) expanded(ctx context.Context, target string, warn func(string, ...any)) string {
	e := expr.MustParse(target)
	names := expr.RecordedNames(e)
	if len(names) == 0 {
		return ""
	}
	rules, err := i.rules(ctx)
	if err != nil {
		warn("what %s records could not be read, so labels it no longer has are missed: %s", names[0], explain(err))
		return ""
	}
	out, changed := expr.WrittenOut(e, rules.recording)
	if _, err := expr.Parse(out.String()); !changed || err != nil {
		return ""
	}
	return out.String()
}

// scrape measures the scrape interval from the last minutes of one selector; 0 if there are too
// few samples.
func (i *inquiry) scrape(ctx context.Context, k KPI, alert Alert, at time.Time) time.Duration {
	e := expr.MustParse(k.Target)
	if !alert.Storm && k.Result != nil {
		expr.ScopeResult(e, k.Result)
	}
	selector := expr.SelectorTexts(e)[0]
	count := func(window time.Duration, offset string) float64 {
		a := i.query(ctx, Query{
			Role: RoleTarget, Name: "scrape interval", End: at,
			Query: fmt.Sprintf("max(count_over_time(%s[%s]%s))", selector, model.Duration(window), offset),
		})
		return single(a.Value)
	}
	apart := func(window time.Duration, n, least float64) time.Duration {
		if n < least {
			return 0
		}
		return (window / time.Duration(n)).Round(time.Second)
	}
	const short, long = 2 * time.Minute, 10 * time.Minute
	d := apart(long, count(long, ""), 2)
	if d <= 15*time.Second {
		return d
	}
	// A series younger than the window has few samples without being slow: what crashes is
	// often young.
	if young := apart(short, count(short, ""), 4); young > 0 && young < d/2 {
		return young
	}
	if d >= short && count(long, " offset "+model.Duration(long).String()) == 0 { // it appeared with the incident, so its interval can't be known yet
		return 0 // it began with the incident; its interval isn't known yet
	}
	return d
}
