// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

// postedAlert is an alert as the API accepts it.
type postedAlert struct {
	Labels      model.LabelSet `json:"labels"`
	Annotations model.LabelSet `json:"annotations,omitempty"`
	StartsAt    time.Time      `json:"startsAt,omitzero"`
	EndsAt      time.Time      `json:"endsAt,omitzero"`
}

func webhookTo(url string) string {
	return fmt.Sprintf(`
route: {receiver: people, group_by: [alertname], group_wait: 100ms, group_interval: 10s, repeat_interval: 1h}
receivers:
  - name: people
    webhook_configs: [{url: %q}]
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [service]
`, url)
}

func startBoth(t *testing.T, opts AlertmanagerOptions) (*Alertmanager, *Receiver) {
	t.Helper()
	people, err := StartReceiver("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { people.Close() })
	opts.Config = webhookTo(people.URL())
	am, err := StartAlertmanager(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := am.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return am, people
}

func post(t *testing.T, url string, body any) []byte {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s %s %v", url, resp.Status, answer, err)
	}
	return answer
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", url, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestAnAlertReachesThePeopleAndItsEndToo(t *testing.T) {
	am, people := startBoth(t, AlertmanagerOptions{})
	start := time.Now()
	a := postedAlert{
		Labels:      model.LabelSet{"alertname": "Errors", "service": "cart"},
		Annotations: model.LabelSet{"summary": "many"},
		StartsAt:    start, EndsAt: start.Add(time.Minute),
	}
	post(t, am.URL()+"/api/v2/alerts", []postedAlert{a})

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	first, err := people.Wait(ctx, func(m Message) bool { return m.Status == "firing" })
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Alerts) != 1 || first.Alerts[0].Annotations["summary"] != "many" || first.Version != "4" ||
		first.GroupKey != `{}:{alertname="Errors"}` || first.ExternalURL != am.URL() || first.At.Before(start) {
		t.Errorf("the first message is %s", first.Body)
	}
	a.EndsAt = time.Now()
	post(t, am.URL()+"/api/v2/alerts", []postedAlert{a})
	if _, err := people.Wait(ctx, func(m Message) bool { return m.Status == "resolved" }); err != nil {
		t.Error(err)
	}
}

func TestAnInhibitedAlertIsSuppressed(t *testing.T) {
	am, _ := startBoth(t, AlertmanagerOptions{})
	post(t, am.URL()+"/api/v2/alerts", []postedAlert{
		{Labels: model.LabelSet{"alertname": "Down", "service": "cart", "severity": "critical"}},
		{Labels: model.LabelSet{"alertname": "Slow", "service": "cart", "severity": "warning"}},
	})
	var alerts []struct {
		Labels model.LabelSet
		Status struct {
			State       string
			InhibitedBy []string
		}
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		get(t, am.URL()+"/api/v2/alerts?filter=alertname%3DSlow", &alerts)
		if len(alerts) == 1 && alerts[0].Status.State == "suppressed" && len(alerts[0].Status.InhibitedBy) == 1 {
			return
		}
	}
	t.Errorf("alerts: %+v", alerts)
}

func TestSilencesSurviveARestartOnTheSameAddress(t *testing.T) {
	dir := t.TempDir()
	am, _ := startBoth(t, AlertmanagerOptions{DataDir: dir})
	var made struct{ SilenceID string }
	answer := post(t, am.URL()+"/api/v2/silences", map[string]any{
		"matchers": []any{map[string]any{"name": "service", "value": "cart", "isRegex": false, "isEqual": true}},
		"startsAt": time.Now(), "endsAt": time.Now().Add(time.Hour), "createdBy": "ann", "comment": "known",
	})
	if err := json.Unmarshal(answer, &made); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(am.URL(), "http://")
	if err := am.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := startBoth(t, AlertmanagerOptions{DataDir: dir, Listen: address})
	if again.URL() != am.URL() {
		t.Errorf("it came back at %s, not at %s", again.URL(), am.URL())
	}
	var kept struct{ Comment string }
	get(t, again.URL()+"/api/v2/silence/"+made.SilenceID, &kept)
	if kept.Comment != "known" {
		t.Errorf("comment after the restart: %q", kept.Comment)
	}
}

func TestAReceiverThatIsNoWebhookIsRefusedAndNothingStaysOpen(t *testing.T) {
	_, err := StartAlertmanager(AlertmanagerOptions{Config: `
route: {receiver: people}
receivers: [{name: people, pushover_configs: [{user_key: a, token: b}]}]`})
	if err == nil || !strings.Contains(err.Error(), `receiver "people" is not only a webhook`) {
		t.Errorf("error: %v", err)
	}
}

func TestTheReceiverKeepsWhatItRefuses(t *testing.T) {
	am, people := startBoth(t, AlertmanagerOptions{})
	people.Answer(http.StatusServiceUnavailable)
	post(t, am.URL()+"/api/v2/alerts", []postedAlert{{Labels: model.LabelSet{"alertname": "Errors"}}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	retried := func(Message) bool { return len(people.Messages()) >= 2 }
	if _, err := people.Wait(ctx, retried); err != nil {
		t.Error(err)
	}
}
