// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func TestOneSwitchRoutesAndWatches(t *testing.T) {
	plain := template(t, nil)
	if n := len(all[*monitoringv1.ServiceMonitor](plain)) + len(all[*monitoringv1.PrometheusRule](plain)) + len(all[*monitoringv1alpha1.AlertmanagerConfig](plain)); n != 0 {
		t.Errorf("%d objects for an operator that may not be there", n)
	}
	r := template(t, parseValues(t, "{kubePrometheusStack: {enabled: true, release: kps}, alertmanagerConfig: {mainRouteCatchesAll: true}}"))
	for _, obj := range []object{
		the[*monitoringv1.ServiceMonitor](t, r), the[*monitoringv1.PrometheusRule](t, r), the[*monitoringv1alpha1.AlertmanagerConfig](t, r),
	} {
		if obj.GetLabels()["release"] != "kps" {
			t.Errorf("%T has the labels %v", obj, obj.GetLabels())
		}
	}
	if labels := named[*corev1.ConfigMap](t, r, "culprit-dashboard").Labels; labels["grafana_dashboard"] != "1" {
		t.Errorf("the dashboard has the labels %v", labels)
	}
}

func TestALabelOfTheUserWinsOverThatOfTheStack(t *testing.T) {
	r := template(t, readValues(t, "culprit/ci/full-values.yaml"))
	if got := the[*monitoringv1.ServiceMonitor](t, r).Labels["release"]; got != "another" {
		t.Errorf("release=%s", got)
	}
}

func TestTheMonitorScrapesEachReplicaOnce(t *testing.T) {
	r := template(t, values{"serviceMonitor": values{"enabled": true}})
	monitor := the[*monitoringv1.ServiceMonitor](t, r)
	var selected []string
	for _, s := range all[*corev1.Service](r) {
		if matches(monitor.Spec.Selector.MatchLabels, s.Labels) {
			selected = append(selected, s.Name)
		}
	}
	if !slices.Equal(selected, []string{"culprit"}) {
		t.Errorf("it selects %v", selected)
	}
	if got := monitor.Spec.Endpoints[0].Port; got != named[*corev1.Service](t, r, "culprit").Spec.Ports[0].Name {
		t.Errorf("it scrapes the port %s", got)
	}
}

func TestTheRouteIsAtOnceAndGoesOn(t *testing.T) {
	r := template(t, values{"alertmanagerConfig": values{"enabled": true, "mainRouteCatchesAll": true}})
	spec := the[*monitoringv1alpha1.AlertmanagerConfig](t, r).Spec
	if !spec.Route.Continue || spec.Route.GroupWait == nil || *spec.Route.GroupWait != "0s" {
		t.Errorf("the route is %+v", spec.Route)
	}
	if spec.Route.GroupInterval == nil || *spec.Route.GroupInterval != "10s" {
		t.Errorf("an alert that joins a group waits for %v", spec.Route.GroupInterval)
	}
	if len(spec.Receivers) != 1 || spec.Receivers[0].Name != spec.Route.Receiver {
		t.Fatalf("the receivers are %+v", spec.Receivers)
	}
	hook := spec.Receivers[0].WebhookConfigs[0]
	if *hook.URL != "http://culprit.monitoring.svc:9798/api/v1/webhook" || !*hook.SendResolved {
		t.Errorf("the webhook is %+v", hook)
	}
}

// TestNoRouteTakesAlertsAwayFromPeople: whatever the values of an earlier version say, the chart
// makes a route before those of others only if the values say that a catch-all route follows.
func TestNoRouteTakesAlertsAwayFromPeople(t *testing.T) {
	for name, vals := range map[string]values{
		"the switch of the stack": {"kubePrometheusStack": values{"enabled": true}},
		"its own switch":          {"alertmanagerConfig": values{"enabled": true}},
		"of 0.1.0":                readValues(t, "testdata/released/0.1.0-values.yaml"),
	} {
		r := template(t, vals)
		if n := len(all[*monitoringv1alpha1.AlertmanagerConfig](r)); n != 0 {
			t.Errorf("%s: %d routes", name, n)
		}
		if !strings.Contains(r.notes, "NO ROUTE") || !strings.Contains(r.notes, "alertmanagerConfig.mainRouteCatchesAll=true") {
			t.Errorf("%s: the notes do not say how to route:\n%s", name, r.notes)
		}
	}
}

