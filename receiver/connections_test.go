// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// dial connects and sends something, such as the beginning of a request.
func dial(t *testing.T, d *Daemon, says string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", d.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = io.WriteString(conn, says) // it may have been closed to make room
	return conn
}

// slowClients are ways to keep the daemon waiting.
func slowClients() map[string]string {
	return map[string]string{
		"nothing said":   "",
		"half a header":  "POST /api/v1/webhook HTTP/1.1\r\nHost: culprit\r\nX-",
		"half a body":    "POST /api/v1/webhook HTTP/1.1\r\nHost: culprit\r\nContent-Length: 1000\r\n\r\n{",
		"half a chunk":   "POST /api/v1/webhook HTTP/1.1\r\nHost: culprit\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
		"a body to GET":  "GET /-/healthy HTTP/1.1\r\nHost: culprit\r\nContent-Length: 1000\r\n\r\n{",
		"kept alive":     "GET /-/healthy HTTP/1.1\r\nHost: culprit\r\n\r\n",
		"answers unread": strings.Repeat("GET /metrics HTTP/1.1\r\nHost: culprit\r\n\r\n", 500),
	}
}

// Far more slow clients than allowed connections don't keep an alert out.
func TestSlowClientsDoNotKeepAlertsOut(t *testing.T) {
	for name, says := range slowClients() {
		t.Run(name, func(t *testing.T) {
			d := lonely(t, func(opt *Options) { opt.MaxConnections = 20 })
			for range 300 {
				dial(t, d, says)
			}
			takesAlerts(t, d, "Heard")
		})
	}
}

func TestThreeHundredSlowBodiesAreCutOff(t *testing.T) {
	d := lonely(t, nil)
	var slow []net.Conn
	for i := range 300 {
		slow = append(slow, dial(t, d, fmt.Sprintf("POST /api/v1/webhook HTTP/1.1\r\nHost: culprit\r\nContent-Length: 1000\r\n\r\n{\"%d", i)))
	}
	takesAlerts(t, d, "Heard")
	for _, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("a slow body is answered %v", err)
		}
		// Alertmanager retries after a 503, and nothing else.
		if resp.StatusCode != http.StatusServiceUnavailable || !resp.Close {
			t.Fatalf("a slow body is answered %s; the connection is closed: %v", resp.Status, resp.Close)
		}
	}
}

// A body that is slow but steady is accepted.
func TestASlowButSteadyBodyIsAccepted(t *testing.T) {
	t.Parallel()
	d := lonely(t, nil)
	body := strings.Replace(message("Steady"), `"groupKey"`, `"padding":"`+strings.Repeat("x", 12*minBodyRate)+`","groupKey"`, 1)
	conn := dial(t, d, fmt.Sprintf("POST /api/v1/webhook HTTP/1.1\r\nHost: culprit\r\nContent-Length: %d\r\n\r\n", len(body)))
	for part := range 12 {
		time.Sleep(time.Second) // as fast as a slow line
		piece := len(body) / 12 * part
		end := piece + len(body)/12
		if part == 11 {
			end = len(body)
		}
		if _, err := io.WriteString(conn, body[piece:end]); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Errorf("answered %v %v", resp, err)
	}
}

// A request in progress keeps its connection, however many others connect.
func TestARequestInProgressKeepsItsConnection(t *testing.T) {
	d := lonely(t, func(opt *Options) { opt.MaxConnections = 2 })
	conn := dial(t, d, "")
	release := make(chan struct{})
	entered := make(chan struct{})
	d.front.open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/long" {
			close(entered)
			<-release
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	_, _ = io.WriteString(conn, "POST /long HTTP/1.1\r\nHost: culprit\r\nContent-Length: 1\r\n\r\n1")
	<-entered
	for range 50 {
		dial(t, d, "")
	}
	close(release)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Errorf("answered %v %v", resp, err)
	}
}
