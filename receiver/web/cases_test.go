// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// caseOfExample is a case of one report, with earlier occurrences and feedback.
func caseOfExample(t testing.TB) (report.Report, report.Case, memory) {
	t.Helper()
	r := example(t)
	at := r.Alert.StartsAt
	f := report.Feedback{Says: report.Other, Was: "the disk", By: "ann", Via: report.ViaAPI, At: at, Summary: r.Summary}
	last := report.Before{Report: idOf("before"), Alert: "A", At: at.Add(-time.Hour), Seconds: 90, Summary: "it was before", Feedback: &f}
	r.Seen = &report.Seen{Days: 7, Alert: &report.Times{Times: 2, Wrong: 1, Last: last}, Change: &report.Times{Times: 1, Last: last}}
	r.Feedback = []report.Feedback{f}
	inc := report.Open("g", at, "").Merge([]report.Report{r}, at)
	r.Incident = inc.ID
	c := report.NewCase([]report.Member{{Incident: inc, Reports: []report.Report{r}}}, "")
	r.Case = c.ID
	return r, c, memory{reports: []report.Report{r}, incidents: []report.Incident{inc}, cases: []report.Case{c}}
}

func TestACaseHasAPage(t *testing.T) {
	r, c, m := caseOfExample(t)
	opts := options(t, m)
	if href, _ := getPage(t, opts, "/reports/"+r.ID, http.StatusOK).Find(`a:contains("Case")`).Last().Attr("href"); href != "/cases/"+c.ID {
		t.Errorf("the report leads to %s", href)
	}
	doc := getPage(t, opts, "/cases", http.StatusOK)
	if rows := doc.Find(".rows > li"); rows.Length() != 1 || !strings.Contains(rows.Text(), "Hurt: ") {
		t.Errorf("%d rows: %s", rows.Length(), rows.Text())
	}
	doc = getPage(t, opts, "/cases/"+c.ID, http.StatusOK)
	text := strings.Join(strings.Fields(doc.Find("main").Text()), " ")
	for _, part := range []string{"What they share", "What hurts", r.Name(), "1 of 1 alert still fire"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in %q", part, text)
		}
	}
	getPage(t, opts, "/cases/"+idOf("nothing"), http.StatusNotFound)
	getPage(t, opts, "/cases/..%2f", http.StatusNotFound)
	if n := getPage(t, options(t, memory{}), "/cases", http.StatusOK).Find(".nothing").Length(); n != 1 {
		t.Error("a list without cases does not say so")
	}
}

func TestEarlierOccurrencesAreOnThePage(t *testing.T) {
	r, _, m := caseOfExample(t)
	text := strings.Join(strings.Fields(getPage(t, options(t, m), "/reports/"+r.ID, http.StatusOK).Find(".seen").Text()), " ")
	for _, part := range []string{"This alert 2 times in the last 7 days; 1 wrong", "for 90 s", "A: it was before", "It was the disk", "Such a change 1 time"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in %q", part, text)
		}
	}
}

// A change that is another alert is shown with its report.
func TestOtherAlertsAreOnThePage(t *testing.T) {
	r, _, m := caseOfExample(t)
	r.Others = []report.OtherAlert{{Alert: "DiskFull", At: r.Onset.Add(-90 * time.Second), Report: idOf("disk"), Summary: "DiskFull: it is instance=db-1"}}
	m.reports = []report.Report{r}
	others := getPage(t, options(t, m), "/reports/"+r.ID, http.StatusOK).Find(".others")
	text := strings.Join(strings.Fields(others.Text()), " ")
	if text != "DiskFull began 90 s before itIts report: DiskFull: it is instance=db-1" {
		t.Errorf("%q", text)
	}
	if href, _ := others.Find("a").Attr("href"); href != "/reports/"+idOf("disk") {
		t.Errorf("it leads to %s", href)
	}
}

// Alerts that began around the same time are listed by name, each with its report or list.
func TestTheAlertsOfATimeAreOnThePage(t *testing.T) {
	r, _, m := caseOfExample(t)
	start := r.Alert.StartsAt
	r.Then = &report.Then{From: start.Add(-10 * time.Minute), To: start.Add(10 * time.Minute), More: 2, Alerts: []report.Began{
		{Alert: "NodeDown", Alerts: 12, Firing: 10, At: start.Add(-30 * time.Second), Report: idOf("node"), Summary: "it is zone=a"},
		{Alert: "DiskFull", Alerts: 1, At: start.Add(3 * time.Minute), Report: idOf("disk"), Summary: "no cause found"},
	}}
	m.reports = []report.Report{r}
	section := getPage(t, options(t, m), "/reports/"+r.ID, http.StatusOK).Find("#others").Parent()
	text := strings.Join(strings.Fields(section.Text()), " ")
	for _, part := range []string{
		"Began to fire within 10 min of this one:", "NodeDown 12 alerts, 10 firing; the nearest began 30 s before it", "All, the nearest: it is zone=a",
		"DiskFull began 3 min after it, over", "Its report: no cause found", "And alerts of 2 other names.",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in %q", part, text)
		}
	}
	list := section.Find(".then a").First().AttrOr("href", "")
	u, err := url.Parse(list)
	if err != nil || u.Path != "/" {
		t.Fatal(list, err)
	}
	if f, err := parseReports(u); err != nil || f.AlertName != "NodeDown" || !f.From.Equal(r.Then.From) || !f.To.Equal(r.Then.To) {
		t.Errorf("%s lists %+v, %v", list, f, err)
	}
}

func TestNothingInACaseBecomesMarkup(t *testing.T) {
	for _, attack := range attacks() {
		r, c, m := caseOfExample(t)
		poison(reflect.ValueOf(r.Seen), attack)
		r.Others, r.Handled = []report.OtherAlert{{}}, []report.Handled{{What: report.Silenced}, {What: report.Inhibited}}
		poison(reflect.ValueOf(&r.Handled), attack)
		poison(reflect.ValueOf(&r.Others), attack)
		r.Then = &report.Then{Alerts: []report.Began{{}}}
		poison(reflect.ValueOf(r.Then), attack)
		poison(reflect.ValueOf(&r.Feedback), attack)
		poison(reflect.ValueOf(&c.Names), attack)
		poison(reflect.ValueOf(&c.Services), attack)
		c.Summary = attack
		m.reports, m.cases = []report.Report{r}, []report.Case{c}
		for _, path := range []string{"/reports/" + r.ID, "/cases", "/cases/" + c.ID} {
			doc := getPage(t, options(t, m), path, http.StatusOK)
			if n := doc.Find("main script, main img, main style, main textarea, [onmouseover], [onerror], [onload]").Length(); n != 0 {
				t.Errorf("%.40q makes %d elements on %s", attack, n, path)
			}
		}
	}
}
