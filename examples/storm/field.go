// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
)

//go:embed storm.yml
var configText string

// rules fire on every series of the storm as soon as it is 1.
const rules = `
groups:
  - name: storm
    interval: 1s
    rules:
      - alert: Storm
        expr: storm > 0
        labels: {severity: page}
        annotations: {summary: 'Alert {{ $labels.number }} of the storm is about {{ $labels.instance }}'}
`

// route groups the alerts. A group of several is sent once all of it fires.
const route = `
route: {receiver: culprit, group_by: [group], group_wait: %s, group_interval: 10s, repeat_interval: 4h}
receivers:
  - name: culprit
    webhook_configs: [{url: "http://%s/api/v1/webhook"}]
`

// field is the setting of the storm.
type field struct {
	prometheus   *lab.Prometheus
	alertmanager *lab.Alertmanager
	culprit      *lab.Process

	closers []func() error
}

// startField starts the servers, and culprit as a separate process.
func startField(ctx context.Context, o options, say func(string, ...any)) (_ *field, err error) {
	f := &field{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	dir, err := os.MkdirTemp("", "culprit-storm-")
	if err != nil {
		return nil, err
	}
	f.onClose(func() error { return os.RemoveAll(dir) })
	address, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if o.binary == "" {
		say("Compiling culprit")
		if o.binary, err = lab.BuildCulprit(ctx, dir); err != nil {
			return nil, err
		}
	}
	if f.alertmanager, err = lab.StartAlertmanager(lab.AlertmanagerOptions{Config: fmt.Sprintf(route, o.groupWait(), address)}); err != nil {
		return nil, err
	}
	f.onClose(f.alertmanager.Close)
	say("Writing a shop's history into Prometheus' database")
	if err := f.startPrometheus(ctx, o); err != nil {
		return nil, err
	}
	return f, f.startCulprit(ctx, o, dir, address)
}

// Close stops everything, the last started first.
func (f *field) Close() error {
	var errs []error
	for i := len(f.closers) - 1; i >= 0; i-- {
		errs = append(errs, f.closers[i]())
	}
	f.closers = nil
	return errors.Join(errs...)
}

func (f *field) onClose(stop func() error) { f.closers = append(f.closers, stop) }

// startPrometheus starts a Prometheus that watches a live shop.
func (f *field) startPrometheus(ctx context.Context, o options) (err error) {
	shop := lab.NewShop(o.seed)
	f.prometheus, err = lab.StartPrometheus(ctx, lab.PrometheusOptions{
		Rules: rules, Alertmanagers: []string{f.alertmanager.URL()},
		History: func(ctx context.Context, db storage.Appendable) error {
			return shop.Backfill(ctx, db, time.Now().Add(-o.history), time.Now(), 15*time.Second)
		},
	})
	if err != nil {
		return err
	}
	f.onClose(f.prometheus.Close)
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- shop.Run(ctx, f.prometheus, 5*time.Second) }()
	f.onClose(func() error {
		stop()
		return <-done
	})
	return nil
}

func (f *field) startCulprit(ctx context.Context, o options, dir, address string) (err error) {
	text := strings.NewReplacer(
		"http://localhost:9090", f.prometheus.URL(), "http://localhost:9093", f.alertmanager.URL(),
	).Replace(configText)
	file := filepath.Join(dir, "culprit.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	f.culprit, err = lab.StartProcess(ctx, lab.ProcessOptions{
		Binary: o.binary, ConfigFile: file, StoragePath: filepath.Join(dir, "data"), Listen: address,
		Args: []string{fmt.Sprintf("--workers=%d", o.workers), "--log.level=error"}, Log: os.Stderr,
	})
	if err != nil {
		return err
	}
	f.onClose(f.culprit.Stop)
	return f.awaitReady(ctx)
}

// awaitReady waits until culprit accepts alerts.
func (f *field) awaitReady(ctx context.Context) error {
	for deadline := time.Now().Add(answerTimeout); ; {
		err := get(ctx, f.culprit.URL()+"/-/ready", func(io.Reader) error { return nil })
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fire raises the series of the storm evenly over a time, and keeps them up until the context ends.
func (f *field) fire(ctx context.Context, o options) error {
	pods, err := f.pods(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		share := min(1, float64(time.Since(begin))/float64(o.within))
		if err := f.raise(ctx, pods, int(share*float64(o.alerts)), o.group); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// groupWait is Alertmanager's group_wait: until the last alert of a group fires.
func (o options) groupWait() time.Duration {
	if o.group == 1 {
		return 0
	}
	return o.within + 5*time.Second
}

// raise writes 1 for the first n series of the storm.
func (f *field) raise(ctx context.Context, pods []labels.Labels, n, group int) error {
	app := f.prometheus.Appender(ctx)
	now := time.Now().UnixMilli()
	for i := range n {
		pod := pods[i%len(pods)]
		series := labels.FromStrings(model.MetricNameLabel, "storm", "number", fmt.Sprint(i+1), "group", fmt.Sprint(i/group),
			"service", pod.Get("service"), "instance", pod.Get("instance"))
		if _, err := app.Append(0, series, now, 1); err != nil {
			return errors.Join(err, app.Rollback())
		}
	}
	return app.Commit()
}
