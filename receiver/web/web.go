package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options are where things are. The zero value links to nothing.
type Options struct {
	Reader      Reader
	ExternalURL *url.URL         // culprit's own, as users reach it; its path is the prefix of all routes
	Prometheus  *url.URL         // for links to its graph page; nil: taken from an alert's generator URL
	Grafana     *url.URL         // for links to dashboards; nil: no links
	Now         func() time.Time // nil: time.Now
}

// Register adds the routes to mux, below the path of the external URL. The
// page that says "no such page" answers whatever no other route of the mux
// answers. Register panics if a route is taken, as the mux does.
func Register(mux *http.ServeMux, opts Options) {
	s := newServer(opts)
	handle := func(path string, h handler) {
		mux.Handle("GET "+s.prefix+path, s.serve(h))
	}
	handle("/{$}", s.listPage)
	handle("/reports/{id}", s.reportPage)
	handle("/incidents/{id}", s.incidentPage)
	handle("/a/{fingerprint}", s.alertPage)
	handle("/static/{name}", s.static)
	handle("/api/v1/reports", s.reports)
	handle("/api/v1/reports/{id}", s.report)
	handle("/api/v1/incidents", s.incidents)
	handle("/api/v1/incidents/{id}", s.incident)
	if s.prefix != "" {
		mux.Handle("GET /{$}", http.RedirectHandler(s.prefix+"/", http.StatusFound))
	}
	mux.Handle("/", s.serve(func(http.ResponseWriter, *http.Request) error {
		return &problem{http.StatusNotFound, "There is no such page."}
	}))
}

// server is what the handlers share.
type server struct {
	reader     Reader
	prefix     string // path of the external URL, without the slash at its end
	prometheus *url.URL
	grafana    *url.URL
	now        func() time.Time
	pages      *pages
}

func newServer(opts Options) *server {
	s := &server{reader: opts.Reader, prometheus: opts.Prometheus, grafana: opts.Grafana, now: opts.Now}
	if opts.ExternalURL != nil {
		s.prefix = strings.TrimRight(opts.ExternalURL.Path, "/")
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.pages = newPages(s.prefix)
	return s
}

// handler answers a request, or says why it can't.
type handler func(http.ResponseWriter, *http.Request) error

// serve turns a handler's error into an answer, and sets the headers that all
// answers have.
func (s *server) serve(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", s.pages.policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store") // a report changes until its alert is resolved
		if err := h(w, r); err != nil {
			s.Error(w, r, err)
		}
	})
}
