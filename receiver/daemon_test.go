// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/report/reporttest"
)

func TestAnAlertGetsItsCausesAndItsEnd(t *testing.T) {
	w := newWorld(t, true)
	start := time.Now().Add(-time.Minute)
	w.post("ErrorsHigh", start, true)

	w.await("a report is complete and sent", func() bool {
		list := w.reports()
		return len(list) == 1 && len(list[0].Sent) > 0
	})
	var r report.Report
	if code := w.get("/api/v1/reports/"+w.reports()[0].ID, &r); code != http.StatusOK {
		t.Fatalf("the report answers %d", code)
	}
	if r.Result.Verdict != analysis.Explained {
		t.Fatalf("verdict %s, warnings %v", r.Result.Verdict, r.Result.Warnings)
	}
	reporttest.OnePage(t, r)
	where := slices.IndexFunc(r.Result.Causes, func(f analysis.Finding) bool { return f.Kind == analysis.KindLabels })
	if first := r.Result.Causes[max(0, where)]; where < 0 || where > 1 || len(first.Labels) != 1 || first.Labels[0]["path"] != "/pay" || first.Labels[0]["version"] != "v2" {
		t.Errorf("the first cause is %+v", first)
	}
	if got := w.annotation("ErrorsHigh", "culprit_summary"); got != r.Summary || got == "" {
		t.Errorf("the alert says %q, the report %q", got, r.Summary)
	}
	if got := w.annotation("ErrorsHigh", "summary"); got != "errors" {
		t.Errorf("the alert's own annotation is now %q", got)
	}
	var page string
	if code := w.get("/a/"+r.Alert.Fingerprint, &page); code != http.StatusOK || !strings.Contains(page, "/pay") {
		t.Errorf("the page of the alert answers %d", code)
	}

	w.post("ErrorsHigh", start, false)
	w.await("the report and its incident are closed", func() bool {
		list := w.reports()
		return list[0].ResolvedAt != nil && w.metric("culprit_incidents_open") == "0"
	})
	var incident report.Incident
	w.get("/api/v1/incidents/"+r.Incident, &incident)
	if incident.ResolvedAt == nil {
		t.Error("the incident is open after its only alert has resolved")
	}

	again := time.Now()
	w.post("ErrorsHigh", again, true)
	// The end is posted only once here, where Prometheus would resend it for a quarter of an hour.
	// So it must not fall between culprit's read of the alert and its post.
	w.await("firing again makes a second report, which is sent", func() bool {
		list := w.reports()
		return len(list) == 2 && len(list[0].Sent) > 0
	})
	w.post("ErrorsHigh", again, false)
	w.await("which is closed, too", func() bool { return w.reports()[0].ResolvedAt != nil })
}

func TestAnAlertWhoseMessageWasLostIsFound(t *testing.T) {
	w := newWorld(t, false)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("the reconcile loop finds it", func() bool { return len(w.reports()) == 1 })
	if got := w.metric(`culprit_alerts_total{reason="reconcile",status="firing"}`); got != "1" {
		t.Errorf("enqueued %s times", got)
	}
}

func TestAnAlertWithoutARuleIsExplainedByItsExpression(t *testing.T) {
	for name, routed := range map[string]bool{"posted to culprit": true, "found in Alertmanager": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, routed)
			const expr = `sum by (service) (rate(errors_total[1m])) / sum by (service) (rate(requests_total[1m])) > 0.05`
			w.postOf(expr, "NobodyWroteARule", time.Now().Add(-time.Minute), true)
			w.await("its annotation names the cause", func() bool {
				return strings.Contains(w.annotation("NobodyWroteARule", "culprit_summary"), "/pay")
			})
			r := w.reports()[0]
			if r.Rule != "" || r.Result.Verdict != analysis.Explained {
				t.Errorf("rule %q, %s: %s", r.Rule, r.Result.Verdict, r.Summary)
			}
			if c := r.Result.Recombined; c == nil || math.Abs(c.Share()-1) > 0.01 {
				t.Errorf("the parts add up to %+v", c)
			}
			cause := r.Result.Causes[0]
			if want := (map[string]string{"path": "/pay", "version": "v2"}); !maps.Equal(cause.Labels[0], want) {
				t.Errorf("the first cause is %v", cause.Labels)
			}
		})
	}
}

