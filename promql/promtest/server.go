// SPDX-License-Identifier: Apache-2.0

// Package promtest runs a Prometheus in tests: the real storage and the real
// PromQL engine behind a thin HTTP handler.
//
// The series are those of a promqltest script (`load 1m` and one series a
// line, from the Unix epoch on). Alerts and rules are what the test says. A
// request that the server doesn't know fails the test, so that nothing is
// asked by mistake.
package promtest

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/promql/promapi"
)

// Server is a Prometheus on a port of its own, closed at the end of its test.
type Server struct {
	URL string

	t      testing.TB
	db     storage.Queryable
	engine *promql.Engine
	http   *httptest.Server

	mu       sync.Mutex
	requests []Request
	failures map[string]Failure
	alerts   []Alert
	rules    []Rule
	warnings []string
	noLimit  bool
}

// Alert is an alert in /api/v1/alerts.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	State       string            `json:"state"` // pending or firing
	ActiveAt    time.Time         `json:"activeAt"`
	Value       string            `json:"value"`
}

// Request is a request that was received.
type Request struct {
	Path string // such as /api/v1/query
	Form url.Values
}

// Failure says how requests fail.
type Failure struct {
	Status int           // such as 422 or 503; 0: a normal answer
	Type   string        // errorType, such as execution; empty: the body is no JSON
	Text   string        // the error message
	After  time.Duration // delay of the answer, unless the client leaves earlier
}

// New starts a server with the series of a promqltest script.
func New(t testing.TB, load string) *Server {
	t.Helper()
	s := &Server{t: t, failures: map[string]Failure{}}
	s.db = promqltest.LoadedStorage(t, load)
	s.engine = promqltest.NewTestEngine(t, false, 5*time.Minute, 50_000_000)
	s.http = httptest.NewServer(s.handler())
	s.URL = s.http.URL
	t.Cleanup(s.http.Close)
	return s
}

// Down closes the server, so that it is unreachable.
func (s *Server) Down() { s.http.Close() }

// SetAlerts replaces the alerts that the server lists.
func (s *Server) SetAlerts(alerts ...Alert) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alerts = alerts
}

// Rule is a rule in /api/v1/rules: alerting or recording.
type Rule struct {
	Alert, Record string // exactly one of them
	Query         string
	Labels        map[string]string
	Annotations   map[string]string // unexpanded
	For           time.Duration
}

// SetRules replaces the rules by alerting rules of these names that never fire.
func (s *Server) SetRules(names ...string) {
	var rules []Rule
	for _, name := range names {
		rules = append(rules, Rule{Alert: name, Query: "vector(1)"})
	}
	s.PutRules(rules...)
}

// PutRules replaces the rules.
func (s *Server) PutRules(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = rules
}

// SetWarnings adds warnings to every answer, as Thanos does for unavailable stores.
func (s *Server) SetWarnings(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warnings = texts
}

// IgnoreLimit makes the server ignore the parameter limit, like old versions.
func (s *Server) IgnoreLimit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noLimit = true
}

// Fail makes requests fail: those for a path, or for a path followed by a space and a query,
// such as "/api/v1/query up".
func (s *Server) Fail(what string, f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures[what] = f
}

// Requests returns the requests so far, sorted by path and parameters, because parallel ones
// arrive in any order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	rs := slices.Clone(s.requests)
	slices.SortFunc(rs, func(a, b Request) int {
		return slices.Compare([]string{a.Path, a.Form.Encode()}, []string{b.Path, b.Form.Encode()})
	})
	return rs
}

// Queries returns the distinct queries so far, sorted.
func (s *Server) Queries() []string {
	texts := map[string]bool{}
	for _, r := range s.Requests() {
		if q := r.Form.Get("query"); q != "" {
			texts[q] = true
		}
	}
	return slices.Sorted(maps.Keys(texts))
}

// handler records a request, and fails or routes it.
func (s *Server) handler() http.Handler {
	api := promapi.API{Storage: s.db, Engine: s.engine, Parser: parser.NewParser(promqltest.TestParserOpts)}
	routes := api.Routes()
	routes["/api/v1/alerts"], routes["/api/v1/rules"] = s.listAlerts, s.listRules
	for path, h := range routes {
		routes[path] = s.warned(h)
	}
	mux := promapi.Mux(routes)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.t.Errorf("promtest: nobody knows %s %s", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			s.t.Errorf("promtest: %s: %v", r.URL, err)
		}
		failure, fails := s.record(r)
		if fails {
			select {
			case <-time.After(failure.After):
			case <-r.Context().Done():
				return
			}
		}
		if fails && failure.Status != 0 {
			failure.write(w)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// warned adds the server's warnings to answers, and drops limits if told to.
func (s *Server) warned(h promapi.Handler) promapi.Handler {
	return func(r *http.Request) (promapi.Answer, error) {
		s.mu.Lock()
		if s.noLimit {
			r.Form.Del("limit")
		}
		texts := s.warnings
		s.mu.Unlock()
		a, err := h(r)
		for _, text := range texts {
			a.Warnings.Add(errors.New(text))
		}
		return a, err
	}
}

func (s *Server) record(r *http.Request) (Failure, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{Path: r.URL.Path, Form: r.Form})
	if f, ok := s.failures[r.URL.Path+" "+r.Form.Get("query")]; ok {
		return f, true
	}
	f, ok := s.failures[r.URL.Path]
	return f, ok
}

func (f Failure) write(w http.ResponseWriter) {
	if f.Type == "" {
		http.Error(w, f.Text, f.Status)
		return
	}
	promapi.Refuse(w, &promapi.Error{Type: f.Type, Status: f.Status, Err: errors.New(f.Text)})
}

func (s *Server) listAlerts(*http.Request) (promapi.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return promapi.Answer{Data: map[string]any{"alerts": s.alerts}}, nil
}

func (s *Server) listRules(*http.Request) (promapi.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rules := []any{}
	for _, r := range s.rules {
		rule := map[string]any{"type": "alerting", "name": r.Alert, "query": r.Query, "labels": r.Labels, "annotations": r.Annotations, "duration": r.For.Seconds(), "state": "inactive", "health": "ok"}
		if r.Record != "" {
			rule = map[string]any{"type": "recording", "name": r.Record, "query": r.Query, "labels": r.Labels, "health": "ok"}
		}
		rules = append(rules, rule)
	}
	return promapi.Answer{Data: map[string]any{"groups": []any{map[string]any{"name": "test", "file": "test.yml", "rules": rules}}}}, nil
}
