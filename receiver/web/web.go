// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options configure the pages. The zero value links to nothing.
type Options struct {
	Reader  Reader
	Changes ChangeReader // nil: no changes
	Judge   Judge        // nil: no feedback

	Explainer Explainer        // nil: no fresh looks
	External  *url.URL         // culprit's own base URL; links begin with its path
	Servers   func() Servers   // called for each page, as a reload may change them; nil: none
	Now       func() time.Time // nil: time.Now
}

// Servers are the servers of the configuration. Links to any other server come from alerts, and are
// marked.
type Servers struct {
	Prometheus   []*url.URL
	Grafana      *url.URL // to link to dashboards; nil: no links
	Alertmanager *url.URL // to link to its form for silences; nil: no links
}

// New returns the pages and the API. The handler expects paths without the path of the external
// URL.
func New(opts Options) *Mux {
	s := newServer(opts)
	mux := new(Mux)
	for path, h := range map[string]handler{
		"/{$}":                   s.listPage,
		"/reports/{id}":          s.reportPage,
		"/incidents/{id}":        s.incidentPage,
		"/a/{fingerprint}":       s.alertPage,
		"/changes":               s.changesPage,
		"/cases":                 s.casesPage,
		"/cases/{id}":            s.casePage,
		"/static/{name}":         s.static,
		"/api/v1/reports":        s.reports,
		"/api/v1/reports/{id}":   s.report,
		"/api/v1/incidents":      s.incidents,
		"/api/v1/incidents/{id}": s.incident,
		"/api/v1/changes":        s.changes,
		"/api/v1/cases":          s.cases,
		"/api/v1/cases/{id}":     s.oneCase,
	} {
		mux.Handle("GET "+path, s.serve(h))
	}
	if s.judge != nil {
		mux.Handle("POST /reports/{id}/feedback", s.serve(s.feedbackForm))
		mux.Handle("POST /api/v1/reports/{id}/feedback", s.serve(s.feedback))
		for _, path := range []string{"/reports/{id}/feedback", "/api/v1/reports/{id}/feedback"} {
			mux.Handle(path, s.serve(onlyPost))
		}
	}
	if s.explainer != nil {
		mux.Handle("POST /reports/{id}/explain", s.serve(s.explainPage))
		mux.Handle("/reports/{id}/explain", s.serve(s.toReport))
	}
	mux.Handle("/", s.serve(nowhere))
	return mux
}

// nowhere answers unknown paths.
func nowhere(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return &problem{http.StatusMethodNotAllowed, "Reports are made by alerts; here they can only be read."}
	}
	return &problem{http.StatusNotFound, "There is no such page."}
}

// onlyPost rejects other methods.
func onlyPost(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Allow", http.MethodPost)
	return &problem{http.StatusMethodNotAllowed, "Send feedback on a report here with POST; the report shows it."}
}

// server is the state that handlers share.
type server struct {
	reader    Reader
	changed   ChangeReader
	judge     Judge
	explainer Explainer
	servers   func() Servers
	now       func() time.Time
	pages     *pages
}

func newServer(opts Options) *server {
	s := &server{reader: opts.Reader, changed: opts.Changes, judge: opts.Judge, explainer: opts.Explainer, servers: opts.Servers, now: opts.Now}
	if s.servers == nil {
		s.servers = func() Servers { return Servers{} }
	}
	if s.now == nil {
		s.now = time.Now
	}
	prefix := ""
	if opts.External != nil {
		prefix = strings.TrimRight(opts.External.Path, "/")
	}
	s.pages = newPages(prefix)
	return s
}

// handler answers a request, or returns why it can't.
type handler func(http.ResponseWriter, *http.Request) error

// serve adapts a handler, and sets the common headers.
func (s *server) serve(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", s.pages.policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin") // no-referrer would send the form of a report with Origin: null, which the guard rejects
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store") // a report changes until its alert is resolved
		p := packing{ResponseWriter: w, packs: packs(r)}
		defer p.close()
		if err := h(&p, r); err != nil {
			s.Error(&p, r, err)
		}
	})
}
