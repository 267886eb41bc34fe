// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

func examplePage(t *testing.T, change func(*report.Report)) *goquery.Document {
	t.Helper()
	r := example(t)
	if change != nil {
		change(&r)
	}
	return getPage(t, options(t, memory{reports: []report.Report{r}}), "/reports/"+r.ID, http.StatusOK)
}

// textOf returns the text of a selection, with single spaces.
func textOf(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

func texts(s *goquery.Selection) []string {
	return s.Map(func(_ int, s *goquery.Selection) string { return textOf(s) })
}

func TestAnswerComesFirst(t *testing.T) {
	r, doc := example(t), examplePage(t, nil)
	if got := textOf(doc.Find("h1")); got != r.Summary {
		t.Errorf("the heading is %q, not the summary %q", got, r.Summary)
	}
	if got := textOf(doc.Find("h1 .more")); !strings.HasPrefix(got, "; db connections") {
		t.Errorf("the first cause does not stand out: the rest is %q", got)
	}
	if !doc.Find("main h1, main h2").First().Is("h1") {
		t.Error("something comes before the answer")
	}
	if got := textOf(doc.Find(".alert")); got != "CheckoutErrors firing for 2 min as of 03:06 UTC" {
		t.Errorf("got %q", got)
	}
	if got := textOf(doc.Find("title")); !strings.HasPrefix(got, "CheckoutErrors: 82 % of the rise") {
		t.Errorf("the title is %q", got)
	}
	resolved := examplePage(t, func(r *report.Report) { end := r.Alert.StartsAt.Add(3 * time.Hour); r.ResolvedAt = &end })
	if got := textOf(resolved.Find(".answer .state")); got != "resolved after 3 h 0 min" {
		t.Errorf("got %q", got)
	}
}

func TestCausesAreListedInOrderWithTheirBars(t *testing.T) {
	doc := examplePage(t, nil)
	want := []string{
		"1 path=/pay, version=v2 82 %",
		`2 db connections pod="cart-db-0" 61 %`,
		`3 cart latency p99 pod="cart-7c9f" 24 %`,
		`4 cpu pod="checkout-5d8b" 4 %`,
	}
	if diff := cmp.Diff(want, texts(doc.Find(".cause-head"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	widths := doc.Find(".cause > .bar .fill").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("width", "") })
	if diff := cmp.Diff([]string{"82%", "61%", "24%", "4%"}, widths); diff != "" {
		t.Errorf("bars:\n%s", diff)
	}
	if got := textOf(doc.Find(".cause .meta").First()); got != "where ●●● high confidence 1.1/s → 32.2/s ×29" {
		t.Errorf("got %q", got)
	}
	second := doc.Find(".cause").Eq(1)
	if second.Find("svg.spark").Length() != 0 || doc.Find("svg.chart .panel.why").Length() != 2 {
		t.Error("a series that is sure is drawn above the KPI, and there only")
	}
	if doc.Find(".cause").Eq(3).Find("svg.spark path").Length() != 1 {
		t.Error("a guess has no line")
	}
	if second.Find("details[open]").Length() != 0 {
		t.Error("the arithmetic is not one tap away but there at once")
	}
	for _, want := range []string{
		"contribution, in the KPI's unit (φ) 23.1", "chosen by the regression yes", "moved since 03:01:00 UTC",
		`can't be told apart from db wait time{pod="cart-db-0"}`,
	} {
		if !slices.Contains(texts(second.Find(".facts div")), want) {
			t.Errorf("%q is not among the evidence: %q", want, texts(second.Find(".facts div")))
		}
	}
}

func TestNoCauseIsSaidPlainly(t *testing.T) {
	for verdict, want := range map[analysis.Verdict][2]string{
		analysis.NoConfidentCause:     {"No cause found: errors per second 3.1/s → 41/s, but nothing stands out", "Nothing examined explains enough"},
		analysis.External:             {"No single place: errors per second 3.1/s → 41/s is spread alike", "No label value moved more than the others"},
		analysis.NoChange:             {"No change found: errors per second is 41/s, no farther from the expected 3.1/s than in quiet times", "there is no change to explain"},
		analysis.InsufficientEvidence: {`No answer: The query "disk latency" was refused`, "There was too little evidence"},
	} {
		t.Run(string(verdict), func(t *testing.T) {
			doc := examplePage(t, func(r *report.Report) {
				r.Result.Verdict, r.Result.Causes = verdict, nil
				r.Summary = r.Line()
			})
			if got := textOf(doc.Find("h1")); !strings.HasPrefix(got, want[0]) {
				t.Errorf("the heading is %q", got)
			}
			if got := textOf(doc.Find(".nothing").First()); !strings.Contains(got, want[1]) {
				t.Errorf("in place of causes: %q", got)
			}
			if n := doc.Find(".queries li").Length(); n != 8 {
				t.Errorf("%d queries are shown, 8 were asked", n)
			}
		})
	}
}

func TestThePageSaysWhyThereIsNoSinglePlace(t *testing.T) {
	for _, tt := range []struct {
		why                       analysis.Everywhere
		heading, eyebrow, instead string
	}{
		{analysis.MixShifted, "No part changed: errors per second 3.1/s → 41/s because", "Traffic mix", "how traffic is distributed"},
		{analysis.AllStopped, "Everything stopped: errors per second 3.1/s → 41/s", "", "All label values stopped together"},
	} {
		doc := examplePage(t, func(r *report.Report) {
			r.Result.Verdict, r.Result.Causes = analysis.External, nil
			r.Result.Everywhere = tt.why
			r.Summary = r.Line()
		})
		if got := textOf(doc.Find("h1")); !strings.HasPrefix(got, tt.heading) {
			t.Errorf("the heading is %q", got)
		}
		if got := textOf(doc.Find(".verdict")); got != tt.eyebrow {
			t.Errorf("above the heading: %q, want %q", got, tt.eyebrow)
		}
		if got := textOf(doc.Find(".nothing").First()); !strings.Contains(got, tt.instead) {
			t.Errorf("in place of causes: %q", got)
		}
	}
}

func TestQueriesAreShownWithLinks(t *testing.T) {
	r, doc := example(t), examplePage(t, nil)
	queries := doc.Find(".queries li")
	if queries.Length() != len(r.Plan.Queries) {
		t.Fatalf("%d queries, want %d", queries.Length(), len(r.Plan.Queries))
	}
	if got := queries.First().Find("code").Text(); got != r.Plan.Queries[0].Query {
		t.Errorf("a copied query would be %q", got)
	}
	link, err := url.Parse(queries.First().Find("a").AttrOr("href", ""))
	if err != nil {
		t.Fatal(err)
	}
	if link.Host != "prometheus.example.org" || link.Path != "/graph" || link.Query().Get("g0.expr") != r.Plan.Queries[0].Query ||
		link.Query().Get("g0.range_input") != "1h5m" || link.Query().Get("g0.end_input") != "2026-03-14 03:07:00" {
		t.Errorf("the link is %s", link)
	}
	without := examplePage(t, func(r *report.Report) { r.Alert.GeneratorURL = "https://vmalert.example.org/rule/17" })
	if n := without.Find(".queries a").Length(); n != 0 {
		t.Errorf("%d links to a Prometheus that is not known", n)
	}
}

func TestWarningsAndWriteBacksAreInWords(t *testing.T) {
	doc := examplePage(t, nil)
	if got := textOf(doc.Find(".eyebrow a[href='#doubts']")); got != "some evidence is missing" {
		t.Errorf("got %q", got)
	}
	if got := textOf(doc.Find(".doubts li p").First()); !strings.HasPrefix(got, `The query "disk latency" was refused`) {
		t.Errorf("got %q", got)
	}
	want := []string{
		"annotation sent",
		"silence not sent: no silence is active on this alert",
		"grafana sent",
		"webhook failed: 503 Service Unavailable after 4 tries; it is tried again every minute",
	}
	got := doc.Find(".sent li").Map(func(_ int, s *goquery.Selection) string { return textOf(s.Find("p").First()) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	quiet := examplePage(t, func(r *report.Report) { r.Result.Warnings, r.Sent, r.Status = nil, nil, report.Complete })
	if got := texts(quiet.Find(".nothing")); len(got) != 2 {
		t.Errorf("no warnings and nothing sent: %q", got)
	}
}

func TestDimensionsAreTables(t *testing.T) {
	doc := examplePage(t, nil)
	if got := texts(doc.Find(".dimension summary strong")); strings.Join(got, " ") != "path version region instance" {
		t.Errorf("got %q", got)
	}
	if got := textOf(doc.Find(".dimension").First().Find("tbody tr").First()); got != "/pay86 %1.2/s → 33.8/s" {
		t.Errorf("got %q", got)
	}
	many := examplePage(t, func(r *report.Report) {
		d := &r.Result.Dimensions[0]
		for range 50 {
			d.Elements = append(d.Elements, analysis.Element{Value: "", EP: -0.5})
		}
	})
	if n := many.Find(".dimension").First().Find("tbody tr").Length(); n != 12 {
		t.Errorf("%d values are listed, not 12", n)
	}
	if got := many.Find(".dimension").First().Text(); !strings.Contains(got, "and 43 more values") || !strings.Contains(got, "(no such label)") {
		t.Errorf("got %q", got)
	}
	if many.Find(".bar.negative").Length() == 0 {
		t.Error("what moves against the change looks as if it moved with it")
	}
}

func TestIncidentPage(t *testing.T) {
	one, two := example(t), example(t)
	two.ID, two.Alert.Labels = idOf("two"), one.Alert.Labels.Clone()
	two.Alert.Labels["alertname"] = "CartSlow"
	inc := report.Open("group", one.Alert.StartsAt, "").Merge([]report.Report{one, two}, one.CreatedAt)
	one.Incident, two.Incident = inc.ID, inc.ID
	m := memory{reports: []report.Report{one, two}, incidents: []report.Incident{inc}}
	doc := getPage(t, options(t, m), "/incidents/"+inc.ID, http.StatusOK)
	if got := textOf(doc.Find("h1")); got != inc.Summary || !strings.HasPrefix(got, "2 alerts: ") {
		t.Errorf("the heading is %q", got)
	}
	if got := textOf(doc.Find(".explains").First()); got != "explains all alerts: CartSlow, CheckoutErrors" && got != "explains all alerts: CheckoutErrors, CartSlow" {
		t.Errorf("got %q", got)
	}
	if got := doc.Find(".rows a").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("href", "") }); len(got) != 2 || got[0] != "/reports/"+one.ID {
		t.Errorf("reports: %q", got)
	}
	front := getPage(t, options(t, m), "/", http.StatusOK)
	if got := front.Find("a[href='/incidents/" + inc.ID + "']").Length(); got != 1 {
		t.Errorf("the front page has %d links to the incident", got)
	}
}

func TestPageOfAnAlertWaitsForItsReport(t *testing.T) {
	opts := options(t, several(t))
	w := get(t, New(opts), "/a/"+pendingAlert)
	if w.Code != http.StatusAccepted || w.Header().Get("Retry-After") != "2" {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	doc := getPage(t, opts, "/a/"+pendingAlert, http.StatusAccepted)
	if doc.Find("meta[http-equiv=refresh][content='2']").Length() != 1 || textOf(doc.Find("h1")) != "Looking, about 3 s" {
		t.Errorf("got %s", textOf(doc.Find("main")))
	}
	ready := getPage(t, opts, "/a/"+cartAlert, http.StatusOK)
	if ready.Find("meta[http-equiv=refresh]").Length() != 0 || textOf(ready.Find(".alert strong")) != "CartSlow" {
		t.Errorf("got %s", textOf(ready.Find(".alert")))
	}
}

// An alert may be in the queue, where nobody sees it: its page reloads, but not forever.
func TestPageOfAnAlertThatIsNotKnownLooksAgainForAMinute(t *testing.T) {
	opts := options(t, several(t))
	address, looks := "/a/00000000000000aa", 0
	for next := ""; looks < 100; looks++ {
		doc := getPage(t, opts, address+next, http.StatusNotFound)
		content, again := doc.Find("meta[http-equiv=refresh]").Attr("content")
		if !again {
			break
		}
		if _, next, again = strings.Cut(content, "5; url="); !again {
			t.Fatalf("it looks again by %q", content)
		}
	}
	if looks != 12 {
		t.Errorf("it looked again %d times", looks)
	}
	if doc := getPage(t, opts, "/a/0000", http.StatusNotFound); doc.Find("meta[http-equiv=refresh]").Length() != 0 {
		t.Error("what is no fingerprint is looked for again")
	}
}

func TestFrontPage(t *testing.T) {
	doc := getPage(t, options(t, several(t)), "/?open=true&match=team%3Dpayments", http.StatusOK)
	if got := doc.Find(".rows a[href^='/reports/']").Length(); got != 2 {
		t.Errorf("%d reports, want 2", got)
	}
	if got := textOf(doc.Find(".list > .quiet")); !strings.Contains(got, `{team="payments"}`) {
		t.Errorf("the filter is not said: %q", got)
	}
	empty := getPage(t, options(t, memory{}), "/", http.StatusOK)
	if got := textOf(empty.Find(".nothing")); !strings.HasPrefix(got, "No reports yet.") {
		t.Errorf("got %q", got)
	}
}

// Behind a proxy that serves culprit below a path, all links lead there.
func TestLinksBeginWithThePathOfTheExternalURL(t *testing.T) {
	opts := options(t, several(t))
	opts.External = parseURL(t, "https://ops.example.org/culprit/")
	for _, path := range []string{"/", "/reports/" + idOf("open"), "/incidents/" + idOf("first"), "/nothing"} {
		w := get(t, New(opts), path)
		doc, err := goquery.NewDocumentFromReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		doc.Find("[href], [src]").Each(func(_ int, s *goquery.Selection) {
			link := s.AttrOr("href", s.AttrOr("src", ""))
			if strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "/culprit/") {
				t.Errorf("%s: the link %s leads out of /culprit/", path, link)
			}
		})
	}
}

// Every page has a policy that allows only its own script and style, and complies with it: no
// inline script, no style attribute, nothing from elsewhere.
func TestContentSecurityPolicy(t *testing.T) {
	h := New(options(t, several(t)))
	for _, path := range []string{"/", "/reports/" + idOf("open"), "/incidents/" + idOf("first"), "/a/" + pendingAlert, "/nothing"} {
		w := get(t, h, path)
		policy := w.Header().Get("Content-Security-Policy")
		doc, err := goquery.NewDocumentFromReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		sheet := doc.Find("head link[rel=stylesheet]").AttrOr("href", "")
		if style := get(t, h, sheet); !strings.HasPrefix(sheet, "/static/style.css?") || style.Code != 200 || !strings.HasPrefix(style.Header().Get("Content-Type"), "text/css") || style.Body.Len() < 1000 {
			t.Errorf("%s: the style at %q: status %d, %s", path, sheet, style.Code, style.Header().Get("Content-Type"))
		}
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %s", path, policy)
		}
		if n := doc.Find("[style], style, script:not([src='/static/copy.js']), img, iframe, object, embed, form:not(.search), link:not(head link[rel=stylesheet])").Length(); n != 0 {
			t.Errorf("%s: %d elements that the policy forbids", path, n)
		}
		if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", path, got)
		}
	}
	if w := get(t, h, "/static/copy.js"); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
		t.Errorf("the script: status %d, %s", w.Code, w.Header().Get("Content-Type"))
	}
}

func TestEverySectionHasAName(t *testing.T) {
	doc := examplePage(t, nil)
	doc.Find("section").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("aria-labelledby", "")
		if id == "" || doc.Find("#"+id).Length() != 1 {
			t.Errorf("a section is labelled by %q, which is there %d times", id, doc.Find("#"+id).Length())
		}
	})
	doc.Find("svg").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("aria-hidden", "") != "true" && (s.AttrOr("role", "") != "img" || s.AttrOr("aria-label", "") == "") {
			t.Error("a drawing has no words for who can't see it")
		}
	})
	doc.Find("th").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("scope", "") == "" {
			t.Errorf("the heading %q has no scope", s.Text())
		}
	})
	if doc.Find("html[lang=en]").Length() != 1 {
		t.Error("the page does not say its language")
	}
}
