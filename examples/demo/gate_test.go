package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// gate stands before a server. It can be shut, which is as if the server were
// down, or hold every request back.
type gate struct {
	*httptest.Server

	mu    sync.Mutex
	shut  bool
	ready chan struct{} // closed while requests may pass
}

// startGate starts one that is open.
func startGate(t *testing.T, upstream string) *gate {
	t.Helper()
	u, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(u) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	g := &gate{ready: make(chan struct{})}
	close(g.ready)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		shut, ready := g.shut, g.ready
		g.mu.Unlock()
		if shut {
			panic(http.ErrAbortHandler) // breaks the connection
		}
		select {
		case <-ready:
			proxy.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() {
		g.pass()
		g.Close()
	})
	return g
}

// down breaks every connection.
func (g *gate) down() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
}

// hold keeps every request waiting.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ready = make(chan struct{})
}

// pass lets requests through, also those that wait.
func (g *gate) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = false
	select {
	case <-g.ready:
	default:
		close(g.ready)
	}
}
