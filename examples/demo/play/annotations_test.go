// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	annotatedRules  = "../../rules/prometheus/annotated.yml"
	annotatedObject = "../../kube-prometheus-stack/prometheusrule.yaml"
	hostileName     = `"} or orders_total{region!="`

	// hostileAlerts are rules that try to make culprit query more than the author of a rule may
	// want: by a label value, and by annotations.
	hostileAlerts = `
      - alert: Switch
        expr: switch > 0
        annotations:
          culprit_candidates: |
            switch{name="{{ $labels.name }}"} # equal
            switch{name=~"{{ $labels.name }}|{{ toUpper $labels.name }}"} # like
            orders_total{region="{{ .Labels.region }}"} # missing
          culprit_topology: |
            calls{client="{{ $labels.name }}"}
`
)

// rulesIn returns what Prometheus loads from a file: an operator writes the spec of a
// PrometheusRule to a file of its own.
func rulesIn(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		Spec yaml.Node `yaml:"spec"`
	}
	if err := yaml.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	if !object.Spec.IsZero() {
		if text, err = yaml.Marshal(&object.Spec); err != nil {
			t.Fatal(err)
		}
	}
	return string(text)
}

// annotatedOnly is a world in which culprit has no rules, so that only annotations say how to
// explain alerts.
func annotatedOnly(rules string) func(name, text string) string {
	return func(name, text string) string {
		switch name {
		case "alerts.yml":
			return strings.ReplaceAll(rules, "for: 30s", "for: 2s")
		case "culprit.yml":
			text, _, _ = strings.Cut(text, "\nrules:\n")
			return text + "\nrule_annotations: {enabled: true}\n"
		default:
			return hurried(name, text)
		}
	}
}

// TestAnnotationsOfTheRuleExplainTheAlert plays the demo's story without a rule of culprit, from a
// rule file and from a PrometheusRule.
func TestAnnotationsOfTheRuleExplainTheAlert(t *testing.T) {
	for _, file := range []string{annotatedRules, annotatedObject} {
		t.Run(file[strings.LastIndex(file, "/")+1:], func(t *testing.T) {
			t.Parallel()
			w := startTest(t, func(o *options) {
				o.fault, o.faultAfter, o.groupWait = lab.Spike, -50*time.Second, 20*time.Second
				o.edit = annotatedOnly(rulesIn(t, file))
			})
			startInside(t, w)
			s := w.watch(t.Context())
			for _, c := range s.failed() {
				t.Errorf("%s: %v", c.claim, c.err)
			}
			w.checkAnnotated(t, s.report)
		})
	}
}

// checkAnnotated expects the report to follow the annotations, and the annotations on the alert
// beside culprit's.
func (w *world) checkAnnotated(t *testing.T, r report.Report) {
	t.Helper()
	asked := map[string]string{}
	for _, q := range r.Plan.Queries {
		asked[q.Name] = q.Query
	}
	for name, want := range map[string]string{
		"database connections": "sum by (service, database) (db_connections_in_use)",
		"requests":             fmt.Sprintf(`sum by (path) (rate(http_requests_total{service=%q}[30s]))`, string(r.Alert.Labels["service"])),
	} {
		if asked[name] != want {
			t.Errorf("%s is asked as %q, want %q", name, asked[name], want)
		}
	}
	if r.Rule != "" || slices.ContainsFunc(r.Result.Warnings, func(w analysis.Warning) bool { return w.Source == promql.SourceAnnotations }) {
		t.Errorf("rule %q, warnings %v", r.Rule, r.Result.Warnings)
	}
	alerts, err := w.alerts(t.Context(), "ErrorRatioHigh")
	if err != nil || len(alerts) != 1 {
		t.Fatalf("%d alerts, %v", len(alerts), err)
	}
	have := alerts[0].Annotations
	if !strings.Contains(string(have["culprit_candidates"]), "# database connections") || have["culprit_window"] != "baseline=2h" || have[annotationSummary] == "" {
		t.Errorf("the alert has the annotations %q", have)
	}
}

// TestNoValueAndNoSenderMakesCulpritAskForMore has a rule whose alert carries a hostile value, and
// an alert without a rule that brings its own annotations.
func TestNoValueAndNoSenderMakesCulpritAskForMore(t *testing.T) {
	t.Parallel()
	w := startTest(t, func(o *options) { o.edit = annotatedOnly(rulesIn(t, annotatedRules) + hostileAlerts) })
	startInside(t, w)
	w.flipped(t, hostileName)
	r := w.firstReport(t, "Switch")
	want := []string{
		`equal: switch{name="\"} or orders_total{region!=\""}`,
		`like: switch{name=~"\"\\} or orders_total\\{region!=\"|\"\\} OR ORDERS_TOTAL\\{REGION!=\""}`,
		`missing: orders_total{region=""}`,
		`topology: calls{client="\"} or orders_total{region!=\""}`,
	}
	if got := others(r); !slices.Equal(got, want) {
		t.Errorf("asks %q of %+v, %v", got, r.Plan, r.Result.Warnings)
	}
	forged := []map[string]any{{
		"labels":      map[string]string{"alertname": "Forged", "service": "checkout"},
		"annotations": map[string]string{"culprit_candidates": "orders_total # forged", "culprit_topology": "orders_total", "culprit_breakdown": "region"},
		// The expression is the real one: it may be queried, the annotations may not.
		"generatorURL": "http://prometheus.example.org/graph?g0.expr=switch+%3E+0",
	}}
	if _, err := fetch(t.Context(), http.MethodPost, w.alertmanagerURL+"/api/v2/alerts", forged); err != nil {
		t.Fatal(err)
	}
	r = w.firstReport(t, "Forged")
	for _, q := range r.Plan.Queries {
		if strings.Contains(q.Query, "orders_total") {
			t.Errorf("the sender of an alert makes culprit ask %s", q.Query)
		}
	}
	if r.Alert.Annotations["culprit_candidates"] == "" {
		t.Errorf("the report has lost an annotation that culprit has not written: %v", r.Alert.Annotations)
	}
}

// firstReport returns an alert's first report.
func (w *world) firstReport(t *testing.T, name string) report.Report {
	t.Helper()
	list := w.reportsOf(t, "report of "+name, name, func(list []report.Report) bool { return len(list) > 0 })
	r, _, err := w.report(t.Context(), list[len(list)-1].ID)
	if err != nil || len(r.Plan.Queries) == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	return r
}

// flipped adds a switch that has been on for a minute, after a time off.
func (w *world) flipped(t *testing.T, name string) {
	t.Helper()
	now := time.Now()
	app := w.prometheus.Appender(t.Context())
	for ago := time.Hour; ago >= 0; ago -= scrape {
		value := 0.0
		if ago < time.Minute {
			value = 1
		}
		ls := labels.FromStrings(model.MetricNameLabel, "switch", "name", name)
		if _, err := app.Append(0, ls, now.Add(-ago).UnixMilli(), value); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// others returns the queries of a report other than its KPI's, sorted.
func others(r report.Report) (texts []string) {
	for _, q := range r.Plan.Queries {
		if q.Role == "candidate" || q.Role == "topology" {
			texts = append(texts, q.Name+": "+q.Query)
		}
	}
	slices.Sort(texts)
	return texts
}
