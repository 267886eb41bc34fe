// SPDX-License-Identifier: Apache-2.0

package templates_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// slackSays is Slack's answer to a message and to an update of one.
const slackSays = `{"ok": true, "ts": "1503435956.000247", "channel": "C123456"}`

// slackRequest has the tested fields.
type slackRequest struct {
	Channel, TS string
	Attachments []struct{ Title, Text string }
}

// TestWhatIsFoundLateReachesTheFirstMessage sends an alert through the real Alertmanager to Slack
// before culprit has an answer; then culprit annotates it.
func TestWhatIsFoundLateReachesTheFirstMessage(t *testing.T) {
	s := startServices(t)
	s.answer = func(request) (string, string) { return "application/json; charset=utf-8", slackSays }
	am, err := lab.StartAlertmanager(lab.AlertmanagerOptions{Config: hurried(t), Notifiers: s.notifiers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { am.Close() })

	a := firing(model.LabelSet{"severity": "ticket"}, model.LabelSet{"summary": "few orders"})
	send(t, am.URL(), a.Alert)
	first := s.wait(t, func(r request) bool { return strings.HasSuffix(r.Address, "/chat.postMessage") })
	if m := decode[slackRequest](t, first.Body); m.TS != "" || m.Channel != "#alerts" || strings.Contains(m.Attachments[0].Text, "path=/pay") {
		t.Errorf("the first message is %s", first.Body)
	}

	annotate(t, am.URL(), a.Labels)
	found := s.wait(t, func(r request) bool {
		return strings.HasSuffix(r.Address, "/chat.update") && strings.Contains(string(r.Body), "path=/pay")
	})
	if m := decode[slackRequest](t, found.Body); m.TS != "1503435956.000247" || m.Channel != "C123456" {
		t.Errorf("another message is changed: %s", found.Body)
	}

	a.EndsAt = time.Now()
	send(t, am.URL(), a.Alert)
	s.wait(t, func(r request) bool {
		return strings.HasSuffix(r.Address, "/chat.update") && strings.HasPrefix(decode[slackRequest](t, r.Body).Attachments[0].Title, "Resolved")
	})
	requests, _ := s.clear()
	for _, r := range requests[1:] {
		if !strings.HasSuffix(r.Address, "/chat.update") {
			t.Errorf("%s: there is more than one message", r.Address)
		}
	}
}

// hurried is the published configuration with seconds instead of minutes.
func hurried(t *testing.T) string {
	t.Helper()
	text := published(t)
	fast := strings.NewReplacer("group_wait: 30s", "group_wait: 0s", "group_interval: 5m", "group_interval: 1s", "repeat_interval: 5m", "repeat_interval: 1s").Replace(text)
	if strings.Count(text, "repeat_interval: 5m") == 0 {
		t.Fatal("nothing is repeated after five minutes")
	}
	return fast
}

// TestAnUpdatedMessageIsRepeatedOften checks that the published routes suit late findings:
// Alertmanager resends an unchanged group only after its repeat_interval, whatever its annotations
// are by then.
func TestAnUpdatedMessageIsRepeatedOften(t *testing.T) {
	conf, err := amconfig.Load(published(t))
	if err != nil {
		t.Fatal(err)
	}
	updated := map[string]bool{}
	for _, r := range conf.Receivers {
		for _, c := range r.SlackConfigs {
			updated[r.Name] = updated[r.Name] || c.UpdateMessage
		}
	}
	seen := 0
	dispatch.NewRoute(conf.Route, nil).Walk(func(r *dispatch.Route) {
		switch opts := r.RouteOpts; {
		case updated[opts.Receiver]:
			seen++
			if opts.RepeatInterval > 10*time.Minute {
				t.Errorf("%s waits %s", opts.Receiver, opts.RepeatInterval)
			}
		case opts.RepeatInterval < time.Hour:
			t.Errorf("%s is told every %s", opts.Receiver, opts.RepeatInterval)
		}
	})
	if seen == 0 {
		t.Error("no route leads to a message that is updated")
	}
}

// send posts an alert as Prometheus does.
func send(t *testing.T, address string, a model.Alert) {
	t.Helper()
	body, err := json.Marshal([]model.Alert{a})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(address+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
}

// annotate has culprit's sink write the findings to the alert.
func annotate(t *testing.T, address string, labels model.LabelSet) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	client, err := alertmanager.New(config.Alertmanager{URL: config.NewURL(u)}, alertmanager.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	r := report.Report{
		ID: "r1", Status: report.Complete, URL: "https://culprit.example.org/reports/r1", CreatedAt: time.Now(),
		Alert: report.Alert{Labels: labels, StartsAt: time.Now(), Fingerprint: labels.Fingerprint().String()},
		Result: analysis.Result{Verdict: analysis.Explained, Causes: []analysis.Finding{{
			Rank: 1, Kind: analysis.KindLabels, Labels: []map[string]string{{"path": "/pay"}}, Share: 0.9, Confidence: analysis.High,
		}}},
	}
	i := report.Open("{}:{}", time.Now(), "https://culprit.example.org").Merge([]report.Report{r}, time.Now())
	sent := sink.NewAnnotations([]*alertmanager.Client{client}, sink.Options{}).Send(t.Context(), sink.Message{Report: r, Incident: i})
	if len(sent) != 1 || sent[0].Status != "ok" {
		t.Fatalf("%+v", sent)
	}
}

// wait returns the first request that ok accepts.
func (s *services) wait(t *testing.T, ok func(request) bool) request {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		requests := s.requests
		s.mu.Unlock()
		for _, r := range requests {
			if ok(r) {
				return r
			}
		}
	}
	t.Fatalf("no such request came")
	return request{}
}
