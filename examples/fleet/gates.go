// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// address returns the address of a server as culprit sees it.
func (f *Field) address(server string) string {
	if gate, ok := f.Gates[server]; ok {
		return gate.URL()
	}
	return server
}

// Gate puts a gate between culprit and a server, for culprits that are started afterwards.
func (f *Field) Gate(server string) (*lab.Gate, error) {
	g, err := lab.StartGate(server)
	if err != nil {
		return nil, err
	}
	f.OnClose(g.Close)
	if f.Gates == nil {
		f.Gates = map[string]*lab.Gate{}
	}
	f.Gates[server] = g
	return g, nil
}

// Hook is a recovery webhook. It counts only the messages that it accepted in time.
type Hook struct {
	server *httptest.Server

	mu    sync.Mutex
	hang  chan struct{}  // closed when it answers
	heard int            // messages received
	took  map[string]int // incident and status → accepted messages
}

// Hook starts a hook.
func (f *Field) Hook() *Hook {
	h := &Hook{hang: make(chan struct{}), took: map[string]int{}}
	close(h.hang)
	h.server = httptest.NewServer(http.HandlerFunc(h.take))
	f.OnClose(func() error { h.Answer(); h.server.Close(); return nil })
	return h
}

// URL is the hook's address.
func (h *Hook) URL() string { return h.server.URL }

func (h *Hook) take(w http.ResponseWriter, r *http.Request) {
	var p sink.Payload
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.heard++
	hang := h.hang
	h.mu.Unlock()
	<-hang
	if r.Context().Err() != nil {
		return // the sender has given up
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took[p.Incident.ID+" "+p.Status]++
}

// Hold makes it hang.
func (h *Hook) Hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hang = make(chan struct{})
}

// Answer ends Hold.
func (h *Hook) Answer() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.hang:
	default:
		close(h.hang)
	}
}

// Counts returns the messages received, those accepted, and the number of different incidents and
// statuses among them.
func (h *Hook) Counts() (heard, accepted, different int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.took {
		accepted += n
	}
	return h.heard, accepted, len(h.took)
}

// Told returns how often an incident came with a status, open or resolved.
func (h *Hook) Told(incident, status string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.took[incident+" "+status]
}
