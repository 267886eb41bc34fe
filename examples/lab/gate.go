// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// Gate is a proxy before a server. It can break connections as if the server were down, hold
// requests as if it hung, or refuse them.
type Gate struct {
	url    string
	server *http.Server
	done   chan struct{}

	mu     sync.Mutex
	shut   bool
	status int           // of every answer; 0: the server's own
	ready  chan struct{} // closed while requests may pass
	held   int           // requests that were kept waiting
	passed int           // requests that came
}

// StartGate starts an open gate.
func StartGate(upstream string) (*Gate, error) {
	u, err := url.Parse(upstream)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(u) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	g := &Gate{url: "http://" + listener.Addr().String(), done: make(chan struct{}), ready: make(chan struct{})}
	close(g.ready)
	g.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.wait(r) {
			g.answer(w, r, proxy)
		}
	})}
	go func() {
		defer close(g.done)
		_ = g.server.Serve(listener) // ends with Close
	}()
	return g, nil
}

// wait holds a request until it may pass, and reports whether the caller still waits for the
// answer.
func (g *Gate) wait(r *http.Request) bool {
	body, err := io.ReadAll(r.Body) // until then the server can't see that the caller is gone
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.mu.Lock()
	g.passed++
	ready := g.ready
	select {
	case <-ready:
	default:
		g.held++
	}
	g.mu.Unlock()
	select {
	case <-ready:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (g *Gate) answer(w http.ResponseWriter, r *http.Request, proxy http.Handler) {
	g.mu.Lock()
	shut, status := g.shut, g.status
	g.mu.Unlock()
	switch {
	case shut:
		panic(http.ErrAbortHandler) // breaks the connection
	case status != 0:
		http.Error(w, "the gate refuses everything", status)
	default:
		proxy.ServeHTTP(w, r)
	}
}

// URL is the address of the gate.
func (g *Gate) URL() string { return g.url }

// Down breaks every connection.
func (g *Gate) Down() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
}

// Refuse answers every request with a status.
func (g *Gate) Refuse(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = status
}

// Hold keeps every request waiting.
func (g *Gate) Hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ready = make(chan struct{})
}

// Held returns how many requests were held.
func (g *Gate) Held() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

// Requests returns how many requests came.
func (g *Gate) Requests() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.passed
}

// Pass lets requests through, including held ones.
func (g *Gate) Pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut, g.status = false, 0
	select {
	case <-g.ready:
	default:
		close(g.ready)
	}
}

// Close stops the gate and ends every held request.
func (g *Gate) Close() error {
	err := g.server.Close()
	g.Pass()
	<-g.done
	return err
}
