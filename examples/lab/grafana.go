// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// GrafanaOptions are the settings of a [Grafana].
type GrafanaOptions struct {
	Listen     string            // default 127.0.0.1:0
	Token      string            // that callers must send; empty: none
	Dashboards map[string]string // uid to title
	API        string            // the annotation API: [LegacyAPI] and its neighbours
	Namespace  string            // of the organisation; default "default"
}

// Grafana is a fake. It records the annotation calls that it gets, keeps the annotations, and
// answers as a recorded Grafana 9.3.2 did: text is required, an unknown dashboard is dropped
// silently, an end before the start is swapped, and a PATCH with a new tag fails with 500 (after 30
// seconds in the real one, at once here).
type Grafana struct {
	options GrafanaOptions
	url     string
	server  *http.Server
	done    chan struct{}

	mu          sync.Mutex
	annotations []Annotation // by id
	lastID      int64
	tags        map[string]bool
	names       map[string]bool // ever given to an annotation
	calls       []GrafanaCall
	failing     int    // status that every call gets; 0: none
	failingOn   string // the method of the calls that get it; empty: all
}

// Annotation is an annotation as Grafana shows it. Times are milliseconds.
type Annotation struct {
	ID           int64    `json:"id"`
	DashboardUID *string  `json:"dashboardUID"`
	PanelID      int64    `json:"panelId"`
	Created      int64    `json:"created"`
	Updated      int64    `json:"updated"`
	Time         int64    `json:"time"`
	TimeEnd      int64    `json:"timeEnd"`
	Text         string   `json:"text"`
	Tags         []string `json:"tags"`

	name string // if a store keeps it
}

// GrafanaCall is one recorded call.
type GrafanaCall struct {
	At     time.Time
	Method string
	Path   string // with the query
	Body   string
	Status int
}

// StartGrafana starts a recorder.
func StartGrafana(o GrafanaOptions) (*Grafana, error) {
	listener, err := net.Listen("tcp", cmp.Or(o.Listen, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("start the lab's Grafana: %w", err)
	}
	g := &Grafana{
		options: o, url: "http://" + listener.Addr().String(),
		done: make(chan struct{}), tags: map[string]bool{}, names: map[string]bool{},
	}
	g.server = &http.Server{Handler: http.HandlerFunc(g.record), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(g.done)
		_ = g.server.Serve(listener) // ends with Close
	}()
	return g, nil
}

// URL is the base URL, without a slash at its end.
func (g *Grafana) URL() string { return g.url }

// Close stops the recorder. What it has recorded can still be read.
func (g *Grafana) Close() error {
	err := g.server.Close()
	<-g.done
	return err
}

// Fail makes every call from now on fail with a status; 0 ends it.
func (g *Grafana) Fail(status int) { g.FailOn("", status) }

// FailOn makes every call of a method fail with a status; 0 ends it.
func (g *Grafana) FailOn(method string, status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failing, g.failingOn = status, method
}

// Annotations returns the annotations, oldest first.
func (g *Grafana) Annotations() []Annotation {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.annotations)
}

// Calls returns every call, oldest first.
func (g *Grafana) Calls() []GrafanaCall {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

// grafanaError is an error answer.
type grafanaError struct {
	status  int
	message string
}

func (e *grafanaError) Error() string { return e.message }

// record answers and records a call.
func (g *Grafana) record(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	status, answer := http.StatusOK, any(nil)
	result, err := g.answer(r, body)
	var failed *grafanaError
	switch {
	case errors.As(err, &failed):
		status, answer = failed.status, map[string]string{"message": failed.message}
	default:
		answer = result
	}
	g.calls = append(g.calls, GrafanaCall{time.Now(), r.Method, r.URL.RequestURI(), string(body), status})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the caller may be gone
}

// answer routes a call.
func (g *Grafana) answer(r *http.Request, body []byte) (any, error) {
	if g.failing != 0 && (g.failingOn == "" || g.failingOn == r.Method) {
		return nil, &grafanaError{g.failing, "the lab's Grafana was told to fail"}
	}
	if r.URL.Path == "/api/health" {
		return map[string]string{"commit": "NA", "database": "ok", "version": "9.3.2"}, nil
	}
	if err := g.authorize(r); err != nil {
		return nil, err
	}
	if g.isGone(r.URL.Path) {
		return nil, &grafanaError{http.StatusNotFound, "Not found"}
	}
	if uid, ok := g.dashboardOf(r.URL.Path); ok && r.Method == http.MethodGet {
		return g.dashboard(uid)
	}
	if r.URL.Path == "/api/frontend/settings/" {
		return map[string]string{"namespace": cmp.Or(g.options.Namespace, "default")}, nil
	}
	if strings.HasPrefix(r.URL.Path, appsAt) {
		return g.apps(r, body)
	}
	if r.URL.Path == "/api/annotations" {
		switch r.Method {
		case http.MethodPost:
			return g.create(body)
		case http.MethodGet:
			return g.find(r), nil
		}
	}
	if id, ok := strings.CutPrefix(r.URL.Path, "/api/annotations/"); ok {
		return g.one(r.Method, id, body)
	}
	return nil, &grafanaError{http.StatusNotFound, "Not found"}
}

// authorize checks the token.
func (g *Grafana) authorize(r *http.Request) error {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case g.options.Token == "" || token == g.options.Token:
		return nil
	case !ok:
		return &grafanaError{http.StatusUnauthorized, "Unauthorized"}
	}
	return &grafanaError{http.StatusUnauthorized, "invalid API key"}
}

