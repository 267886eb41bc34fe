// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// serveInChild makes the test binary run culprit, as systemd would start it.
const serveInChild = "CULPRIT_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveInChild) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The socket is open before culprit runs, and passed as systemd does: as file 3, with LISTEN_PID
// and LISTEN_FDS in the environment.
func TestServesOnTheSocketOfSystemd(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "s")
			}
			l, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			startWithSocket(t, l)
			client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
			}}}
			resp, err := client.Get("http://culprit/-/healthy")
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK || !strings.Contains(string(text), "culprit is healthy") {
				t.Errorf("answered %s %s", resp.Status, text)
			}
		})
	}
}

// startWithSocket starts culprit with a listener and waits until it is ready.
func startWithSocket(t *testing.T, l net.Listener) {
	t.Helper()
	file, err := l.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`, self, "serve", "--web.systemd-socket", "--web.external-url=http://culprit.example.org",
		"--storage.path", t.TempDir(), "--config.file", write(t, "culprit.yml", "prometheus: {url: 'http://127.0.0.1:1'}\n"))
	cmd.Env, cmd.ExtraFiles = append(os.Environ(), serveInChild+"=1"), []*os.File{file}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, stderr)
		if err := cmd.Wait(); err != nil {
			t.Errorf("culprit ended with %v", err)
		}
	})
	var said strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Taking alerts") {
			return
		}
	}
	t.Fatalf("culprit ended: %s", said.String())
}

func TestMissingSocketsAreReported(t *testing.T) {
	config := write(t, "culprit.yml", "prometheus: {url: 'http://127.0.0.1:1'}\n")
	for args, want := range map[string]string{
		"--web.systemd-socket":                      "hint: start culprit through a .socket unit",
		"--web.listen-address=vsock://:x":           "the port of a vsock is a number, not \"x\"",
		"--web.listen-address=vsock://:99999999999": "the port of a vsock is a number",
		"--web.listen-address=nonsense":             "hint: choose another --web.listen-address",
	} {
		got := culprit(t, "serve", "--config.file", config, "--storage.path", t.TempDir(), args)
		if got.code != exitFinding || !strings.Contains(got.err, want) {
			t.Errorf("%s: exit %d: %s", args, got.code, got.err)
		}
	}
}
