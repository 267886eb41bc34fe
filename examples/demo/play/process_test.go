// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// log keeps the output of a process.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startOutside runs culprit as a separate process with the world's storage. For the first hour it
// reconciles only once, at its start.
func startOutside(t *testing.T, w *world, binary string, prefix ...string) *lab.Process {
	t.Helper()
	l := &log{}
	p, err := lab.StartProcess(t.Context(), lab.ProcessOptions{
		Binary: binary, ConfigFile: w.configFile(), StoragePath: filepath.Join(w.dir, "data"), Listen: w.culpritAddress,
		Args: []string{"--reconcile.interval=1h"}, Prefix: prefix, Log: l,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, l)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil && p.Running() {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("culprit said:\n%s", l)
		}
	})
	return p
}

// metric returns the sum of one of culprit's metrics over the series that have
// a label; pairs are its name and value.
func (w *world) metric(ctx context.Context, name string, pairs ...string) (float64, error) {
	text, err := fetch(ctx, http.MethodGet, w.culpritURL()+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, m := range families[name].GetMetric() {
		matches := len(pairs) == 0
		for _, l := range m.GetLabel() {
			matches = matches || l.GetName() == pairs[0] && l.GetValue() == pairs[1]
		}
		if matches {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum, nil
}

// buildCulprit compiles culprit for one test.
func buildCulprit(t *testing.T) string {
	t.Helper()
	binary, err := lab.BuildCulprit(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// Alerts arrive while Prometheus hangs, culprit is killed, and restarted with the same files: every
// alert has one report.
func TestAKillBetweenIntakeAndReportLosesNothing(t *testing.T) {
	t.Parallel()
	const alerts = 12
	w := startTest(t, nil)
	binary := buildCulprit(t)
	g := w.behind(t, &w.prometheusURL)
	g.Hold()
	p := startOutside(t, w, binary)
	for i := range alerts {
		w.flip(t, fmt.Sprint(i), 1)
	}
	eventually(t, "alert in the queue", func(ctx context.Context) (float64, bool, error) {
		n, err := w.metric(ctx, "culprit_alerts_total")
		return n, n >= alerts, err
	})
	if list, err := w.reports(t.Context(), "alertname", "Switch"); err != nil || len(list) > 0 {
		t.Fatalf("%d reports before the kill, %v: it comes too late to prove anything", len(list), err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	g.Pass()
	startOutside(t, w, binary)
	list := w.reportsOf(t, "report of every alert", "Switch", func(list []report.Report) bool { return len(list) >= alerts })
	seen := map[string]bool{}
	for _, r := range list {
		if seen[r.Alert.Fingerprint] {
			t.Errorf("the alert %s has two reports", r.Alert.Labels)
		}
		seen[r.Alert.Fingerprint] = true
	}
	if len(seen) != alerts {
		t.Errorf("%d alerts have a report, want %d", len(seen), alerts)
	}
}
