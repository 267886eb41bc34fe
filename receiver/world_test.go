// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// world is a daemon between a real Prometheus with a broken shop and a real Alertmanager.
type world struct {
	t            *testing.T
	prometheus   *lab.Prometheus
	alertmanager *lab.Alertmanager
	daemon       *Daemon
	opt          Options
	stop         func()
}

const testRules = `
rules:
  - name: errors
    matchers: ['alertname=~"Errors.*"']
    target:
      query: sum(rate(errors_total{service="{{ .Labels.service }}"}[1m])) / sum(rate(requests_total{service="{{ .Labels.service }}"}[1m]))
    breakdown: {labels: [path, version]}
    candidates:
      - {name: connections, query: db_connections}
`

// newWorld starts Prometheus, Alertmanager and a daemon. routed means that Alertmanager routes
// alerts to culprit.
func newWorld(t *testing.T, routed bool) *world {
	t.Helper()
	w := &world{t: t}
	var err error
	w.prometheus, err = lab.StartPrometheus(t.Context(), lab.PrometheusOptions{History: brokenShop})
	w.must(err)
	t.Cleanup(func() { _ = w.prometheus.Close() })
	address, err := lab.FreeAddress("127.0.0.1:0")
	w.must(err)
	receiver := "nobody"
	if routed {
		receiver = "culprit"
	}
	w.alertmanager, err = lab.StartAlertmanager(lab.AlertmanagerOptions{Config: fmt.Sprintf(`
route: {receiver: %s, group_by: [service], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: nobody
  - name: culprit
    webhook_configs: [{url: "http://%s/api/v1/webhook"}]
`, receiver, address)})
	w.must(err)
	t.Cleanup(func() { _ = w.alertmanager.Close() })
	dir := t.TempDir()
	w.opt = Options{
		ConfigFile: filepath.Join(dir, "culprit.yml"), StoragePath: filepath.Join(dir, "data"),
		ListenAddress: address, Reconcile: 300 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}
	w.configure(fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q}]\n", w.prometheus.URL(), w.alertmanager.URL()) + testRules)
	w.start()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) configure(text string) {
	w.t.Helper()
	w.must(os.WriteFile(w.opt.ConfigFile, []byte(text), 0o600))
}

// start runs a daemon until the test ends or stopDaemon.
func (w *world) start() {
	w.t.Helper()
	w.opt.Registry = nil
	d, err := New(w.t.Context(), w.opt)
	w.must(err)
	w.daemon = d
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("the daemon ended with %v", err)
		}
		w.stop = func() {}
	}
	w.t.Cleanup(func() { w.stop() })
}

// brokenShop is an hour and a half of a shop in which /pay on version v2 began to fail two minutes
// ago, when its database ran out of connections.
func brokenShop(ctx context.Context, db storage.Appendable) error {
	const step = 15 * time.Second
	end := time.Now()
	app := db.Appender(ctx)
	totals := map[string]float64{}
	for at, i := end.Add(-90*time.Minute), 0; !at.After(end); at, i = at.Add(step), i+1 {
		broken := end.Sub(at) < 2*time.Minute
		for _, path := range []string{"/cart", "/pay", "/search"} {
			for _, version := range []string{"v1", "v2"} {
				rate, errors := 20+float64((i*7+len(path))%5), .01
				if broken && path == "/pay" && version == "v2" {
					errors = .4
				}
				for name, add := range map[string]float64{"requests_total": rate * 15, "errors_total": rate * 15 * errors} {
					ls := labels.FromStrings("__name__", name, "service", "shop", "path", path, "version", version)
					totals[ls.String()] += add
					if _, err := app.Append(0, ls, at.UnixMilli(), totals[ls.String()]); err != nil {
						return err
					}
				}
			}
		}
		for k, service := range []string{"shop", "mail", "stock"} {
			connections := 10 + float64((i*(3+k))%4)
			if service == "shop" && end.Sub(at) < 150*time.Second {
				connections = 90
			}
			ls := labels.FromStrings("__name__", "db_connections", "service", service)
			if _, err := app.Append(0, ls, at.UnixMilli(), connections); err != nil {
				return err
			}
		}
	}
	return app.Commit()
}

// post posts an alert like Prometheus, with an immediate end if firing is false.
func (w *world) post(name string, start time.Time, firing bool) {
	w.t.Helper()
	w.postOf("", name, start, firing)
}

// postOf is post with the alert's expression.
func (w *world) postOf(expr, name string, start time.Time, firing bool) {
	w.t.Helper()
	end := time.Now().Add(5 * time.Minute)
	if !firing {
		end = time.Now()
	}
	body, err := json.Marshal([]map[string]any{{
		"labels": map[string]string{"alertname": name, "service": "shop"}, "annotations": map[string]string{"summary": "errors"},
		"startsAt": start, "endsAt": end,
		"generatorURL": "http://prometheus.example.org/graph?" + url.Values{"g0.expr": {expr}}.Encode(),
	}})
	w.must(err)
	resp, err := http.Post(w.alertmanager.URL()+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		w.t.Fatalf("posting an alert: %s %s", resp.Status, text)
	}
}

// get reads a path of the daemon.
func (w *world) get(path string, into any) int {
	w.t.Helper()
	return w.read(w.daemon.URL()+path, into)
}

func (w *world) read(url string, into any) int {
	w.t.Helper()
	resp, err := http.Get(url)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	w.must(err)
	if text, ok := into.(*string); ok {
		*text = string(body)
	} else if into != nil && resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, into); err != nil {
			w.t.Fatalf("%s: %v in %s", url, err, body)
		}
	}
	return resp.StatusCode
}

// reports lists the reports, newest first.
func (w *world) reports() []report.Report {
	w.t.Helper()
	var list []report.Report
	w.get("/api/v1/reports", &list)
	return list
}

// await waits until a fact holds.
func (w *world) await(fact string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("this did not come to be: %s", fact)
		}
	}
}

// annotation is an annotation of an alert in Alertmanager.
func (w *world) annotation(alert, name string) string {
	w.t.Helper()
	var alerts []struct {
		Labels, Annotations map[string]string
	}
	w.read(w.alertmanager.URL()+"/api/v2/alerts", &alerts)
	for _, a := range alerts {
		if a.Labels["alertname"] == alert {
			return a.Annotations[name]
		}
	}
	return ""
}

// metric is the value of a line of /metrics, such as `culprit_incidents_open`.
func (w *world) metric(line string) string {
	w.t.Helper()
	var text string
	w.get("/metrics", &text)
	for _, l := range strings.Split(text, "\n") {
		if value, ok := strings.CutPrefix(l, line+" "); ok {
			return value
		}
	}
	return ""
}
