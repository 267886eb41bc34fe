// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// many are reports, newest first; every third is as old as the one before.
func many(t testing.TB, n int) memory {
	t.Helper()
	var m memory
	for i := range n {
		r := example(t)
		r.ID, r.CreatedAt = idOf(fmt.Sprintf("r%04d", n-i)), r.CreatedAt.Add(-time.Duration(i-i%3/2)*time.Minute)
		m.reports = append(m.reports, r)
	}
	return m
}

// Nothing is left out in silence: the header Link leads from page to page through
// all reports, each of them once.
func TestReportsAreReadPageByPage(t *testing.T) {
	m := many(t, 25)
	h := New(options(t, m))
	var got, want []string
	for _, r := range m.reports {
		want = append(want, r.ID)
	}
	next, pages := "/api/v1/reports?limit=10&alertname=CheckoutErrors", 0
	for ; next != ""; pages++ {
		w := get(t, h, next)
		var list []report.Report
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			got = append(got, r.ID)
		}
		next, _, _ = strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Errorf("in %d pages (-want +got):\n%s", pages, diff)
	}
}

func TestTheListOfReportsLeadsToOlderOnes(t *testing.T) {
	opts := options(t, many(t, 25))
	doc := getPage(t, opts, "/?limit=20", http.StatusOK)
	if n := doc.Find(".rows li a").Length(); n != 20 {
		t.Errorf("%d reports on a page of 20", n)
	}
	older := doc.Find("a[rel=next]").AttrOr("href", "")
	doc = getPage(t, opts, "/"+older, http.StatusOK)
	if n := doc.Find(".rows li a").Length(); n != 5 || doc.Find("a[rel=next]").Length() != 0 {
		t.Errorf("%q has %d reports, want the last 5", older, n)
	}
}

func TestReportsAreFiltered(t *testing.T) {
	m := many(t, 4)
	m.reports[1].Result.Verdict = analysis.NoConfidentCause
	m.reports[2].Alert.Labels = m.reports[2].Alert.Labels.Clone()
	m.reports[2].Alert.Labels["service"] = "Basket"
	m.reports[3].Alert.StartsAt = m.reports[3].Alert.StartsAt.Add(-24 * time.Hour)
	opts := options(t, m)
	for query, want := range map[string]int{
		"verdict=no_confident_cause": 1, "q=basket": 1, "q=checkout": 4, "match=" + url.QueryEscape(`service="Basket"`): 1,
		"to=2026-03-13T12:00:00Z": 1, "from=2026-03-14T00:00:00Z": 3, "q=nowhere": 0, "q=&match=&verdict=": 4,
	} {
		doc := getPage(t, opts, "/?"+query, http.StatusOK)
		if n := doc.Find(".rows li a").Length(); n != want {
			t.Errorf("%s: %d reports, want %d", query, n, want)
		}
		if want == 0 && !strings.Contains(textOf(doc.Find(".nothing")), "No report passes this filter") {
			t.Errorf("%s: the empty list says %q", query, textOf(doc.Find(".nothing")))
		}
	}
	for _, query := range []string{"verdict=maybe", "from=yesterday", "after=x"} {
		if w := get(t, New(opts), "/api/v1/reports?"+query); w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d", query, w.Code)
		}
	}
}

func TestAReportLeadsToASilenceOfItsAlert(t *testing.T) {
	r := example(t)
	r.Alert.Labels["team"] = `pay "&" ments`
	opts := options(t, memory{reports: []report.Report{r}})
	servers := opts.Servers()
	servers.Alertmanager = parseURL(t, "https://alertmanager.example.org/am/")
	opts.Servers = func() Servers { return servers }
	href := getPage(t, opts, "/reports/"+r.ID, http.StatusOK).Find(".answer a:contains(Silence)").AttrOr("href", "")
	filter, ok := strings.CutPrefix(href, "https://alertmanager.example.org/am/#/silences/new?filter=")
	text, err := url.PathUnescape(filter)
	if want := `{alertname="CheckoutErrors",service="checkout",severity="page",team="pay \"&\" ments"}`; !ok || err != nil || text != want {
		t.Errorf("%q: matchers %s, want %s", href, text, want)
	}
	end := r.Alert.StartsAt.Add(time.Hour)
	r.ResolvedAt = &end
	opts.Reader = memory{reports: []report.Report{r}}
	if n := getPage(t, opts, "/reports/"+r.ID, http.StatusOK).Find(".answer a:contains(Silence)").Length(); n != 0 {
		t.Error("an alert that is resolved is offered to be silenced")
	}
}

// What was asked is folded by role; the target is open, and the candidate of a
// confident cause is the first of its group.
func TestQueriesAreFoldedByRole(t *testing.T) {
	doc := examplePage(t, nil)
	groups := doc.Find("section:has(#queries) details")
	if got := texts(groups.Find("summary")); len(got) < 3 || got[0] != "1 target" {
		t.Errorf("groups %q", got)
	}
	if open := groups.Filter("[open]"); open.Length() != 1 || textOf(open.Find("summary")) != "1 target" {
		t.Errorf("%d groups are open", open.Length())
	}
}

// An incident of many names says the first and how many more there are.
func TestManyAlertsAreNotNamedOneByOne(t *testing.T) {
	var names []string
	for i := range 104 {
		names = append(names, fmt.Sprintf("Alert%03d", i))
	}
	if got, want := alertNames(names), "Alert000, Alert001, Alert002, Alert003, and 100 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPagesAreSmall(t *testing.T) {
	r := example(t)
	h := New(options(t, memory{reports: []report.Report{r}}))
	for _, path := range []string{"/", "/reports/" + r.ID, "/changes", "/cases"} {
		if n := get(t, h, path).Body.Len(); n > 60<<10 {
			t.Errorf("%s has %d bytes, more than 60 KiB", path, n)
		}
	}
}

// Reports that say the same of one alert are one row, and none of them is lost: each has
// its link.
func TestReportsThatSayTheSameAreFolded(t *testing.T) {
	m := many(t, 9)
	m.reports[4].Summary = "something else"
	m.reports[7].Alert.Labels = m.reports[7].Alert.Labels.Clone()
	m.reports[7].Alert.Labels["pod"] = "checkout-7"
	doc := getPage(t, options(t, m), "/", http.StatusOK)
	if n := doc.Find(".rows > li").Length(); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	folded := doc.Find(".rows > li").First().Find("details.same")
	if got := textOf(folded.Find("summary")); got != "7 more of CheckoutErrors say the same" {
		t.Errorf("the fold says %q", got)
	}
	if got := textOf(folded.Find("details > ul > li").Eq(5).Find(".labels")); got != "pod=checkout-7" {
		t.Errorf("of the folded report the labels %q are shown", got)
	}
	links := map[string]bool{}
	for _, href := range doc.Find(".rows a").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("href", "") }) {
		links[href] = true
	}
	for _, r := range m.reports {
		if !links["/reports/"+r.ID] {
			t.Errorf("no link to %s", r.ID)
		}
	}
}
