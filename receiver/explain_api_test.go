// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// ask posts a question to the daemon.
func (w *world) ask(body string) (int, string) {
	w.t.Helper()
	resp, err := http.Post(w.daemon.URL()+"/api/v1/explain", "application/json", strings.NewReader(body))
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp.StatusCode, string(text)
}

func TestAnExpressionIsExplainedOnRequest(t *testing.T) {
	w := newWorld(t, false)
	code, text := w.ask(`{"expr": "sum(rate(errors_total[1m])) > 3"}`)
	var r report.Report
	if err := json.Unmarshal([]byte(text), &r); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	if r.Result.Verdict != analysis.Explained || r.Result.Causes[0].Labels[0]["path"] != "/pay" {
		t.Errorf("%s %v", r.Summary, r.Result.Warnings)
	}
	if n := len(w.reports()); n != 0 {
		t.Errorf("%d reports are stored", n)
	}
}

func TestQuestionsThatCanNotBeAnswered(t *testing.T) {
	w := newWorld(t, false)
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{`labels`, 400, "the body must be JSON"},
		{`{"label": {}}`, 400, "unknown field"},
		{`{}`, 400, "names neither an alert nor an expression"},
		{`{"expr": "sum("}`, 400, "can't be read"},
		{`{"expr": "up", "at": "soon"}`, 400, "is not a time"},
		{`{"expr": "up", "at": "1h", "until": "2h"}`, 400, "before it begins"},
		{`{"labels": {"alertname": "A"}}`, 404, "no alert is active"},
		{`{"labels": {"alertname": "A"}, "at": "1h"}`, 404, "none that fits was firing"},
		{`{"labels": {"alertname": "A"}} }`, 400, "there is more after it"},
		{`{"expr": "up", "at": true}`, 400, "true is not a time"},
		{`{"expr": "up", "until": 600}`, 400, "it ends at 1970-01-01T00:10:00Z and has no beginning"},
		{`{"expr": "` + strings.Repeat("x", maxAskBytes) + `"}`, 413, "too large"},
	} {
		code, text := w.ask(c.body)
		var body struct{ Error string }
		if err := json.Unmarshal([]byte(text), &body); err != nil || code != c.code || !strings.Contains(body.Error, c.want) {
			t.Errorf("%.60s: %d %s", c.body, code, text)
		}
	}
	w.configure("prometheus: {url: 'http://127.0.0.1:1'}\nalertmanagers: [{url: 'http://127.0.0.1:1'}]\n" + testRules)
	w.must(w.daemon.Reload())
	if code, text := w.ask(`{"labels": {"alertname": "A"}}`); code != http.StatusBadGateway || !strings.Contains(text, "does not answer") {
		t.Errorf("with Prometheus down: %d %s", code, text)
	}
	resp, err := http.Get(w.daemon.URL() + "/api/v1/explain")
	w.must(err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET answers %s, Allow: %s", resp.Status, resp.Header.Get("Allow"))
	}
}

func TestQuestionsAreFewAndEndWithTheirRequest(t *testing.T) {
	w := newWorld(t, false)
	asked, released := make(chan struct{}, 10), make(chan struct{}, 10)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // so that the server sees the client disconnect
		if strings.Contains(string(body), "vector") {
			return // the daemon's own check whether Prometheus is up
		}
		asked <- struct{}{}
		<-r.Context().Done()
		released <- struct{}{}
	}))
	t.Cleanup(slow.Close)
	w.configure("prometheus: {url: '" + slow.URL + "'}\nalertmanagers: [{url: 'http://127.0.0.1:1'}]\n" + testRules)
	w.must(w.daemon.Reload())

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{}, maxAsking)
	for range maxAsking {
		go func() {
			defer func() { done <- struct{}{} }()
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, w.daemon.URL()+"/api/v1/explain", strings.NewReader(`{"expr": "up"}`))
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		}()
	}
	for range maxAsking {
		<-asked
	}
	if code, text := w.ask(`{"expr": "up"}`); code != http.StatusServiceUnavailable {
		t.Errorf("one question more: %d %s", code, text)
	}
	cancel()
	for range maxAsking {
		<-done
		select {
		case <-released:
		case <-time.After(5 * time.Second):
			t.Fatal("Prometheus is still being asked after the client has gone")
		}
	}
}

func TestTheConfigurationSaysWhatMayBeAsked(t *testing.T) {
	w := newWorld(t, false)
	servers := fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q}]\n", w.prometheus.URL(), w.alertmanager.URL())
	for text, want := range map[string]string{
		"expressions: {from_api: never}\n":       "expressions.from_api is never",
		"expressions: {from_api: known_rules}\n": "no alerting rule of Prometheus has this expression",
		"explain_api: {enabled: false}\n":        "explain_api is switched off",
	} {
		w.configure(servers + text + testRules)
		w.must(w.daemon.Reload())
		if code, said := w.ask(`{"expr": "sum(rate(errors_total[1m])) > 3"}`); code != http.StatusForbidden || !strings.Contains(said, want) {
			t.Errorf("%s: %d %s", text, code, said)
		}
	}
}

// Clocks differ: an alert that begins in four minutes is explained now, with its history.
func TestAnAlertMayBeginInTheFuture(t *testing.T) {
	w := newWorld(t, true)
	start := time.Now().Add(4 * time.Minute)
	w.post("ErrorsHigh", start, true)
	w.await("a report", func() bool { return len(w.reports()) == 1 })
	told := w.reports()[0]
	cfg, err := LoadConfig(w.opt.ConfigFile)
	w.must(err)
	fetcher, err := promql.NewFetcher(cfg.Prometheus[0], nil)
	w.must(err)
	asked := explain.Report(t.Context(), fetcher, explain.QuestionOf(cfg, find.Subject{Alert: told.Alert, Onset: start, Now: time.Now()}))
	for what, r := range map[string]report.Report{"the report": told, "asked by hand": asked} {
		if r.Onset.After(time.Now()) || r.Result.Verdict != analysis.Explained {
			t.Errorf("%s: onset %s, %s", what, r.Onset, r.Summary)
		}
		said := false
		for _, warning := range r.Result.Warnings {
			said = said || warning.Source == "onset" && strings.Contains(warning.Text, "from now, and is taken to begin now")
		}
		if !said {
			t.Errorf("%s: %v", what, r.Result.Warnings)
		}
	}
}
