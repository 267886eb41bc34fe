// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// recording replaces the Alertmanager by one whose event recorder posts to culprit. It returns the
// notifications of people.
func (w *world) recording(token string) (pages chan string) {
	w.t.Helper()
	pages = make(chan string, 100)
	pager := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		pages <- string(body)
	}))
	w.t.Cleanup(pager.Close)
	address := strings.TrimPrefix(w.alertmanager.URL(), "http://")
	w.must(w.alertmanager.Close())
	var err error
	w.alertmanager, err = lab.StartAlertmanager(lab.AlertmanagerOptions{Listen: address, Config: fmt.Sprintf(`
route: {receiver: pager, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: pager, webhook_configs: [{url: %q}]}]
inhibit_rules: [{name: node, source_matchers: ['alertname="NodeDown"'], target_matchers: ['alertname="ErrorsBelow"'], equal: [service]}]
event_recorder:
  webhook_outputs: [{url: "http://%s/api/v1/alertmanager/events", batch: true, http_config: {authorization: {credentials: %s}}}]
`, pager.URL, w.opt.ListenAddress, token)})
	w.must(err)
	w.t.Cleanup(func() { _ = w.alertmanager.Close() })
	return pages
}

// handled is what the report of an alert says about Alertmanager.
func (w *world) handled(alert string) []report.Handled {
	w.t.Helper()
	for _, r := range w.reports() {
		if r.Name() == alert {
			var whole report.Report
			w.get("/api/v1/reports/"+r.ID, &whole)
			return whole.Handled
		}
	}
	return nil
}

// A real Alertmanager silences one alert, inhibits another and sends a third, and each report says
// so. Posting the events changes no notification.
func TestWhatAlertmanagerDidIsShownInReports(t *testing.T) {
	w := newWorld(t, false)
	w.must(os.WriteFile(filepath.Join(filepath.Dir(w.opt.ConfigFile), "token"), []byte("s3cret\n"), 0o600))
	config, err := os.ReadFile(w.opt.ConfigFile)
	w.must(err)
	w.configure(string(config) + "alertmanager_events: {token_file: token}\n")
	w.must(w.daemon.Reload())
	pages := w.recording("s3cret")

	start := time.Now().Add(-time.Minute)
	w.silence("", "ErrorsQuiet", "ACK OPS-7\x1b[31m")
	w.post("NodeDown", start, true)
	w.post("ErrorsHigh", start, true)
	w.await("the source of the inhibition is sent", func() bool { return strings.Contains(<-pages, "NodeDown") })
	w.post("ErrorsQuiet", start, true)
	w.post("ErrorsBelow", start, true)

	w.await("a notification is told", func() bool {
		h := w.handled("ErrorsHigh")
		return len(h) == 1 && h[0].What == report.Notified && h[0].By == "pager (webhook)" && h[0].Times > 0 && h[0].First.After(start)
	})
	w.await("a silence is told", func() bool {
		h := w.handled("ErrorsQuiet")
		return len(h) == 1 && h[0].What == report.Silenced && h[0].By == "ann" && h[0].Comment == "ACK OPS-7 [31m" && h[0].Until.After(time.Now())
	})
	w.await("an inhibition is told, until it is looked at again", func() bool {
		return slices.ContainsFunc(w.handled("ErrorsBelow"), func(h report.Handled) bool { // it may have been sent before: the inhibitor learns by itself
			return h.What == report.Inhibited && h.By == "node" && h.Alert == "NodeDown" && h.Last.After(h.First)
		})
	})
	for alert, want := range map[string]string{"ErrorsHigh": "pager (webhook)", "ErrorsQuiet": "ACK OPS-7 [31m", "ErrorsBelow": "NodeDown"} {
		for _, r := range w.reports() {
			var page string
			if r.Name() == alert && (w.get("/reports/"+r.ID, &page) != http.StatusOK || !strings.Contains(page, "What Alertmanager did") || !strings.Contains(page, want)) {
				t.Errorf("the page of %s does not say %q", alert, want)
			}
			for _, c := range r.Result.Causes {
				if c.Change != nil {
					t.Errorf("%s has the cause %+v", alert, c)
				}
			}
		}
	}

	w.stop()
	w.start()
	if h := w.handled("ErrorsQuiet"); len(h) != 1 || h[0].What != report.Silenced {
		t.Errorf("after a restart: %+v", h)
	}
}

// Events are refused unless enabled, and without the token.
func TestEventsAreAcceptedOnlyFromPermittedSenders(t *testing.T) {
	d := lonely(t, func(opt *Options) {
		if err := os.WriteFile(filepath.Join(filepath.Dir(opt.ConfigFile), "token"), []byte("s3cret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	const path = "/api/v1/alertmanager/events"
	for _, c := range []struct {
		config, header string
		status         int
	}{
		{"", "X: y", http.StatusNotFound},
		{"alertmanager_events: {}", "X: y", http.StatusOK},
		{"alertmanager_events: {token_file: token}", "X: y", http.StatusUnauthorized},
		{"alertmanager_events: {token_file: token}", "Authorization: Bearer s3cret", http.StatusOK},
		{"alertmanager_events: {token_file: gone}", "Authorization: Bearer s3cret", http.StatusUnauthorized},
	} {
		reloaded(t, d, c.config)
		if status, _ := answered(t, d, http.MethodPost, path, "[]", "Content-Type: application/json", c.header); status != c.status {
			t.Errorf("%s, %s: %d", c.config, c.header, status)
		}
	}
	if status, _ := answered(t, d, http.MethodGet, path, ""); status != http.StatusMethodNotAllowed {
		t.Errorf("reading is answered %d", status)
	}
}