// dashboardOf returns the dashboard that a path names, in either API.
func (g *Grafana) dashboardOf(path string) (string, bool) {
	if uid, ok := strings.CutPrefix(path, "/api/dashboards/uid/"); ok {
		return uid, true
	}
	return strings.CutPrefix(path, "/apis/dashboard.grafana.app/v1/namespaces/"+cmp.Or(g.options.Namespace, "default")+"/dashboards/")
}

func (g *Grafana) dashboard(uid string) (any, error) {
	title, ok := g.options.Dashboards[uid]
	if !ok {
		return nil, &grafanaError{http.StatusNotFound, "Dashboard not found"}
	}
	return map[string]any{
		"dashboard": map[string]any{"uid": uid, "title": title},
		"meta":      map[string]any{"url": "/d/" + uid + "/" + title, "slug": title},
	}, nil
}

// create is POST /api/annotations.
func (g *Grafana) create(body []byte) (any, error) {
	var a Annotation
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, &grafanaError{http.StatusBadRequest, "bad request data"}
	}
	if a.Text == "" {
		return nil, &grafanaError{http.StatusBadRequest, "Failed to save annotation"}
	}
	now := time.Now().UnixMilli()
	g.lastID++
	a.ID, a.Created, a.Updated = g.lastID, now, now
	a.Time = cmp.Or(a.Time, now)
	a.TimeEnd = cmp.Or(a.TimeEnd, a.Time)
	a.Time, a.TimeEnd = min(a.Time, a.TimeEnd), max(a.Time, a.TimeEnd)
	if a.DashboardUID != nil && g.options.Dashboards[*a.DashboardUID] == "" {
		a.DashboardUID, a.PanelID = nil, 0
	}
	for _, tag := range a.Tags {
		g.tags[tag] = true
	}
	g.annotations = append(g.annotations, a)
	return map[string]any{"id": a.ID, "message": "Annotation added"}, nil
}

// find is GET /api/annotations, newest first.
func (g *Grafana) find(r *http.Request) []Annotation {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit <= 0 {
		limit = 100
	}
	found := []Annotation{}
	for _, a := range slices.Backward(g.annotations) {
		uid := q.Get("dashboardUID")
		if uid != "" && (a.DashboardUID == nil || *a.DashboardUID != uid) {
			continue
		}
		if len(found) < limit && tagged(a.Tags, q["tags"], q.Get("matchAny") == "true") {
			found = append(found, a)
		}
	}
	return found
}

// tagged reports whether tags contain all of want, or any of it.
func tagged(tags, want []string, matchAny bool) bool {
	n := 0
	for _, w := range want {
		if slices.Contains(tags, w) {
			n++
		}
	}
	return n == len(want) || matchAny && n > 0
}

// one is GET, PATCH or DELETE of /api/annotations/{id}.
func (g *Grafana) one(method, id string, body []byte) (any, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	i := slices.IndexFunc(g.annotations, func(a Annotation) bool { return a.ID == n })
	if err != nil || i < 0 {
		return nil, &grafanaError{http.StatusNotFound, "Annotation not found"}
	}
	switch method {
	case http.MethodGet:
		return g.annotations[i], nil
	case http.MethodPatch:
		return g.patch(&g.annotations[i], body)
	case http.MethodDelete:
		g.annotations = slices.Delete(g.annotations, i, i+1)
		return map[string]string{"message": "Annotation deleted"}, nil
	}
	return nil, &grafanaError{http.StatusMethodNotAllowed, "Method not allowed"}
}

// patch changes the text, the tags or the times that the body names.
func (g *Grafana) patch(a *Annotation, body []byte) (any, error) {
	var change Annotation
	if err := json.Unmarshal(body, &change); err != nil {
		return nil, &grafanaError{http.StatusBadRequest, "bad request data"}
	}
	if slices.ContainsFunc(change.Tags, func(tag string) bool { return !g.tags[tag] }) {
		return nil, &grafanaError{http.StatusInternalServerError, "Failed to update annotation"}
	}
	a.Text = cmp.Or(change.Text, a.Text)
	a.Time = cmp.Or(change.Time, a.Time)
	a.TimeEnd = cmp.Or(change.TimeEnd, a.TimeEnd)
	if change.Tags != nil {
		a.Tags = change.Tags
	}
	a.Updated = time.Now().UnixMilli()
	return map[string]string{"message": "Annotation patched"}, nil
}
