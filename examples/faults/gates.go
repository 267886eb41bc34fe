// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// gates stand between culprit and servers, by the address of the server.
type gates map[string]*lab.Gate

// address is where culprit finds a server.
func (g gates) address(server string) string {
	if gate, ok := g[server]; ok {
		return gate.URL()
	}
	return server
}

// gate puts a gate before a server.
func (f *field) gate(server string) (*lab.Gate, error) {
	g, err := lab.StartGate(server)
	if err != nil {
		return nil, err
	}
	f.onClose(g.Close)
	if f.gates == nil {
		f.gates = gates{}
	}
	f.gates[server] = g
	return g, nil
}

// hook is a program that is told of incidents. It counts only what it has
// accepted in time.
type hook struct {
	server *httptest.Server

	mu    sync.Mutex
	hang  chan struct{}  // closed when it answers
	heard int            // messages that came
	took  map[string]int // incident and status → messages that it accepted
}

func (f *field) hook() *hook {
	h := &hook{hang: make(chan struct{}), took: map[string]int{}}
	close(h.hang)
	h.server = httptest.NewServer(http.HandlerFunc(h.take))
	f.onClose(func() error { h.answer(); h.server.Close(); return nil })
	return h
}

func (h *hook) take(w http.ResponseWriter, r *http.Request) {
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
		return // nobody waits for the answer any more
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took[p.Incident.ID+" "+p.Status]++
}

// hold makes it hang.
func (h *hook) hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hang = make(chan struct{})
}

// answer ends that.
func (h *hook) answer() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.hang:
	default:
		close(h.hang)
	}
}

// counts are the messages that came, those that it accepted, and what they were
// about.
func (h *hook) counts() (heard, accepted, different int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.took {
		accepted += n
	}
	return h.heard, accepted, len(h.took)
}
