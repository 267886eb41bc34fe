// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// canary is in every secret of the configuration.
const canary = "c4n4ry"

// secrets is a configuration with a canary in every secret; %s is the address of all servers
// without scheme, %[2]s the directory of the files.
const secrets = `
prometheus:
  url: %[3]s://c4n4ry@%[1]s/prom?token=c4n4ry
  query_timeout: 2s
  headers: {X-Scope-OrgID: c4n4ry}
  http_config:
    basic_auth: {username_file: %[2]s/user, password_file: %[2]s/password}
    http_headers:
      X-Token: {secrets: [c4n4ry]}
      X-Plain: {values: [c4n4ry]}
      X-File: {files: [%[2]s/header]}
alertmanagers:
  - url: %[3]s://c4n4ry@%[1]s/am?token=c4n4ry
    http_config: {authorization: {credentials: c4n4ry}}
grafana:
  url: %[3]s://%[1]s/grafana?token=c4n4ry
  http_config: {oauth2: {client_id: culprit, client_secret: c4n4ry, token_url: "%[3]s://%[1]s/token?key=c4n4ry", endpoint_params: {password: c4n4ry}}}
recovery_webhooks:
  - url: %[3]s://c4n4ry@%[1]s/services/c4n4ry?key=c4n4ry
    secret_file: %[2]s/hook
    http_config: {authorization: {credentials_file: %[2]s/credentials}}
changes: {token_file: %[2]s/credentials, grafana: {}}
`

// output collects everything that a daemon says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// TestNoSecretIsRevealed plants secrets everywhere in a configuration, makes every server fail in every
// way, and looks for them in everything that the daemon says.
func TestNoSecretIsRevealed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request went on to another server: %s %v", r.URL, r.Header)
	}))
	t.Cleanup(elsewhere.Close)
	hanging := make(chan struct{})
	down := httptest.NewServer(nil)
	down.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(secure.Close)
	serve := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	for name, address := range map[string]string{
		"refused":  serve(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }),
		"down":     down.URL,
		"redirect": serve(http.RedirectHandler(elsewhere.URL+"/c4n4ry?c4n4ry", http.StatusTemporaryRedirect).ServeHTTP),
		"tls":      secure.URL,
		"hanging": serve(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-hanging:
			}
		}),
		"echoing": serve(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			user, password, _ := r.BasicAuth()
			fmt.Fprintln(w, r.RequestURI, r.Header, user, password)
			_, _ = io.Copy(w, r.Body)
		}),
		"garbage": serve(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }),
	} {
		t.Run(name, func(t *testing.T) { lookForSecrets(t, address) })
	}
	close(hanging)
}

func lookForSecrets(t *testing.T, address string) {
	dir, said := t.TempDir(), &output{}
	for _, file := range []string{"user", "password", "header", "hook", "credentials"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(canary+canary), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, opt: Options{
		ConfigFile: filepath.Join(dir, "culprit.yml"), StoragePath: filepath.Join(dir, "data"), ListenAddress: "127.0.0.1:0",
		Reconcile: 200 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}}
	scheme, host, _ := strings.Cut(address, "://")
	text := fmt.Sprintf(secrets, host, dir, scheme)
	w.configure(text)
	w.start()
	alert := `{"version":"4","groupKey":"g","status":"firing","receiver":"culprit","groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am","alerts":[` +
		`{"status":"firing","labels":{"alertname":"A"},"annotations":{},"startsAt":"` + time.Now().Add(-time.Minute).UTC().Format(time.RFC3339) +
		`","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/graph?g0.expr=up+%3D%3D+0","fingerprint":"0123456789abcdef"}]}`
	tell(t, said, http.MethodPost, w.daemon.URL()+"/api/v1/webhook", alert)
	var id string
	comesTrue(t, func() bool {
		for _, r := range w.daemon.store.openRecords() {
			id = r.Report.ID
		}
		return id != ""
	})
	comesTrue(t, func() bool { return strings.Contains(said.text(), "webhook") })
	w.configure(strings.Replace(text, dir+"/hook", dir+"/gone", 1)) // the file's directory is not secret
	for _, path := range []string{"/", "/incidents", "/reports", "/reports/" + id, "/api/v1/reports", "/api/v1/reports/" + id, "/api/v1/incidents", "/api/v1/changes", "/changes", "/cases", "/metrics", "/-/ready"} {
		tell(t, said, http.MethodGet, w.daemon.URL()+path, "")
	}
	tell(t, said, http.MethodPost, w.daemon.URL()+"/-/reload", "")
	tell(t, said, http.MethodPost, w.daemon.URL()+"/api/v1/explain", `{"expr":"up == 0"}`)
	tell(t, said, http.MethodPost, w.daemon.URL()+"/api/v1/changes", `{"title":"without the token"}`)
	w.stop()
	all := said.text()
	if !strings.Contains(all, dir+"/gone") {
		t.Error("the reload said nothing of the missing file")
	}
	for _, line := range strings.Split(all, "\n") {
		if strings.Contains(line, canary) {
			t.Errorf("a secret was told: %.1000s", line)
		}
	}
}

// tell writes an endpoint's answer to out.
func tell(t *testing.T, out io.Writer, method, address, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Fprintln(out, address, resp.Status, resp.Header)
	_, _ = io.Copy(out, resp.Body)
	fmt.Fprintln(out)
}

// comesTrue waits until something holds.
func comesTrue(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come true")
		}
	}
}