func TestAlertsWithoutARuleAreLeftAloneIfSoConfigured(t *testing.T) {
	w := newWorld(t, true)
	text, err := os.ReadFile(w.opt.ConfigFile)
	w.must(err)
	w.configure("unmatched_alerts: {enabled: false}\n" + string(text))
	w.must(w.daemon.Reload())
	w.post("NobodyWroteARule", time.Now(), true) // too young for a round that began before the reload
	w.await("the alert is counted", func() bool { return w.metric("culprit_alerts_unmatched_total") == "1" })
	if n := len(w.reports()); n != 0 {
		t.Errorf("%d reports", n)
	}
}

func TestAlertsOfOneGroupAreOneIncident(t *testing.T) {
	w := newWorld(t, true)
	for _, name := range []string{"ErrorsHigh", "ErrorsOfAnotherKind"} {
		w.post(name, time.Now(), true) // young, so that the webhook, which knows the group, comes first
	}
	var list []report.Incident
	w.await("both reports are in one incident", func() bool {
		w.get("/api/v1/incidents", &list)
		return len(list) == 1 && len(list[0].Reports) == 2
	})
	if cause := list[0].Causes[0]; !cause.Common {
		t.Errorf("the cause %s of both alerts is not marked as common", cause.Name)
	}
}

func TestPrometheusDownEndsInAReportAndIsTriedAgain(t *testing.T) {
	w := newWorld(t, true)
	good := fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q}]\n", w.prometheus.URL(), w.alertmanager.URL()) + testRules
	w.configure(strings.Replace(good, w.prometheus.URL(), "http://127.0.0.1:1", 1))
	w.must(w.daemon.Reload())
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("the report says why there is nothing to say", func() bool {
		list := w.reports()
		return len(list) == 1 && list[0].Status == report.Failed && len(list[0].Result.Warnings) > 0
	})
	w.configure(good)
	w.must(w.daemon.Reload())
	w.daemon.reconcile.now = func() time.Time { return time.Now().Add(2 * time.Minute) }
	w.await("the next try succeeds", func() bool { return w.reports()[0].Result.Verdict == analysis.Explained })
	if n := len(w.reports()); n != 1 {
		t.Errorf("%d reports of one alert", n)
	}
}

func TestAnotherLookWithoutEvidenceLeavesTheReport(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("the alert is explained", func() bool {
		list := w.reports()
		return len(list) == 1 && len(list[0].Sent) > 0 && list[0].Result.Verdict == analysis.Explained
	})
	var before, after report.Report
	w.get("/api/v1/reports/"+w.reports()[0].ID, &before)

	w.configure(fmt.Sprintf("prometheus: {url: \"http://127.0.0.1:1\"}\nalertmanagers: [{url: %q}]\n", w.alertmanager.URL()) + testRules)
	w.must(w.daemon.Reload())
	w.must(publish(t.Context(), w.daemon.broker, job{Alert: before.Alert, Status: statusFiring, Reason: reasonRetry, ReceivedAt: time.Now()}, w.daemon.metrics))
	w.await("it was looked at again", func() bool {
		known, ok := w.daemon.store.current(before.Alert.Fingerprint)
		return ok && known.Tries == 2
	})
	w.get("/api/v1/reports/"+before.ID, &after)
	if !reflect.DeepEqual(after, before) {
		t.Errorf("%s became %s", before.Summary, after.Summary)
	}
	if len(after.Plan.Queries) == 0 || len(after.Result.Dimensions) == 0 {
		t.Error("only what the index has of the report is left")
	}
}

