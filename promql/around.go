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

// mostNamed is how many values of a label name whose series to look at; of more,
// none does.
const mostNamed = 8

// measuredBy are the expressions of what an alert measures: those of the rule, or
// the alert's own.
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

// around are the values of the labels that the alert does not have and the series
// have that its KPI is made of, by label, as far as they are few. What cannot be
// found out is a warning.
func (i *inquiry) around(ctx context.Context, alert Alert, kpi []parser.Expr) (map[string][]string, []analysis.Warning) {
	selectors := written(alert, kpi)
	if len(selectors) == 0 || alert.KPI != nil && alert.KPI.Unread {
		return nil, nil
	}
	series, _, err := i.recent(ctx, alert, selectors)
	if err != nil {
		return nil, []analysis.Warning{{Source: "candidates", Text: "which labels the series of the KPI have could not be found: " + explain(err)}}
	}
	if len(series) == seriesSample {
		return nil, nil // there are more, and nobody knows which values these have
	}
	own := alert.identifying()
	values := map[string][]string{}
	for _, name := range aboutLabels() {
		if own[model.LabelName(name)] == "" {
			values[name] = valuesOfFew(ofAlert(series, own), name)
		}
	}
	ofOthers(values, kpi)
	maps.DeleteFunc(values, func(_ string, vs []string) bool { return len(vs) == 0 })
	alert.Series = values
	return i.housed(ctx, alert), nil
}

// written are the selectors of a KPI, held to the alert's labels where that is
// known to select its own series.
func written(alert Alert, kpi []parser.Expr) []string {
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

// recent asks for series of the last hour. The times are whole five minutes, so
// that alerts share the answer.
func (i *inquiry) recent(ctx context.Context, alert Alert, selectors []string) ([]model.LabelSet, []string, error) {
	end := floor(alert.evaluated(time.Now()), recentStep).Add(recentStep)
	return i.seriesOf(ctx, selectors, end.Add(-hourWindow), end)
}

// ofAlert leaves out series of which a label has another value than the alert.
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

// valuesOfFew are the values of a label; none if there are too many to name each.
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

// ofOthers takes out what names the exporter and not what it speaks of, where a
// KPI is of cAdvisor or of kube-state-metrics: of a container, the kubelet's
// instance tells the host.
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

// clusterOf returns matchers for the alert's cluster, where that is a label of all
// that is scraped: some exporters have a label of this name for something else.
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

// housed adds where the alert's pods run, as kube-state-metrics says.
func (i *inquiry) housed(ctx context.Context, alert Alert) map[string][]string {
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

// selectorsOf are the selectors of expressions.
func selectorsOf(es []parser.Expr) []*parser.VectorSelector {
	var all []*parser.VectorSelector
	for _, e := range es {
		all = append(all, expr.Selectors(e)...)
	}
	return all
}
