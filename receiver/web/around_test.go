// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/culprit-dev/culprit/receiver/report"
)

// owned is the example with all that may stand around it.
func owned(t testing.TB) report.Report {
	t.Helper()
	r := example(t)
	r.Context = report.Context{
		Facts: []report.Fact{
			{Name: "team", Value: "payments", From: "kube_pod_labels"},
			{Name: "dashboard", Value: "https://grafana.example.org/d/x", From: "annotation"},
			{Name: "repository", Value: "https://git.example.net/shop", From: "label"},
			{Name: "runbook", Value: "javascript:alert(1)", From: "label"},
		},
		Links:     []report.Link{{Name: "Logs", URL: "https://logs.example.org/?q=1"}, {Name: "Bad", URL: "javascript:alert(1)"}},
		Exemplars: []report.Exemplar{{TraceID: "4bf92f", At: r.CreatedAt, Value: 1.25, URL: "https://traces.example.org/4bf92f"}},
	}
	return r
}

func TestThePageShowsTheContext(t *testing.T) {
	r := owned(t)
	section := getPage(t, options(t, memory{reports: []report.Report{r}}), "/reports/"+r.ID, http.StatusOK).Find(`section[aria-labelledby="around"]`)
	text := strings.Join(strings.Fields(section.Text()), " ")
	for _, part := range []string{"Logs", "4bf92f", "1.25 at", "payments", "kube_pod_labels", "at git.example.net, named by the alert", "javascript:alert(1)"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in %q", part, text)
		}
	}
	var hrefs []string
	section.Find("a").Each(func(_ int, a *goquery.Selection) { hrefs = append(hrefs, a.AttrOr("href", "")) })
	want := []string{"https://logs.example.org/?q=1", "https://traces.example.org/4bf92f", "https://grafana.example.org/d/x", "https://git.example.net/shop"}
	if !reflect.DeepEqual(hrefs, want) {
		t.Errorf("%q", hrefs)
	}
	for _, attack := range attacks() {
		r := owned(t)
		poison(reflect.ValueOf(&r.Context), attack)
		doc := getPage(t, options(t, memory{reports: []report.Report{r}}), "/reports/"+r.ID, http.StatusOK)
		section := doc.Find(`section[aria-labelledby="around"]`)
		if n := section.Find(`script, img, style, textarea, [onmouseover], [onload], a[href^="javascript"]`).Length(); n != 0 {
			t.Errorf("%.40q makes %d elements", attack, n)
		}
	}
}
