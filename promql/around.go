// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// mostNamed is the largest number of values of a label that still identify the series to look
// at.
const mostNamed = 8

// measuredBy returns the expressions that an alert measures: the rule's, or the alert's own.
func measuredBy(rule config.Rule, alert Alert) []parser.Expr {
	var all []parser.Expr
	for _, t := range targetsOf(rule) {
		if strings.TrimSpace(t.Query) == "" {
			if alert.KPI != nil {
				all = append(all, expr.MustParse(alert.KPI.Target))
			}
			continue
		}
		if e, _, err := expand(t.Query, newAlertData(alert)); err == nil {
			all = append(all, e)
		}
	}
	return all
}

// seriesLabels returns, for labels that the alert lacks, the values that the KPI's series have, if
// those are few. Failures become warnings.
func (i *inquiry) seriesLabels(ctx context.Context, alert Alert, kpi []parser.Expr) (map[string][]string, []analysis.Warning) {
	selectors := ownSelectors(alert, kpi)
	if len(selectors) == 0 || alert.KPI != nil && alert.KPI.Unread {
		return nil, nil
	}
	series, _, err := i.recent(ctx, alert, selectors)
	if err != nil {
		return nil, []analysis.Warning{{Source: "candidates", Text: "which labels the series of the KPI have could not be found: " + explain(err)}}
	}
	if len(series) == seriesSample {
		return nil, nil // truncated, so the values of the rest are unknown
	}
	own := alert.identifying()
	values := map[string][]string{}
	for _, name := range identityLabels() {
		if own[model.LabelName(name)] == "" {
			values[name] = valuesOfFew(ofAlert(series, own), name)
		}
	}
	ofOthers(values, kpi)
	maps.DeleteFunc(values, func(_ string, vs []string) bool { return len(vs) == 0 })
	alert.Series = values
	return i.addNodes(ctx, alert), nil
}

// ownSelectors returns the selectors of a KPI, restricted to the alert's own series where possible.
func ownSelectors(alert Alert, kpi []parser.Expr) []string {
	var selectors []string
	for _, e := range kpi {
		e = expr.MustParse(e.String())
		if !alert.Storm {
			alert.hold(e)
		}
		selectors = append(selectors, expr.SelectorTexts(e)...)
	}
	slices.Sort(selectors)
	return slices.Compact(selectors)
}

// recent returns the series of the last hour. Times are rounded to five minutes, so that alerts
// share the answer.
func (i *inquiry) recent(ctx context.Context, alert Alert, selectors []string) ([]model.LabelSet, []string, error) {
	end := floor(alert.evaluated(time.Now()), recentStep).Add(recentStep)
	return i.seriesOf(ctx, selectors, end.Add(-hourWindow), end)
}

// ofAlert drops series that contradict a label of the alert.
func ofAlert(series []model.LabelSet, own model.LabelSet) []model.LabelSet {
	return slices.DeleteFunc(slices.Clone(series), func(s model.LabelSet) bool {
		for name, v := range own {
			if w, ok := s[name]; ok && w != v {
				return true
			}
		}
		return false
	})
}

// valuesOfFew returns the values of a label; nil if there are too many.
func valuesOfFew(series []model.LabelSet, name string) []string {
	values := map[string]bool{}
	for _, s := range series {
		if v := s[model.LabelName(name)]; v != "" {
			values[string(v)] = true
		}
		if len(values) > mostNamed {
			return nil
		}
	}
	return slices.Sorted(maps.Keys(values))
}

// ofOthers drops labels that name the exporter rather than its subject, for KPIs of cAdvisor or
// kube-state-metrics. For a container, the kubelet's instance is the host.
func ofOthers(values map[string][]string, kpi []parser.Expr) {
	for _, e := range exporters() {
		if e.name != cAdvisor && e.name != kubeStateMetrics || !e.measures(selectorsOf(kpi)) {
			continue
		}
		if e.name == cAdvisor {
			values[hostLabel] = values["instance"]
		}
		for _, name := range append(ownServiceLabels(), "instance", "job") {
			delete(values, name)
		}
	}
}

// clusterOf returns matchers for the alert's cluster, if everything scraped has that label:
// some exporters use its name for something else.
func (i *inquiry) clusterOf(ctx context.Context, alert Alert) string {
	n := naming{own: alert.identifying(), alert: alert}
	is := n.is(clusterLabel)
	if is == "" {
		return ""
	}
	e, _, err := expand("count(up{"+is+"})", newAlertData(alert))
	if err != nil {
		return ""
	}
	a := i.query(ctx, Query{Role: RoleCandidate, Name: "cluster", Query: e.String(), End: floor(alert.evaluated(time.Now()), recentStep)})
	if single(a.Value) == 0 {
		return ""
	}
	return is
}

// addNodes adds the nodes of the alert's pods, from kube-state-metrics.
func (i *inquiry) addNodes(ctx context.Context, alert Alert) map[string][]string {
	n := naming{own: alert.identifying(), alert: alert}
	pods := []string{n.is("namespace"), n.is("pod")}
	if pods[0] == "" || pods[1] == "" || n.is("node") != "" {
		return alert.Series
	}
	e, _, err := expand("kube_pod_info{"+strings.Join(pods, ",")+"}", newAlertData(alert))
	if err != nil {
		return alert.Series
	}
	found, _, err := i.recent(ctx, alert, []string{e.String()})
	if err != nil {
		return alert.Series
	}
	for _, name := range []string{"node", hostLabel} {
		if values := valuesOfFew(found, name); len(values) > 0 && len(alert.Series[name]) == 0 {
			alert.Series[name] = values
		}
	}
	return alert.Series
}

// selectorsOf returns the selectors of expressions.
func selectorsOf(es []parser.Expr) []*parser.VectorSelector {
	var all []*parser.VectorSelector
	for _, e := range es {
		all = append(all, expr.Selectors(e)...)
	}
	return all
}
