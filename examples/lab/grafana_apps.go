// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The annotation APIs that a [Grafana] can have.
const (
	LegacyAPI = ""           // /api/annotations alone, as before Grafana 12.4
	BothAPIs  = "both"       // and annotation.grafana.app over the same database
	AppsAPI   = "apps"       // annotation.grafana.app alone, over that database
	NativeAPI = "apps-store" // the same over a store of its own: names are kept, and times never change
)

const appsAt = "/apis/annotation.grafana.app"

// No server was at hand to record annotation.grafana.app/v0alpha1. This follows Grafana's
// documentation of 13.3 and its source (pkg/registry/apps/annotation: k8s_adapter.go,
// search_handler.go, sql_adapter.go and postgres_partitioned.go).

// resource is an annotation as that API shows it.
type resource struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec struct {
		Text         string   `json:"text"`
		Time         int64    `json:"time"`
		TimeEnd      *int64   `json:"timeEnd,omitempty"`
		DashboardUID *string  `json:"dashboardUID,omitempty"`
		PanelID      *int64   `json:"panelID,omitempty"`
		Tags         []string `json:"tags,omitempty"`
	} `json:"spec"`
}

// isGone reports whether a path belongs to an API that this Grafana lacks.
func (g *Grafana) isGone(path string) bool {
	if strings.HasPrefix(path, appsAt) {
		return g.options.API == LegacyAPI
	}
	return strings.HasPrefix(path, "/api/annotations") && (g.options.API == AppsAPI || g.options.API == NativeAPI)
}

// Serve changes the available annotation API, as an upgrade does.
func (g *Grafana) Serve(api string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.options.API = api
}

// apps answers a call of the API annotation.grafana.app.
func (g *Grafana) apps(r *http.Request, body []byte) (any, error) {
	namespace := cmp.Or(g.options.Namespace, "default")
	rest, ok := strings.CutPrefix(r.URL.Path, appsAt+"/v0alpha1/namespaces/"+namespace)
	name, one := strings.CutPrefix(rest, "/annotations/")
	switch {
	case r.URL.Path == appsAt:
		version := map[string]string{"groupVersion": "annotation.grafana.app/v0alpha1", "version": "v0alpha1"}
		return map[string]any{"kind": "APIGroup", "apiVersion": "v1", "name": "annotation.grafana.app", "versions": []any{version}, "preferredVersion": version}, nil
	case ok && rest == "/search" && r.Method == http.MethodGet:
		return g.search(r)
	case ok && rest == "/annotations" && r.Method == http.MethodPost:
		return g.createResource(body)
	case ok && one:
		return g.oneResource(r, name, body)
	}
	return nil, &grafanaError{http.StatusNotFound, "the server could not find the requested resource"}
}

// search is GET …/search, a page at a time, newest first.
func (g *Grafana) search(r *http.Request) (any, error) {
	q := r.URL.Query()
	from, _ := strconv.ParseInt(q.Get("from"), 10, 64) // invalid numbers are ignored, as in Grafana
	to, _ := strconv.ParseInt(q.Get("to"), 10, 64)
	limit, _ := strconv.Atoi(q.Get("limit"))
	skip, _ := strconv.Atoi(q.Get("continue"))
	limit = cmp.Or(limit, 100)
	found := []resource{}
	for _, a := range slices.Backward(g.annotations) {
		if (from == 0 || a.TimeEnd >= from) && (to == 0 || a.Time <= to) && tagged(a.Tags, q["tag"], q.Get("tagsMatchAny") == "true") {
			found = append(found, g.resource(a))
		}
	}
	page := map[string]any{}
	if len(found) > skip+limit {
		page["continue"] = strconv.Itoa(skip + limit)
	}
	found = found[min(skip, len(found)):min(skip+limit, len(found))]
	return map[string]any{"kind": "AnnotationList", "apiVersion": "annotation.grafana.app/v0alpha1", "metadata": page, "items": found}, nil
}

// createResource is POST …/annotations.
func (g *Grafana) createResource(body []byte) (any, error) {
	var n resource
	switch err := json.Unmarshal(body, &n); {
	case err != nil:
		return nil, &grafanaError{http.StatusBadRequest, "the request is no annotation"}
	case n.Metadata.Name == "":
		return nil, &grafanaError{http.StatusBadRequest, "metadata.name or metadata.generateName is required"}
	case g.options.API == NativeAPI && g.names[n.Metadata.Name]:
		return nil, &grafanaError{http.StatusConflict, "annotations.annotation.grafana.app " + strconv.Quote(n.Metadata.Name) + " already exists"}
	}
	g.lastID++
	a := Annotation{ID: g.lastID, Time: n.Spec.Time, TimeEnd: n.Spec.Time, Text: n.Spec.Text, Tags: n.Spec.Tags, DashboardUID: n.Spec.DashboardUID}
	if n.Spec.TimeEnd != nil {
		a.TimeEnd = *n.Spec.TimeEnd
	}
	if n.Spec.PanelID != nil {
		a.PanelID = *n.Spec.PanelID
	}
	if g.options.API == NativeAPI {
		a.name, g.names[n.Metadata.Name] = n.Metadata.Name, true
	}
	g.annotations = append(g.annotations, a)
	return g.resource(a), nil
}

// oneResource is GET, PATCH or DELETE of …/annotations/{name}. A store that ignores a change still
// answers with the changed annotation.
func (g *Grafana) oneResource(r *http.Request, name string, body []byte) (any, error) {
	i := slices.IndexFunc(g.annotations, func(a Annotation) bool { return g.resource(a).Metadata.Name == name })
	if i < 0 {
		return nil, &grafanaError{http.StatusNotFound, "annotations.annotation.grafana.app " + strconv.Quote(name) + " not found"}
	}
	a := &g.annotations[i]
	now := g.resource(*a)
	switch r.Method {
	case http.MethodGet:
		return now, nil
	case http.MethodDelete:
		g.annotations = slices.Delete(g.annotations, i, i+1)
		return map[string]string{"kind": "Status", "status": "Success"}, nil
	case http.MethodPatch:
		if kind := r.Header.Get("Content-Type"); kind != "application/merge-patch+json" {
			return nil, &grafanaError{http.StatusUnsupportedMediaType, "the body of the request was in an unknown format: " + kind}
		}
		if err := json.Unmarshal(body, &now); err != nil { // decoding over the old value is a merge patch without nulls
			return nil, &grafanaError{http.StatusBadRequest, "the request is no patch"}
		}
		a.Text, a.Tags = now.Spec.Text, now.Spec.Tags
		if g.options.API != NativeAPI && now.Spec.TimeEnd != nil {
			a.TimeEnd = *now.Spec.TimeEnd
		}
		return now, nil
	}
	return nil, &grafanaError{http.StatusMethodNotAllowed, "the server does not allow this method on the requested resource"}
}

func (g *Grafana) resource(a Annotation) resource {
	r := resource{APIVersion: "annotation.grafana.app/v0alpha1", Kind: "Annotation"}
	r.Metadata.Name, r.Metadata.Namespace = cmp.Or(a.name, "a-"+strconv.FormatInt(a.ID, 10)), cmp.Or(g.options.Namespace, "default")
	r.Spec.Text, r.Spec.Time, r.Spec.Tags, r.Spec.DashboardUID = a.Text, a.Time, a.Tags, a.DashboardUID
	if a.TimeEnd != a.Time {
		r.Spec.TimeEnd = &a.TimeEnd
	}
	if a.PanelID != 0 {
		r.Spec.PanelID = &a.PanelID
	}
	return r
}
