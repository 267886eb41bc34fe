// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/promql/promtest"
)

func TestSurveyListsWhatARuleCanUse(t *testing.T) {
	f := newFetcher(t, promtest.New(t, fleet()), nil)
	s, warnings, err := f.Survey(t.Context(), promql.AlertingRule{
		Alert: "CartQueue", Expr: "queue_length > 20", Labels: map[string]string{"severity": "page"},
	}, nil, after(180*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if s.Series != 3 || fmt.Sprint(s.Labels) != "[{instance 3} {pod 3}]" || s.KPI.Kind != expr.KindAdditive {
		t.Errorf("%+v, %v", s, warnings)
	}
	var got []string
	for _, c := range s.Candidates {
		got = append(got, c.Query)
	}
	want := `sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!="",namespace="{{ .Labels.namespace }}",pod="{{ .Labels.pod }}"}[5m]))`
	if len(got) != 4 || got[0] != want {
		t.Errorf("%q", got)
	}
	if _, _, err := f.Survey(t.Context(), promql.AlertingRule{Alert: "W", Expr: "vector(1)"}, nil, after(0)); err == nil {
		t.Error("no error for a rule without a KPI")
	}
	s, _, err = f.Survey(t.Context(), promql.AlertingRule{Alert: "N", Expr: "nothing > 1"}, nil, after(180*time.Minute))
	if err != nil || s.Series != 0 || len(s.Labels) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// The first service has only one of the two versions.
func TestASurveyLooksAtAllAlertsOfARule(t *testing.T) {
	f := newFetcher(t, promtest.New(t, `load 1m
errors_total{service="cart",path="/a",version="v1"} 0+1x200
errors_total{service="cart",path="/b",version="v1"} 0+1x200
errors_total{service="pay",path="/a",version="v1"} 0+1x200
errors_total{service="pay",path="/a",version="v2"} 0+1x200
`), nil)
	s, warnings, err := f.Survey(t.Context(), promql.AlertingRule{Alert: "E", Expr: "sum by (service) (rate(errors_total[5m])) > 1"}, nil, after(180*time.Minute))
	if err != nil || s.Series != 2 || fmt.Sprint(s.Labels) != "[{path 2} {version 2}]" {
		t.Errorf("%+v, %v, %v", s, warnings, err)
	}
}

func TestASuggestionIsFlat(t *testing.T) {
	got := promql.Suggest(promql.AlertingRule{Alert: "E", Expr: "sum(a) / sum(b) > 0.05 and sum(b) > 1"})
	want := promql.Suggestion{
		Alert: "E", Expr: "sum(a) / sum(b) > 0.05 and sum(b) > 1", Kind: expr.KindRatio, Target: "sum(a) / sum(b)",
		Operator: ">", Threshold: "0.05", Numerator: "sum(a)", Denominator: "sum(b)",
		Condition: "((sum(a) / sum(b)) > 0.05) and (sum(b) > 1)",
	}
	if got != want {
		t.Errorf("%+v", got)
	}
	if s := promql.Suggest(promql.AlertingRule{Expr: "a > 1 or b > 2 and c or d > 3"}); s.Condition != "((a > 1) or ((b > 2) and c)) or (d > 3)" {
		t.Errorf("%s", s.Condition)
	}
	if s := promql.Suggest(promql.AlertingRule{Expr: "vector(1)"}); !strings.Contains(s.Error, "measures no series") || s.Target != "" {
		t.Errorf("%+v", s)
	}
}

func TestRuleFilesOfAllShapesAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"a rule file":         "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up == 0, for: 5m, labels: {severity: page}}\n  - {record: r, expr: up}\n",
		"a Kubernetes object": "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n  groups:\n  - rules: [{alert: A, expr: up == 0}]\n",
		"a list of them":      "kind: List\nitems:\n- spec: {groups: [{rules: [{alert: A, expr: up == 0}]}]}\n",
		"two documents":       "groups: []\n---\ngroups: [{rules: [{alert: A, expr: up == 0}]}]\n",
	} {
		rules, err := promql.ReadAlertingRules("f.yml", strings.NewReader(text))
		if err != nil || len(rules) != 1 || rules[0].Alert != "A" || rules[0].Expr != "up == 0" {
			t.Errorf("%s: %+v, %v", name, rules, err)
		}
	}
	if _, err := promql.ReadAlertingRules("f.yml", strings.NewReader("groups: 7\n")); err == nil || !strings.Contains(err.Error(), "f.yml: not a file of rules") {
		t.Errorf("%v", err)
	}
	for _, text := range []string{
		"groups:\n{{- if .Values.rules.enabled }}\n- name: g\n{{- end }}\n",
		"groups:\n<% if @x %>\n- name: g\n  rules: []\n<% end %>\n",
	} {
		if _, err := promql.ReadAlertingRules("f.yml", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "hint: render the rules first") {
			t.Errorf("%q: %v", text, err)
		}
	}
	f, err := os.Open("expr/testdata/rules/nodeExporter-prometheusRule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rules, err := promql.ReadAlertingRules(f.Name(), f); err != nil || len(rules) != 26 {
		t.Errorf("%d rules, %v", len(rules), err)
	}
}

func TestTheCatalogueIsChecked(t *testing.T) {
	c, err := config.Parse("c.yml", []byte("prometheus: {url: http://p}\ncandidates:\n  - {name: a, query: up}\n  - name: b\n    query: 'sum({{ .Labels.x }})'\n"))
	if err != nil {
		t.Fatal(err)
	}
	ms := promql.CheckCatalogue(c)
	if len(ms) != 1 || ms[0].Line != 5 || ms[0].File != "c.yml" || !strings.Contains(ms[0].String(), "candidates[1].query") {
		t.Errorf("%v", ms)
	}
}
