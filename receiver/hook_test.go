// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// hook is a recovery webhook that can hang, refuse and recover.
type hook struct {
	*httptest.Server

	mu     sync.Mutex
	status int           // of its answers
	hang   chan struct{} // closed to continue
	heard  []string      // status of each message received, accepted or not
	took   []string      // incident, status and key of each accepted message
}

func startHook(t *testing.T) *hook {
	h := &hook{status: http.StatusOK, hang: make(chan struct{})}
	close(h.hang)
	h.Server = httptest.NewServer(http.HandlerFunc(h.take))
	t.Cleanup(h.Close)
	t.Cleanup(func() { h.set(http.StatusOK) })
	return h
}

func (h *hook) take(w http.ResponseWriter, r *http.Request) {
	var p sink.Payload
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.heard = append(h.heard, p.Status)
	hang := h.hang
	h.mu.Unlock()
	<-hang
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.status == http.StatusOK && r.Context().Err() == nil {
		h.took = append(h.took, p.Incident.ID+" "+p.Status+" "+r.Header.Get(sink.HeaderKey))
	}
	w.WriteHeader(h.status)
}

// set makes the hook answer with a status; 0: hang.
func (h *hook) set(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
	select {
	case <-h.hang:
		if status == 0 {
			h.hang = make(chan struct{})
		}
	default:
		if status != 0 {
			close(h.hang)
		}
	}
}

// accepted returns the accepted messages.
func (h *hook) accepted() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.took)
}

// statuses returns the statuses of all received messages.
func (h *hook) statuses() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.heard)
}

// withSinks adds Grafana and hooks to a world, behind gates.
type withSinks struct {
	*world
	grafana           *lab.Grafana
	grafanaGate, gate *lab.Gate // gate is in front of Alertmanager
	hooks             []*hook
}

func newWorldWithSinks(t *testing.T, hooks int) *withSinks {
	t.Helper()
	w := &withSinks{world: newWorld(t, true)}
	w.stop()
	var err error
	w.grafana, err = lab.StartGrafana(lab.GrafanaOptions{})
	w.must(err)
	t.Cleanup(func() { _ = w.grafana.Close() })
	w.grafanaGate, err = lab.StartGate(w.grafana.URL())
	w.must(err)
	t.Cleanup(func() { _ = w.grafanaGate.Close() })
	w.gate, err = lab.StartGate(w.alertmanager.URL())
	w.must(err)
	t.Cleanup(func() { _ = w.gate.Close() })
	text := fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q}, {url: %q}]\ngrafana: {url: %q}\nrecovery_webhooks:\n",
		w.prometheus.URL(), w.alertmanager.URL(), w.gate.URL(), w.grafanaGate.URL())
	for range hooks {
		h := startHook(t)
		w.hooks = append(w.hooks, h)
		text += fmt.Sprintf("  - {url: %q}\n", h.URL+"/secret-path")
	}
	w.configure(text + testRules)
	w.start()
	return w
}

// fire posts an alert and waits for its report.
func (w *withSinks) fire(name string) time.Time {
	w.t.Helper()
	start := time.Now().Add(-time.Minute)
	before := len(w.reports())
	w.post(name, start, true)
	w.await("a report", func() bool { return len(w.reports()) > before })
	return start
}

// annotated is the number of peers on which the only alert has its causes.
func (w *withSinks) annotated() (peers int) {
	w.t.Helper()
	for _, s := range w.reports()[0].Sent {
		if s.Sink == sink.NameAnnotation && s.Status == report.SentOK {
			peers++
		}
	}
	return peers
}

// regions counts Grafana's annotations, and those that are closed.
func (w *withSinks) regions() (all, closed int) {
	for _, a := range w.grafana.Annotations() {
		all++
		if containsResolved(a.Text) {
			closed++
		}
	}
	return all, closed
}

func containsResolved(text string) bool { return strings.Contains(text, "Resolved after") }

// backlog is the queue metric of the sink at an address.
func (w *withSinks) backlog(address string) string {
	w.t.Helper()
	var text string
	w.get("/metrics", &text)
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "culprit_sink_queue_depth{") && strings.Contains(line, `place="`+address) {
			return line[strings.LastIndexByte(line, ' ')+1:]
		}
	}
	return ""
}

// configuration is the daemon's configuration.
func (w *withSinks) configuration() string {
	w.t.Helper()
	text, err := os.ReadFile(w.opt.ConfigFile)
	w.must(err)
	return string(text)
}