// A later look needs more evidence to disagree: here the rule was changed meanwhile, and its new
// KPI is still.
func TestALaterLookDoesNotWorsenAnAnswer(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("the alert is explained", func() bool {
		list := w.reports()
		return len(list) == 1 && len(list[0].Sent) > 0 && list[0].Result.Verdict == analysis.Explained
	})
	before := w.reports()[0]
	text, err := os.ReadFile(w.opt.ConfigFile)
	w.must(err)
	w.configure(strings.Replace(string(text), `query: sum(rate(errors_total{`, `query: sum(rate(requests_total{`, 1))
	w.must(w.daemon.Reload())
	w.must(publish(t.Context(), w.daemon.broker, job{Alert: before.Alert, Status: statusFiring, Reason: reasonRetry, ReceivedAt: time.Now()}, w.daemon.metrics))
	w.await("it was looked at again", func() bool {
		known, ok := w.daemon.store.current(before.Alert.Fingerprint)
		return ok && known.Tries == 2
	})
	var after report.Report
	w.get("/api/v1/reports/"+before.ID, &after)
	if after.Summary != before.Summary || after.Result.Verdict != analysis.Explained {
		t.Errorf("%s became %s", before.Summary, after.Summary)
	}
	var page string
	if w.get("/reports/"+before.ID, &page); !strings.Contains(page, "this stands: there is less evidence for what was found at") {
		t.Errorf("the page says nothing of it: %+v", after.Result.Warnings)
	}
	if got := w.annotation("ErrorsHigh", "culprit_summary"); got != before.Summary {
		t.Errorf("the alert says %q", got)
	}
}

func TestAnAlertThatNoAlertmanagerHasIsClosed(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("a report is there", func() bool { return len(w.reports()) == 1 })
	w.must(w.alertmanager.Close())
	time.Sleep(time.Second)
	if w.reports()[0].ResolvedAt != nil {
		t.Fatal("an Alertmanager that is down closed a report")
	}
}

func TestReportsOutliveARestart(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("a report is sent", func() bool { return len(w.reports()) == 1 && len(w.reports()[0].Sent) > 0 })
	before := w.reports()[0]
	w.stop()
	w.start()
	after := w.reports()
	if len(after) != 1 || after[0].ID != before.ID || after[0].Summary != before.Summary {
		t.Fatalf("after the restart there is %+v", after)
	}
	time.Sleep(time.Second)
	if n := len(w.reports()); n != 1 {
		t.Errorf("the alert was reported %d times", n)
	}
}

func TestABadReloadKeepsTheOldConfiguration(t *testing.T) {
	w := newWorld(t, true)
	w.configure("prometheus: {url: nowhere}\nrulez: []\n")
	resp, err := http.Post(w.daemon.URL()+"/-/reload", "", nil)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("the reload answers %s", resp.Status)
	}
	if got := w.metric("culprit_config_last_reload_successful"); got != "0" {
		t.Errorf("the metric says %s", got)
	}
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("alerts are explained by the old rules", func() bool { return len(w.reports()) == 1 })
}

func TestReadyWhenTheServersHaveAnswered(t *testing.T) {
	w := newWorld(t, true)
	w.await("ready", func() bool { return w.get("/-/ready", nil) == http.StatusOK })
	if code := w.get("/-/healthy", nil); code != http.StatusOK {
		t.Errorf("healthy answers %d", code)
	}
	w.stop()
	w.configure("prometheus: {url: 'http://127.0.0.1:1'}\nalertmanagers: [{url: 'http://127.0.0.1:1'}]\n" + testRules)
	w.start()
	var text string
	if code := w.get("/-/ready", &text); code != http.StatusServiceUnavailable || !strings.Contains(text, "Prometheus at http://127.0.0.1:1") {
		t.Errorf("with no server there, ready answers %d %q", code, text)
	}
	if code := w.get("/-/healthy", nil); code != http.StatusOK {
		t.Errorf("healthy answers %d", code)
	}
}

func TestMetricsAreInOrder(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now(), true) // too young for the reconcile loop
	w.await("a report is sent", func() bool { return len(w.reports()) == 1 && len(w.reports()[0].Sent) > 0 })
	problems, err := testutil.GatherAndLint(w.daemon.opt.Registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	w.await("the annotation is timed", func() bool { return w.metric("culprit_webhook_to_annotation_seconds_count") == "1" })
}
