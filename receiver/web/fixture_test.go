// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/culprit-dev/culprit/receiver/report"
)

// memory is a Reader of given reports, newest first.
type memory struct {
	reports   []report.Report
	incidents []report.Incident
	cases     []report.Case
	pending   []string // fingerprints
	err       error    // the answer to everything, if not nil
}

var _ Reader = memory{}

func (m memory) Report(_ context.Context, id string) (report.Report, error) {
	return find(m.reports, m.err, func(r report.Report) bool { return r.ID == id })
}

func (m memory) Latest(_ context.Context, fingerprint string) (report.Report, error) {
	if slices.Contains(m.pending, fingerprint) {
		return report.Report{}, ErrPending
	}
	return find(m.reports, m.err, func(r report.Report) bool { return r.Alert.Fingerprint == fingerprint })
}

func (m memory) Reports(_ context.Context, f Filter) ([]report.Report, error) {
	return pass(m.reports, f.Limit, f.PassReport), m.err
}

func (m memory) Incident(_ context.Context, id string) (report.Incident, error) {
	return find(m.incidents, m.err, func(i report.Incident) bool { return i.ID == id })
}

func (m memory) Incidents(_ context.Context, f Filter) ([]report.Incident, error) {
	return pass(m.incidents, f.Limit, f.PassIncident), m.err
}

func (m memory) Case(_ context.Context, id string) (report.Case, error) {
	return find(m.cases, m.err, func(c report.Case) bool { return c.ID == id })
}

func (m memory) Cases(_ context.Context, f Filter) ([]report.Case, error) {
	return pass(m.cases, f.Limit, f.PassCase), m.err
}

func find[T any](all []T, err error, is func(T) bool) (T, error) {
	var none T
	if err != nil {
		return none, err
	}
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], nil
	}
	return none, ErrNotFound
}

func pass[T any](all []T, limit int, passes func(T) bool) []T {
	var out []T
	for _, v := range all {
		if passes(v) && (limit == 0 || len(out) < limit) {
			out = append(out, v)
		}
	}
	return out
}

// idOf turns a name into an id.
func idOf(name string) string { return (name + strings.Repeat("a", 16))[:16] }

// Fingerprints.
const (
	cartAlert    = "000000000000cafe"
	pendingAlert = "000000000000f00d" // its report is being made
)

// example is the report in testdata: errors on one path of one version, and a database out of
// connections as the reason.
func example(t testing.TB) report.Report {
	t.Helper()
	body, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// options serve m, two and a half minutes after the example.
func options(t testing.TB, m memory) Options {
	t.Helper()
	now := example(t).CreatedAt.Add(150 * time.Second)
	servers := Servers{Prometheus: []*url.URL{parseURL(t, "http://prometheus:9090")}, Grafana: parseURL(t, "https://grafana.example.org")}
	return Options{Reader: m, Servers: func() Servers { return servers }, Now: func() time.Time { return now }}
}

func parseURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func get(t testing.TB, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// getPage reads a page as a browser does.
func getPage(t testing.TB, opts Options, path string, status int) *goquery.Document {
	t.Helper()
	w := get(t, New(opts), path)
	if w.Code != status {
		t.Fatalf("GET %s: status %d, want %d\n%s", path, w.Code, status, w.Body)
	}
	doc, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