// TestTheRoutesThatAreCheckedAreThoseThatAreRendered: the tests in /examples send alerts through
// these files with Alertmanager's own code.
func TestTheRoutesThatAreCheckedAreThoseThatAreRendered(t *testing.T) {
	for name, vals := range map[string]values{
		"culprit":       {"alertmanagerConfig": values{"enabled": true, "mainRouteCatchesAll": true}},
		"full":          readValues(t, "culprit/ci/full-values.yaml"),
		"stack-example": readValues(t, "../examples/kube-prometheus-stack/culprit-values.yaml"),
	} {
		text, err := yaml.Marshal(the[*monitoringv1alpha1.AlertmanagerConfig](t, template(t, vals)))
		if err != nil {
			t.Fatal(err)
		}
		checkGenerated(t, "testdata/alertmanager/"+name+".yaml", string(text))
	}
	for name, vals := range map[string]values{
		"defaults": {},
		"unrouted": {"kubePrometheusStack": values{"enabled": true}},
		"routed":   {"kubePrometheusStack": values{"enabled": true}, "alertmanagerConfig": values{"mainRouteCatchesAll": true}},
	} {
		checkGenerated(t, "testdata/notes/"+name+".txt", template(t, vals).notes)
	}
}

func TestTheAlertsOfTheMixinAreInTheChart(t *testing.T) {
	sameFile(t, "mixin/alerts.yaml", "culprit/files/alerts.yaml")
	sameFile(t, "mixin/dashboard.json", "culprit/files/dashboard.json")
	sameFile(t, "mixin/incidents.json", "culprit/files/incidents.json")

	want := mixinAlerts(t)
	r := template(t, values{"prometheusRule": values{"enabled": true}})
	got := ruleAlerts(the[*monitoringv1.PrometheusRule](t, r).Spec)
	if !maps.EqualFunc(got, want, sameRule) {
		t.Errorf("the rendered alerts are not those of the mixin:\n%v\n%v", got, want)
	}
}

func TestAlertsAreLeftOutAndLabelled(t *testing.T) {
	r := template(t, readValues(t, "culprit/ci/full-values.yaml"))
	spec := the[*monitoringv1.PrometheusRule](t, r).Spec
	alerts := ruleAlerts(spec)
	if _, ok := alerts["CulpritDown"]; ok || len(alerts) != len(mixinAlerts(t))-1 {
		t.Errorf("%d alerts: %v", len(alerts), slices.Sorted(maps.Keys(alerts)))
	}
	for name, rule := range alerts {
		if rule.Labels["team"] != "sre" || rule.Labels["severity"] == "" {
			t.Errorf("%s has the labels %v", name, rule.Labels)
		}
	}
	if last := spec.Groups[len(spec.Groups)-1]; last.Name != "mine" {
		t.Errorf("the user's group is missing, the last is %s", last.Name)
	}
}

func TestEachDashboardIsOneJSONObject(t *testing.T) {
	r := template(t, values{"dashboard": values{"enabled": true}})
	data := named[*corev1.ConfigMap](t, r, "culprit-dashboard").Data
	for key, file := range map[string]string{"culprit.json": "mixin/dashboard.json", "culprit-incidents.json": "mixin/incidents.json"} {
		var got, want map[string]any
		if err := json.Unmarshal([]byte(data[key]), &got); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if got["uid"] == nil || got["uid"] != want["uid"] {
			t.Errorf("%s: uid %v, want %v", key, got["uid"], want["uid"])
		}
	}
}

func mixinAlerts(t *testing.T) map[string]monitoringv1.Rule {
	t.Helper()
	text, err := os.ReadFile("mixin/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var spec monitoringv1.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict(text, &spec); err != nil {
		t.Fatal(err)
	}
	return ruleAlerts(spec)
}

func ruleAlerts(spec monitoringv1.PrometheusRuleSpec) map[string]monitoringv1.Rule {
	alerts := map[string]monitoringv1.Rule{}
	for _, g := range spec.Groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				alerts[r.Alert] = r
			}
		}
	}
	return alerts
}

func sameRule(a, b monitoringv1.Rule) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func sameFile(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s and %s differ: copy the first over the second", a, b)
	}
}
