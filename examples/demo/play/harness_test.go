// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// A Switch is an alert that fires while a series is above 0, so that a test can turn it on and off.
const (
	switchAlert = `
      - alert: Switch
        expr: switch > 0
        labels: {severity: page}
        annotations: {summary: 'Switch {{ $labels.name }} is on'}
`
	switchRule = `
  - name: a switch
    matchers: ['alertname="Switch"']
    target: {query: 'sum(rate(orders_total[30s]))'}
    breakdown: {labels: [region, channel]}
`
)

// hurried adapts the demo's files for tests: it adds a Switch, alerts fire at once, and groups are
// sent every second.
func hurried(name, text string) string {
	switch name {
	case "alerts.yml":
		return strings.ReplaceAll(text, "for: 30s", "for: 2s") + switchAlert
	case "culprit.yml":
		return text + switchRule
	default:
		return strings.NewReplacer("group_interval: 10s", "group_interval: 1s", "group_interval: 1m", "group_interval: 1s").Replace(text)
	}
}

// startTest starts a world without an imminent fault, unless the options say so.
func startTest(t *testing.T, change func(*options)) *world {
	t.Helper()
	o := options{
		fault: lab.Spike, faultAfter: time.Hour, format: "text", listen: "127.0.0.1:0", seed: 1,
		groupWait: 3 * time.Second, reconcile: 2 * time.Second, history: 3 * time.Hour, edit: hurried,
	}
	if change != nil {
		change(&o)
	}
	start := time.Now()
	w, err := startWorld(t.Context(), o, func(format string, args ...any) {
		t.Logf("%5.1fs  %s", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// startInside runs culprit in this process.
func startInside(t *testing.T, w *world) {
	t.Helper()
	// The daemon stops with the world, not with the test's context, which is done before clean-ups
	// run.
	if err := w.startCulprit(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// flip sets a switch.
func (w *world) flip(t *testing.T, name string, value float64) {
	t.Helper()
	app := w.prometheus.Appender(t.Context())
	if _, err := app.Append(0, labels.FromStrings(model.MetricNameLabel, "switch", "name", name), time.Now().UnixMilli(), value); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for something that must come.
func eventually[T any](t *testing.T, what string, look func(context.Context) (T, bool, error)) T {
	t.Helper()
	v, err := await(t.Context(), 2*time.Minute, what, look) // a report is retried after a minute
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// reportsOf waits until the reports of an alert, newest first, satisfy ok, and returns them.
func (w *world) reportsOf(t *testing.T, what, name string, ok func([]report.Report) bool) []report.Report {
	t.Helper()
	return eventually(t, what, func(ctx context.Context) ([]report.Report, bool, error) {
		list, err := w.reports(ctx, "alertname", name)
		return list, err == nil && ok(list), err
	})
}

// sentBy returns the outcomes of one sink's write-backs, newest last.
func sentBy(sent []report.Sent, sink string) (outcomes []report.Sent) {
	for _, s := range sent {
		if s.Sink == sink {
			outcomes = append(outcomes, s)
		}
	}
	return outcomes
}

// has reports whether an outcome has a status.
func has(sent []report.Sent, status string) bool {
	for _, s := range sent {
		if s.Status == status {
			return true
		}
	}
	return false
}

// annotated waits for culprit's annotations on an alert. A switch has no causes: then there is a
// summary and a report.
func (w *world) annotated(t *testing.T, name string) {
	t.Helper()
	eventually(t, "annotated alert", func(ctx context.Context) (struct{}, bool, error) {
		alerts, err := w.alerts(ctx, name)
		if len(alerts) != 1 {
			return struct{}{}, false, err
		}
		a := alerts[0].Annotations
		return struct{}{}, a[annotationSummary] != "" && a[annotationReport] != "", nil
	})
}
