// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/broker"
)

// alone are the options of a daemon without servers.
func alone(t *testing.T) Options {
	t.Helper()
	dir := t.TempDir()
	opt := Options{
		ConfigFile: filepath.Join(dir, "culprit.yml"), StoragePath: filepath.Join(dir, "data"),
		ListenAddress: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
	}
	text := "prometheus: {url: 'http://127.0.0.1:1'}\nalertmanagers: [{url: 'http://127.0.0.1:1'}]\n"
	if err := os.WriteFile(opt.ConfigFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return opt
}

// ask makes a request and returns status and body; 0 if nobody answers.
func ask(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAReplicaThatWaitsForOthersAnswers(t *testing.T) {
	opt := alone(t)
	cluster := &broker.ClusterOptions{Replicas: 3, Node: "a", Secret: strings.Repeat("s", broker.MinSecret)}
	for range 3 {
		peer, err := lab.FreeAddress("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cluster.Listen = peer
		cluster.Routes = append(cluster.Routes, "nats://"+peer)
	}
	address, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opt.Cluster, opt.ListenAddress, opt.ExternalURL = cluster, address, "http://culprit.example.org/why"
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := New(ctx, opt)
		ended <- err
	}()

	base := "http://" + address
	w := &world{t: t}
	w.await("it says what it waits for", func() bool {
		code, text := ask(t, http.MethodGet, base+"/-/ready")
		return code == http.StatusServiceUnavailable && strings.Contains(text, "waits for the work queue: 1 of 3 nodes are connected")
	})
	for request, want := range map[string]int{
		"GET /-/healthy": 200, "GET /why/-/healthy": 200, "GET /metrics": 200,
		"GET /why/-/ready": 503, "POST /api/v1/webhook": 503, "GET /reports": 503, "POST /-/reload": 503,
	} {
		method, path, _ := strings.Cut(request, " ")
		if code, text := ask(t, method, base+path); code != want {
			t.Errorf("%s: %d %s, want %d", request, code, text, want)
		}
	}
	cancel()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "the work queue is not ready") {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits on after it was asked to end")
	}
	if code, _ := ask(t, http.MethodGet, base+"/-/healthy"); code != 0 {
		t.Errorf("it still answers %d", code)
	}
}

func TestAClosedBrokerMakesTheDaemonUnhealthy(t *testing.T) {
	d, err := New(t.Context(), alone(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}()
	if code, text := ask(t, http.MethodGet, d.URL()+"/-/healthy"); code != http.StatusOK {
		t.Fatalf("healthy answers %d %s", code, text)
	}
	if err := d.broker.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		if code, text := ask(t, http.MethodGet, d.URL()+path); code != http.StatusServiceUnavailable || !strings.Contains(text, "the broker is closed") {
			t.Errorf("%s answers %d %s", path, code, text)
		}
	}
}

// A key of the broker is part of a protocol line, and a line that was too long used to close the
// connection for good.
func TestNoRequestEndsTheConnectionToTheBroker(t *testing.T) {
	w := newWorld(t, true)
	for _, id := range []string{strings.Repeat("x", 4060), strings.Repeat("!", 1400), strings.Repeat("%00", 1000), "..%2f..", "%ff"} {
		for _, path := range []string{"/reports/", "/a/", "/incidents/", "/api/v1/reports/", "/api/v1/incidents/"} {
			if code, text := ask(t, http.MethodGet, w.daemon.URL()+path+id); code < 400 || code >= 500 {
				t.Errorf("%s%.20s…: %d %.200s", path, id, code, text)
			}
		}
	}
	w.post("ErrorsHigh", time.Now(), true) // too young for the reconcile loop: the webhook must take it
	w.await("a report is made", func() bool { return len(w.reports()) == 1 })
	if got := w.metric(`culprit_notifications_total{outcome="unavailable"}`); got != "" {
		t.Errorf("%s messages were refused", got)
	}
	if code := w.get("/-/healthy", nil); code != http.StatusOK {
		t.Errorf("healthy answers %d", code)
	}
}

// The mistake is reported before anything is opened.
func TestABadWebConfigurationEndsTheStart(t *testing.T) {
	for text, want := range map[string]string{"": "no such file", "tls_server_config: {cert_file: none, key_file: none}\n": "none", "users: {}\n": "users"} {
		opt := alone(t)
		file, addresses, socket := filepath.Join(t.TempDir(), "web.yml"), []string{"127.0.0.1:0"}, false
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		opt.Web = &web.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &socket, WebConfigFile: &file}
		_, err := New(t.Context(), opt)
		if err == nil || !strings.HasPrefix(err.Error(), "--web.config.file "+file+" can't be used: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
		if list, _ := os.ReadDir(opt.StoragePath); len(list) > 0 {
			t.Errorf("%q: the storage was opened: %v", text, list)
		}
	}
}
