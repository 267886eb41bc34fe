// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"fmt"
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

	"github.com/culprit-dev/culprit/client"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver"
)

// address is that of a culprit beside a real Prometheus with a broken shop in it. It has
// explained one alert.
var address string

// errorsByPath is the expression of that alert.
const errorsByPath = "sum(rate(errors_total[1m])) > 3"

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		code = 1
	}
	os.Exit(code)
}

// run starts culprit, runs the tests, and stops it.
func run(m *testing.M) (int, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	prometheus, err := lab.StartPrometheus(ctx, lab.PrometheusOptions{History: brokenShop})
	if err != nil {
		return 0, err
	}
	defer prometheus.Close()
	dir, err := os.MkdirTemp("", "client")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	daemon, err := newDaemon(ctx, dir, fmt.Sprintf("prometheus: {url: %q}\n", prometheus.URL()), nil)
	if err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- daemon.Run(ctx) }()
	address = daemon.URL()
	code := 1
	if err = explained(ctx); err == nil {
		code = m.Run()
	}
	cancel()
	<-done
	return code, err
}

func newDaemon(ctx context.Context, dir, config string, change func(*receiver.Options)) (*receiver.Daemon, error) {
	opt := receiver.Options{
		ConfigFile: filepath.Join(dir, "culprit.yml"), StoragePath: filepath.Join(dir, "data"), ListenAddress: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&opt)
	}
	if err := os.WriteFile(opt.ConfigFile, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return receiver.New(ctx, opt)
}

// explained posts an alert as Alertmanager does, and waits for its report.
func explained(ctx context.Context) error {
	message := fmt.Sprintf(`{"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "culprit", "groupLabels": {}, "alerts": [{
		"status": "firing", "labels": {"alertname": "ErrorsHigh", "service": "shop"}, "annotations": {}, "startsAt": %q,
		"endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus/graph?%s", "fingerprint": "0123456789abcdef"}]}`,
		time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), url.Values{"g0.expr": {errorsByPath}}.Encode())
	resp, err := http.Post(address+"/api/v1/webhook", "application/json", strings.NewReader(message))
	if err != nil {
		return err
	}
	resp.Body.Close()
	c, err := client.New(address, client.Options{})
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, err := range c.Reports(ctx, client.ReportFilter{}) {
			return err
		}
	}
	return fmt.Errorf("the webhook answered %s, and there is no report", resp.Status)
}

// brokenShop is an hour of a shop in which /pay began to fail two minutes ago.
func brokenShop(ctx context.Context, db storage.Appendable) error {
	const step = 15 * time.Second
	end := time.Now()
	app := db.Appender(ctx)
	totals := map[string]float64{}
	for at, i := end.Add(-time.Hour), 0; !at.After(end); at, i = at.Add(step), i+1 {
		for _, path := range []string{"/cart", "/pay", "/search"} {
			rate := .2 + float64((i*7+len(path))%5)/50
			if path == "/pay" && end.Sub(at) < 2*time.Minute {
				rate = 8
			}
			totals[path] += rate * step.Seconds()
			if _, err := app.Append(0, labels.FromStrings("__name__", "errors_total", "service", "shop", "path", path), at.UnixMilli(), totals[path]); err != nil {
				return err
			}
		}
	}
	return app.Commit()
}
