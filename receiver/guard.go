// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/body"
	"github.com/culprit-dev/culprit/receiver/graceful"
	"github.com/culprit-dev/culprit/tracing"
)

// What a client may take of the HTTP port. A body that comes more slowly than
// minBodyRate, after a start of bodyGrace, is cut off: somebody who sends a byte
// now and then must not keep those out who tell of alerts.
const (
	headerTimeout  = 10 * time.Second
	answerTimeout  = 30 * time.Second // to take a piece of an answer
	maxHeaderBytes = 64 << 10
	bodyGrace      = 10 * time.Second
	minBodyRate    = 8 << 10 // bytes a second
)

// What those who read may take, so that alerts find room beside them.
const (
	maxReading    = 16 // at a time; others wait
	maxScrapes    = 4  // of /metrics at a time; others get 503
	readingWait   = 5 * time.Second
	readingWithin = 10 * time.Second // until the page is made
)

// newServer serves a handler within these bounds. Its requests go on until they
// are cut.
func (d *Daemon) newServer(h http.Handler) *http.Server {
	var requests context.Context
	requests, d.cut = context.WithCancel(tracing.With(context.Background(), d.tracer))
	server := &http.Server{
		Handler: d.guard(h), ConnContext: withConnection, BaseContext: func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: headerTimeout, ReadTimeout: d.opt.ReadTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
	graceful.CloseUnused(server)
	unused := server.ConnState
	server.ConnState = func(nc net.Conn, state http.ConnState) {
		unused(nc, state)
		d.connections.changed(nc, state)
	}
	return server
}

// guard stands before everything that the daemon serves.
func (d *Daemon) guard(h http.Handler) http.Handler {
	h = d.briskBodies(noForms(h))
	sites := http.NewCrossOriginProtection()
	sites.SetDenyHandler(http.HandlerFunc(crossSite))
	h = sites.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		h.ServeHTTP(w, r)
	})
}

// crossSite answers a page of another site that has made a browser send
// something here, with what the browser's user may do.
func crossSite(w http.ResponseWriter, r *http.Request) {
	body.Answer(w, http.StatusForbidden, fmt.Errorf("%s takes no request that a page of another site has a browser send", r.URL.Path))
}

// noForms refuses the types by which a form can send what reads as JSON, in
// browsers that don't say where a request comes from. The third type of a form
// passes, application/x-www-form-urlencoded: so the page of a report sends what
// people say of it, and so curl -d sends JSON, which no form can in this type. A
// browser that names no origin may thus judge a report for another site, or have
// it explained again, as culprit does by itself, and do nothing else.
func noForms(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err == nil && writes(r) && slices.Contains([]string{"text/plain", "multipart/form-data"}, kind) {
			body.Answer(w, http.StatusUnsupportedMediaType, fmt.Errorf("a body of type %s is not taken; hint: send it with Content-Type: application/json", kind))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// writes says whether a request may change something.
func writes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// few lets in a few readers at a time, and gives each of them a time within
// which it must have been answered.
func few(most int, within time.Duration, h http.Handler) http.Handler {
	turn := make(chan struct{}, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readingWait)
		defer cancel()
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			w.Header().Set("Retry-After", "5")
			body.Answer(w, http.StatusServiceUnavailable, fmt.Errorf("%d others are reading: try again in a few seconds", most))
			return
		}
		ctx, cancel = context.WithTimeout(r.Context(), within)
		defer cancel()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// briskBodies gives every body a time within which it must come. Until it is
// here its connection may have to make room.
func (d *Daemon) briskBodies(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			h.ServeHTTP(w, r)
			return
		}
		conn := connectionOf(r)
		body := &briskBody{ReadCloser: r.Body, control: http.NewResponseController(w), start: time.Now(), most: d.opt.ReadTimeout}
		body.end = func() { d.connections.wait(conn, 0, awaitsBody) }
		d.connections.wait(conn, awaitsBody, 0)
		body.extend()                  // also for a body that nobody reads: the server does so at the end
		r = r.WithContext(r.Context()) // a copy, as the server goes on with its own body
		r.Body = body
		h.ServeHTTP(w, r)
	})
}

// briskBody is a body whose reads fail when it comes too slowly.
type briskBody struct {
	io.ReadCloser
	control *http.ResponseController
	start   time.Time
	most    time.Duration // for the whole body
	end     func()
	read    int64
	ended   bool
}

// Read is part of io.Reader. Behind the end of the body the deadline is the
// server's again, which looks out for the client's going away.
func (b *briskBody) Read(p []byte) (int, error) {
	if !b.ended {
		b.extend()
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if errors.Is(err, io.EOF) && !b.ended {
		b.ended = true
		b.end()
	}
	return n, err
}

// extend moves the deadline to where the next bytes must be here.
func (b *briskBody) extend() {
	allowed := min(b.most, bodyGrace+time.Duration(b.read)*time.Second/minBodyRate)
	_ = b.control.SetReadDeadline(b.start.Add(allowed)) // a test's recorder has none
}
