// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
)

// The daemon bounds its own stop, and reports if something was still running: then w.stop fails the
// test.

func TestAJobThatWaitsForPrometheusGoesBackIntoTheQueue(t *testing.T) {
	w := newWorld(t, true)
	w.stop()
	gate, err := lab.StartGate(w.prometheus.URL())
	w.must(err)
	t.Cleanup(func() { _ = gate.Close() })
	w.configure(fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q}]\n", gate.URL(), w.alertmanager.URL()) + testRules)
	w.start()
	gate.Hold()
	held := gate.Held()
	w.post("ErrorsHigh", time.Now(), true) // too young for the reconcile loop
	w.await("its queries hang", func() bool { return gate.Held() > held+1 && w.metric("culprit_queue_in_flight") == "1" })
	w.stop()
	if n := w.stored(); n != 0 {
		t.Errorf("what was cut off is a report: %d", n)
	}
	gate.Pass()
	w.start()
	w.await("the job is done after the next start", func() bool { return len(w.reports()) == 1 })
	if v := w.reports()[0].Result.Verdict; v != "explained" {
		t.Errorf("it says %s", v)
	}
}

// stored counts the reports in the store of a stopped daemon.
func (w *world) stored() int {
	w.daemon.store.mu.RLock()
	defer w.daemon.store.mu.RUnlock()
	return len(w.daemon.store.byID)
}

func TestSlowClientsDoNotKeepTheDaemonFromStopping(t *testing.T) {
	w := newWorld(t, false)
	w.await("it answers", func() bool { return w.get("/-/healthy", nil) == http.StatusOK })
	for _, asked := range []string{
		"",                          // a connection opened ahead
		"GET / HTTP/1.1\r\nHost: x", // half a header
		"POST /api/v1/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", // half a body
		"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",                                 // an answer, with the connection kept open
	} {
		c, err := net.Dial("tcp", w.daemon.Address().String())
		w.must(err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = io.WriteString(c, asked)
		w.must(err)
	}
	time.Sleep(200 * time.Millisecond) // until the daemon has them
	w.stop()
}

func TestAServerThatEndsEndsTheDaemonWithItsReason(t *testing.T) {
	w := newWorld(t, false)
	w.stop()
	w.opt.Registry = nil
	d, err := New(t.Context(), w.opt)
	w.must(err)
	w.daemon = d
	done := make(chan error, 1)
	go func() { done <- d.Run(context.Background()) }()
	w.await("it answers", func() bool { return w.get("/-/healthy", nil) == http.StatusOK })
	w.must(d.listeners[0].Close())
	if err := <-done; err == nil || !strings.Contains(err.Error(), "serving HTTP") {
		t.Errorf("it ended with %v", err)
	}
}

func TestABrokerThatIsClosedEndsTheDaemonWithItsReason(t *testing.T) {
	w := newWorld(t, false)
	w.stop()
	w.opt.Registry = nil
	d, err := New(t.Context(), w.opt)
	w.must(err)
	done := make(chan error, 1)
	go func() { done <- d.Run(context.Background()) }()
	w.must(d.broker.Close())
	if err := <-done; err == nil || !strings.Contains(err.Error(), "working on the queue") {
		t.Errorf("it ended with %v", err)
	}
}

func TestTheStopDoesNotWaitForHangingWork(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	defer close(over)
	cancel()
	err := withDeadline(ctx, 10*time.Millisecond, func() error { <-over; return nil })
	if err == nil || !strings.Contains(err.Error(), "still running") {
		t.Errorf("%v", err)
	}
	reason := errors.New("a reason")
	if err := withDeadline(t.Context(), time.Hour, func() error { return reason }); !errors.Is(err, reason) {
		t.Errorf("%v", err)
	}
}

// A reload makes all clients anew; connections of the old ones must not pile up.
func TestReloadsLeaveNoConnectionsBehind(t *testing.T) {
	var open, asked atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, "[]")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	w := &world{t: t, opt: alone(t)}
	w.opt.Reconcile = 20 * time.Millisecond
	w.configure(fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %[1]q}]\n", server.URL))
	w.start()
	const reloads = 30
	for range reloads {
		before := asked.Load()
		w.await("the server is asked", func() bool { return asked.Load() > before+3 })
		w.must(w.daemon.Reload())
	}
	w.await("the old connections are closed", func() bool { return open.Load() < reloads/2 })
}

// When a server fails, jobs in progress return to the queue before the broker closes, and are done
// after the next start.
func TestAServerThatEndsLetsTheWorkersEndFirst(t *testing.T) {
	w := newWorld(t, true)
	w.stop()
	gate, err := lab.StartGate(w.prometheus.URL())
	w.must(err)
	t.Cleanup(func() { _ = gate.Close() })
	w.configure(fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q}]\n", gate.URL(), w.alertmanager.URL()) + testRules)
	w.opt.Registry = nil
	d, err := New(t.Context(), w.opt)
	w.must(err)
	w.daemon = d
	done := make(chan error, 1)
	go func() { done <- d.Run(context.Background()) }()
	gate.Hold()
	held := gate.Held()
	w.post("ErrorsHigh", time.Now(), true)
	w.await("its queries hang", func() bool { return gate.Held() > held+1 && w.metric("culprit_queue_in_flight") == "1" })
	w.must(d.listeners[0].Close())
	if err := <-done; err == nil || !strings.Contains(err.Error(), "serving HTTP") {
		t.Errorf("it ended with %v", err)
	}
	d.worker.alerts.mu.Lock()
	working := len(d.worker.alerts.locks)
	d.worker.alerts.mu.Unlock()
	if working > 0 {
		t.Errorf("%d alerts are worked on over a broker that is closed", working)
	}
	if n := w.stored(); n != 0 {
		t.Errorf("what was cut off is a report: %d", n)
	}
	gate.Pass()
	w.start()
	w.await("the job is done after the next start", func() bool { return len(w.reports()) == 1 })
}
