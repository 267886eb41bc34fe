// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// lonely starts a daemon whose Prometheus doesn't answer, and without an Alertmanager. It runs
// until the test ends.
func lonely(t testing.TB, change func(*Options)) *Daemon {
	t.Helper()
	dir := t.TempDir()
	opt := Options{
		ConfigFile: filepath.Join(dir, "culprit.yml"), StoragePath: filepath.Join(dir, "data"),
		ListenAddress: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
	}
	configured("")(&opt)
	if change != nil {
		change(&opt)
	}
	d, err := New(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the daemon ended with %v", err)
		}
	})
	return d
}

// configured writes a configuration with an unreachable Prometheus, plus some lines.
func configured(lines string) func(*Options) {
	return func(opt *Options) {
		text := "prometheus: {url: 'http://127.0.0.1:1'}\n" + lines + "\n"
		if err := os.WriteFile(opt.ConfigFile, []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
}

// reloaded reloads a daemon with the configuration of [configured].
func reloaded(t testing.TB, d *Daemon, lines string) {
	t.Helper()
	configured(lines)(&d.opt)
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
}

// message is a webhook body with one alert.
func message(name string) string {
	return fmt.Sprintf(`{"version":"4","groupKey":"g","receiver":"culprit","alerts":[
		{"status":"firing","labels":{"alertname":%q},"startsAt":"2026-01-02T03:04:05Z"}]}`, name)
}

// takesAlerts posts an alert like Alertmanager.
func takesAlerts(t testing.TB, d *Daemon, name string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	resp, err := client.Post("http://"+d.Address().String()+"/api/v1/webhook", "application/json", strings.NewReader(message(name)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusAccepted {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("an alert is answered %d %.300s", resp.StatusCode, text)
	}
}

// request is a raw request.
type request struct{ method, path, headers, body string }

// send sends it on a connection of its own, and returns the status, or 0 if the daemon hangs up. It
// adds a missing Content-Length.
func (r request) send(t testing.TB, d *Daemon) int {
	t.Helper()
	conn, err := net.Dial("tcp", d.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	head := r.method + " " + r.path + " HTTP/1.1\r\nHost: culprit\r\nConnection: close\r\n" + r.headers
	if lower := strings.ToLower(r.headers); !strings.Contains(lower, "content-length") && !strings.Contains(lower, "transfer-encoding") {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(r.body))
	}
	go func() {
		_, _ = io.WriteString(conn, head+"\r\n"+r.body) // the daemon may hang up early
		_ = conn.(*net.TCPConn).CloseWrite()            // nothing more will come
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("no answer to %.80q", head)
		}
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// nasty returns requests that no honest client sends.
func nasty() []request {
	var list []request
	for _, path := range []string{
		"/reports/" + strings.Repeat("a", 4060), "/reports/" + strings.Repeat("!", 1400), "/incidents/" + strings.Repeat("!", 1400),
		"/a/" + strings.Repeat("!", 1400), "/api/v1/reports/" + strings.Repeat("%ff", 1400), "/api/v1/incidents/%00", "/reports/%2e%2e%2f%2e%2e", "/reports/a%2fb",
		"/reports/*", "/reports/%3e", "/reports/a.b.>", "/a/%0d%0aSet-Cookie:x", "//evil.example.org/%2e%2e", "/../../etc/passwd", "/static/..%2ftemplates%2fframe.html",
		"/static/copy.js", "/metrics", "/-/ready", "/-/healthy", "/?limit=99999999999999999999", "/?open=maybe", "/?match=" + strings.Repeat("a", 60000),
		"/?match=a=~%22" + strings.Repeat(".{1000}", 300) + "%22", "/?match=a=~%22((((a%2B)%2B)%2B)%2B)%22", "/?%zz", "/?match=%00", "*", "http://other.example.org/", "", "/%", "/" + strings.Repeat("x/", 30000),
		"/api/v1/reports?" + strings.Repeat("match=a&", 5000), "/api/v1/webhook", "/-/reload", "/api/v1/explain", "/changes", "/changes?after=1.a&from=0&to=x", "/api/v1/changes?after=-9223372036854775809.x", "/api/v1/changes?from=1e300", "/" + strings.Repeat("%2f", 9000),
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			list = append(list, request{method, path, "", ""})
		}
	}
	for _, headers := range []string{
		"X: " + strings.Repeat("x", 200<<10) + "\r\n", strings.Repeat("X: y\r\n", 5000), "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
		"Content-Length: -1\r\n", "Content-Length: 99999999999999\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Expect: 100-continue\r\n", "Expect: tea\r\n",
		"Sec-Fetch-Site: cross-site\r\n", "Origin: null\r\n", "Content-Encoding: gzip\r\n", "Content-Type: text/plain\r\n", "Content-Type: ;;;\r\n", "Host: two\r\n", "X\x00: y\r\n", " folded\r\n",
		"Range: bytes=0-0,0-0,0-0\r\n", "Accept-Encoding: gzip;q=nan\r\n", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
	} {
		list = append(list, request{"POST", "/api/v1/webhook", headers, message("Header")}, request{"GET", "/static/copy.js", headers, ""}, request{"POST", "/-/reload", headers, ""})
	}
	alert := `{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-01-02T03:04:05Z"}`
	for _, body := range []string{
		"", "{", "null", "[]", `"4"`, strings.Repeat("[", 1<<20), strings.Repeat(`{"a":`, 1<<18), `{"version":"4","alerts":[]}`, "\x1f\x8b\x08\x00", "\xff\xfe{",
		`{"version":"4","alerts":[` + strings.Replace(alert, "2026", "9999", 1) + `]}`, `{"version":"4","alerts":[` + strings.Replace(alert, "2026", "0001", 1) + `]}`,
		`{"version":"4","groupKey":"` + strings.Repeat("k", 1<<20) + `","alerts":[` + alert + `]}`, `{"version":"4","alerts":[` + strings.Replace(alert, `"A"`, `"`+strings.Repeat("A", 2<<20)+`"`, 1) + `]}`,
		`{"version":"4","alerts":[` + strings.Replace(alert, `"A"`, `"\u0000\ud800\u202e"`, 1) + `]}`, `{"version":"4","truncatedAlerts":18446744073709551615,"alerts":[` + alert + `]}`,
		`{"version":"4","alerts":[` + strings.Replace(alert, `"labels"`, `"generatorURL":"http://x/graph?g0.expr=`+strings.Repeat("(", 20000)+`","labels"`, 1) + `]}`,
		`{"version":"4","alerts":[` + strings.Replace(alert, `{"alertname":"A"}`, `{"":"","a b\n":"x","__name__":"y"}`, 1) + `]}`,
		strings.Repeat("x", 17<<20), `{"labels":{"alertname":"A"}}`, `{"expr":"` + strings.Repeat("(", 5000) + `"}`, `{"expr":"up[5m:1ms]","at":1e300}`, `{"expr":"up","at":"-9999999h","until":"1"}`,
	} {
		list = append(list, request{"POST", "/api/v1/webhook", "", body}, request{"POST", "/api/v1/explain", "", body}, request{"POST", "/api/v1/changes", "", body}, request{"POST", "/api/v1/changes?format=flux", "", body},
			request{"POST", "/reports/aaaaaaaaaaaaaaaa/feedback", "", body}, request{"POST", "/api/v1/reports/aaaaaaaaaaaaaaaa/feedback", "", body})
	}
	return append(list, request{"PUT", "/-/reload", "", ""}, request{"PRI", "*", "", ""}, request{"CONNECT", "culprit:9798", "", ""}, request{"TRACE", "/", "", ""},
		request{"DELETE", "/api/v1/reports/aaaaaaaaaaaaaaaa", "", ""}, request{"\x00", "/", "", ""}, request{"GET", "/ HTTP/1.1\r\nX:", "", ""}, request{"POST", "/metrics", "", "x"})
}

// documented reports whether a status of 500 or more is in the documentation: the queue or the
// readers' share is full, and explain's errors about Prometheus.
func documented(r request, status int) bool {
	return status < 500 || status == http.StatusServiceUnavailable ||
		strings.Contains(r.path, "explain") && slices.Contains([]int{http.StatusBadGateway, http.StatusGatewayTimeout}, status) ||
		r.headers != "" && status == http.StatusNotImplemented // an unknown transfer encoding
}

// Whatever comes over HTTP, the daemon takes an alert afterwards, in bounded memory.
func FuzzHTTP(f *testing.F) {
	for _, r := range nasty() {
		f.Add(r.method, r.path, r.headers, r.body)
	}
	d := lonely(f, nil)
	takesAlerts(f, d, "Before")
	f.Fuzz(func(t *testing.T, method, path, headers, body string) {
		r := request{method, path, headers, body}
		if status := r.send(t, d); !documented(r, status) {
			t.Errorf("%.40q %.80q with %.80q and %.80q is answered %d", method, path, headers, body, status)
		}
		takesAlerts(t, d, "After")
		var memory runtime.MemStats
		if runtime.ReadMemStats(&memory); memory.HeapAlloc > 1<<30 {
			t.Errorf("%d MB are in use", memory.HeapAlloc>>20)
		}
	})
}

// After all of them an alert is not only accepted but explained.
func TestAfterEveryNastyRequestAnAlertIsExplained(t *testing.T) {
	d := lonely(t, func(opt *Options) { opt.ExternalURL = "http://culprit.example.org/below/a" })
	for _, r := range nasty() {
		for _, prefix := range []string{"", "/below/a"} {
			r.path = prefix + r.path
			if status := r.send(t, d); !documented(r, status) {
				t.Errorf("%.40q %.80q with %.80q and %.80q is answered %d", r.method, r.path, r.headers, r.body, status)
			}
		}
	}
	takesAlerts(t, d, "Last")
	var list []report.Report
	for deadline := time.Now().Add(time.Minute); len(list) == 0; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + d.Address().String() + "/api/v1/reports?alertname=Last")
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(resp.Body).Decode(&list)
		_ = resp.Body.Close()
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("no report: %v", err)
		}
	}
}
