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

// Limits of a client. A body that is slower than minBodyRate after bodyGrace is cut off: whoever
// trickles bytes must not keep those out who report alerts.
const (
	headerTimeout  = 10 * time.Second
	answerTimeout  = 30 * time.Second // to write one chunk of an answer
	maxHeaderBytes = 64 << 10
	bodyGrace      = 10 * time.Second
	minBodyRate    = 8 << 10 // bytes per second
)

// Limits of readers, so that there is room for alerts.
const (
	maxReading    = 16 // concurrently; others wait
	maxScrapes    = 4  // of /metrics concurrently; others get 503
	readingWait   = 5 * time.Second
	readingWithin = 10 * time.Second // to make the page
)

// newServer serves h within these limits. Its requests live until d.cut.
func (d *Daemon) newServer(h http.Handler) *http.Server {
	var requests context.Context
	requests, d.cancelRequests = context.WithCancel(tracing.With(context.Background(), d.tracer))
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

// guard wraps everything that the daemon serves.
func (d *Daemon) guard(h http.Handler) http.Handler {
	h = d.limitBodies(noForms(h))
	sites := http.NewCrossOriginProtection()
	sites.SetDenyHandler(http.HandlerFunc(crossSite))
	h = sites.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		h.ServeHTTP(w, r)
	})
}

// crossSite rejects requests that a page of another site makes a browser send with its user's
// rights.
func crossSite(w http.ResponseWriter, r *http.Request) {
	body.Answer(w, http.StatusForbidden, fmt.Errorf("%s rejects what a page of another site makes a browser send", r.URL.Path))
}

// noForms rejects the content types in which an HTML form can send what parses as JSON, for
// browsers that don't send an origin. The third type of a form, application/x-www-form-urlencoded,
// passes: the report page sends feedback in it, and so does curl -d send JSON, which no form can in
// this type. Through such a browser another site may thus send feedback on a report, or have it
// explained again, which culprit also does by itself; but nothing else.
func noForms(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err == nil && writes(r) && slices.Contains([]string{"text/plain", "multipart/form-data"}, kind) {
			body.Answer(w, http.StatusUnsupportedMediaType, fmt.Errorf("a body of type %s is not accepted; hint: send it with Content-Type: application/json", kind))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// writes reports whether a request may change something.
func writes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// limitReaders limits the concurrent readers and the time of each.
func limitReaders(most int, within time.Duration, h http.Handler) http.Handler {
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

// limitBodies gives every body a minimum rate. Until the body is complete its connection may be
// closed to make room.
func (d *Daemon) limitBodies(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			h.ServeHTTP(w, r)
			return
		}
		conn := connectionOf(r)
		body := &limitedBody{ReadCloser: r.Body, control: http.NewResponseController(w), start: time.Now(), timeout: d.opt.ReadTimeout}
		body.end = func() { d.connections.wait(conn, 0, awaitsBody) }
		d.connections.wait(conn, awaitsBody, 0)
		body.extend()                  // also if nobody reads it: then the server does, at the end
		r = r.WithContext(r.Context()) // a copy: the server keeps its own body
		r.Body = body
		h.ServeHTTP(w, r)
	})
}

// limitedBody is a body whose reads fail if it arrives too slowly.
type limitedBody struct {
	io.ReadCloser
	control *http.ResponseController
	start   time.Time
	timeout time.Duration // for the whole body
	end     func()
	read    int64
	ended   bool
}

// Read implements io.Reader. After the end of the body the deadline belongs to the server again,
// which then watches for the client to disconnect.
func (b *limitedBody) Read(p []byte) (int, error) {
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

// extend moves the deadline to when the next bytes must arrive.
func (b *limitedBody) extend() {
	allowed := min(b.timeout, bodyGrace+time.Duration(b.read)*time.Second/minBodyRate)
	_ = b.control.SetReadDeadline(b.start.Add(allowed)) // a test's recorder has none
}
