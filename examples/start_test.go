// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver"
)

// TestTheChartsDefaultWaitsForItsServers starts a daemon with the chart's default configuration
// before Prometheus and Alertmanager run. It stays up, says what it waits for, and is ready once
// they are.
func TestTheChartsDefaultWaitsForItsServers(t *testing.T) {
	prometheus, alertmanager := freeAddress(t), freeAddress(t)
	dir := t.TempDir()
	// Only the server names differ: this machine can't resolve the originals.
	text := strings.NewReplacer("prometheus-operated:9090", prometheus, "alertmanager-operated:9093", alertmanager).
		Replace(read(t, "../charts/testdata/config/defaults/culprit.yml"))
	write(t, filepath.Join(dir, "culprit.yml"), text)
	write(t, filepath.Join(dir, "default-rule.yml"), read(t, "../charts/testdata/config/defaults/default-rule.yml"))

	log := &logBuffer{}
	url := startDaemon(t, receiver.Options{
		ConfigFile: filepath.Join(dir, "culprit.yml"), StoragePath: filepath.Join(dir, "data"), ListenAddress: "127.0.0.1:0",
		Reconcile: 100 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	for _, want := range []string{"Prometheus at http://" + prometheus, "Alertmanager at http://" + alertmanager} {
		if code, body := get(t, url+"/-/ready"); code != http.StatusServiceUnavailable || !strings.Contains(body, want) {
			t.Errorf("/-/ready says %d %q and not that it waits for %s", code, body, want)
		}
	}
	eventually(t, "the log says that Prometheus does not answer", func() bool {
		return strings.Contains(log.String(), "Prometheus does not answer yet")
	})
	if code, _ := get(t, url+"/-/healthy"); code != http.StatusOK {
		t.Errorf("/-/healthy says %d", code)
	}

	p, err := lab.StartPrometheus(t.Context(), lab.PrometheusOptions{Listen: prometheus})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	am, err := lab.StartAlertmanager(lab.AlertmanagerOptions{Listen: alertmanager, Config: "route: {receiver: nobody}\nreceivers: [{name: nobody}]"})
	if err != nil {
		t.Fatal(err)
	}
	defer am.Close()
	eventually(t, "it is ready", func() bool {
		code, _ := get(t, url+"/-/ready")
		return code == http.StatusOK
	})
}

// startDaemon runs a daemon until the test ends and returns its address.
func startDaemon(t *testing.T, opt receiver.Options) string {
	t.Helper()
	d, err := receiver.New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	})
	return "http://" + d.Address().String()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never comes to pass that %s", what)
		}
	}
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
