// SPDX-License-Identifier: Apache-2.0

// Package graceful shuts HTTP servers down without waiting for idle clients.
package graceful

import (
	"net"
	"net/http"
	"sync"
)

// CloseUnused makes the server's Shutdown close connections on which nothing
// has been asked yet. Browsers and HTTP clients open some ahead, and Shutdown
// by itself waits five seconds for each to ask something. It is called before
// the server serves.
func CloseUnused(s *http.Server) {
	u := &unused{conns: map[net.Conn]bool{}}
	s.ConnState = u.note
	s.RegisterOnShutdown(u.close)
}

// unused are the connections on which nothing has been asked.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
	over  bool
}

// note is told of every change of a connection.
func (u *unused) note(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state != http.StateNew {
		delete(u.conns, c)
		return
	}
	if u.over { // it was accepted while the server shut down
		_ = c.Close()
		return
	}
	u.conns[c] = true
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	for c := range u.conns {
		_ = c.Close()
	}
	u.conns = nil
}
