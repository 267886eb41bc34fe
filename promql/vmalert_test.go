// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// Recorded from vmalert 1.79, whose links identify a rule by number. VictoriaMetrics itself
// lists no rules.
func TestTheRulesMayBeVMAlerts(t *testing.T) {
	ruler := promtest.New(t, "load 1m\n")
	for endpoint, file := range map[string]string{"/api/v1/rules": "rules.json", "/api/v1/alerts": "alerts.json"} {
		body, err := os.ReadFile("testdata/vmalert/" + file)
		if err != nil {
			t.Fatal(err)
		}
		ruler.Fail(endpoint, promtest.Failure{Status: 200, Text: string(body)})
	}
	s := promtest.New(t, "load 1m\nvm_app_uptime_seconds 7+60x190\n")
	f := newFetcher(t, s, func(c *config.Prometheus) {
		u, err := url.Parse(ruler.URL)
		if err != nil {
			t.Fatal(err)
		}
		c.RulesURL = config.NewURL(u)
	})
	active := time.Date(2026, 11, 29, 18, 39, 45, 414939091, time.UTC)
	alert := promql.Alert{
		Labels:       model.LabelSet{"alertname": "QueueLong", "alertgroup": "shop", "severity": "page", "replica": "A"},
		StartsAt:     active.Add(5 * time.Second),
		GeneratorURL: "http://vm:18880/vmalert/api/v1/alert?group_id=1529159420597195317&alert_id=11827716682429873873",
	}
	alert, warnings := f.Locate(t.Context(), alert)
	if !alert.Onset.Equal(active) || len(warnings) > 0 || alert.Own["replica"] != "" {
		t.Errorf("onset %s, own %v, %v", alert.Onset, alert.Own, warnings)
	}
	_, alert, warnings = f.Complete(t.Context(), config.Rule{}, alert, nil)
	if alert.KPI == nil || alert.KPI.Unread || len(warnings) > 0 {
		t.Fatalf("%+v, %v", alert.KPI, warnings)
	}
	if got, want := alert.KPI.Target, "sum by (job) (vm_app_uptime_seconds or vector(7))"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestWithoutItsAddressVMAlertsRulesAreNotKnown(t *testing.T) {
	alert := queueAlert("")
	alert.GeneratorURL = "http://vm:18880/vmalert/alert?group_id=1529159420597195317&alert_id=11827716682429873873"
	plan, frame, warnings := explain(t, newFetcher(t, promtest.New(t, fleet()), nil), alert, after(180*time.Minute))
	warned(t, warnings, "expression", "vmalert's link holds no expression, and Prometheus has no alerting rule of this name and these labels; hint: set prometheus.rules_url")
	if !frame.Targets[0].Unread || plan.Targets[0].Breakdown != nil {
		t.Errorf("alerts that fire are no KPI: %+v", plan.Targets[0])
	}
}
