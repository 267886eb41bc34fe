// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/report"
)

// A link from an alert shows its host, unless the configuration has that server.
func TestLinksOfAnAlertSayWhereTheyLead(t *testing.T) {
	for _, c := range []struct{ address, marked string }{
		{"https://runbooks.evil.example.org/x", "runbooks.evil.example.org"},
		{"https://grafana.example.org.evil.example.org/", "grafana.example.org.evil.example.org"},
		{"https://grafana.example.org:8443/", "grafana.example.org:8443"},
		{"https://grafana.example.org/d/runbook", ""},
		{"http://prometheus:9090/x", ""},
	} {
		doc := examplePage(t, func(r *report.Report) {
			r.Alert.Annotations = model.LabelSet{"runbook_url": model.LabelValue(c.address)}
			r.Alert.GeneratorURL = c.address + "/graph"
		})
		for where, name := range map[string]string{".answer .links": "Runbook", ".queries .links": "Open in Prometheus"} {
			a := doc.Find(where).First().Find("a").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Text() == name })
			if a.Length() != 1 || !strings.HasPrefix(a.AttrOr("href", ""), c.address) || a.AttrOr("rel", "") != "noopener noreferrer nofollow" {
				t.Fatalf("%s: %s: %d links to %q", where, c.address, a.Length(), a.AttrOr("href", ""))
			}
			if got := a.Parent().Find(".foreign bdi").Text(); got != c.marked {
				t.Errorf("%s %s is marked with %q, not %q", name, c.address, got, c.marked)
			}
		}
	}
}

func TestOnlyWebPagesAreLinked(t *testing.T) {
	for _, address := range []string{
		"javascript:alert(1)//graph", "data:text/html,x", "//evil.example.org/graph", "https://user:password@grafana.example.org/graph", "https:///graph",
		"https://gra\u202efana.example.org/graph", "https://a b/graph", "ftp://x/graph", "http://\u009b31m/graph",
	} {
		doc := examplePage(t, func(r *report.Report) {
			r.Alert.Annotations, r.Alert.GeneratorURL = model.LabelSet{"runbook_url": model.LabelValue(address)}, address
		})
		if n := doc.Find(".foreign").Length(); n != 0 || strings.Contains(doc.Find(".answer .links").Text(), "Runbook") {
			t.Errorf("%q is a link", address)
		}
	}
}

// Even reports stored before dashboards were validated link only to dashboards.
func TestADashboardIsBelowD(t *testing.T) {
	for uid, want := range map[string]string{"svc-checkout": "/d/svc-checkout", "../..": "", "..": "", "a/b": "", "a?b": "", "a%2f..": ""} {
		doc := examplePage(t, func(r *report.Report) { r.Grafana = report.Place{DashboardUID: uid} })
		got := doc.Find(".answer .links a[href^='https://grafana.example.org']").AttrOr("href", "")
		if path, _, _ := strings.Cut(strings.TrimPrefix(got, "https://grafana.example.org"), "?"); path != want {
			t.Errorf("%q leads to %q", uid, got)
		}
	}
}

// The servers are read each time a page is made.
func TestLinksFollowTheServers(t *testing.T) {
	r := example(t)
	opts := options(t, memory{reports: []report.Report{r}})
	servers := Servers{Grafana: parseURL(t, "https://old.example.org")}
	opts.Servers = func() Servers { return servers }
	h := New(opts)
	get(t, h, "/reports/"+r.ID)
	servers.Grafana = parseURL(t, "https://new.example.org/grafana")
	w := get(t, h, "/reports/"+r.ID)
	if body := w.Body.String(); w.Code != http.StatusOK || strings.Contains(body, "old.example.org") || !strings.Contains(body, "https://new.example.org/grafana/d/") {
		t.Errorf("status %d", w.Code)
	}
}
