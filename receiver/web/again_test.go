// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// looks is an Explainer that returns the given report, or a refusal.
type looks struct {
	off   bool
	err   error
	parts []report.Part

	late, stored bool
}

func (l *looks) Explains() bool { return !l.off }

func (l *looks) Explain(_ context.Context, r report.Report, parts []report.Part) (Look, error) {
	l.parts = parts
	r.Feedback = nil
	return Look{r, l.late, l.stored}, l.err
}

func explaining(t *testing.T, l *looks) (Options, report.Report) {
	t.Helper()
	r := example(t)
	opts, _ := asking(t, memory{reports: []report.Report{r}})
	opts.Explainer = l
	return opts, r
}

func again(t *testing.T, opts Options, id string, form url.Values) (int, *goquery.Document) {
	t.Helper()
	w := send(New(opts), "/reports/"+id+"/explain", "application/x-www-form-urlencoded", form.Encode())
	doc, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, doc
}

func TestAPageAsksAgainWithinWhatItShows(t *testing.T) {
	l := &looks{}
	opts, r := explaining(t, l)
	page := getPage(t, opts, "/reports/"+r.ID, http.StatusOK)
	row := page.Find(".dimension tbody tr").First()
	if value, _ := row.Find("button[name=without]").Attr("value"); value != "path=/pay" || page.Find(".once-more button").Length() != 1 {
		t.Fatalf("the button of the first value says %q", value)
	}
	code, doc := again(t, opts, r.ID, url.Values{"only": {"version=v2", "note=a=b"}, "without": {"path=/pay"}})
	if diff := cmp.Diff([]report.Part{{Label: "version", Value: "v2"}, {Label: "note", Value: "a=b"}, {Label: "path", Value: "/pay", Without: true}}, l.parts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := textOf(doc.Find(".again")); code != http.StatusOK || !strings.HasPrefix(got, "Only version=v2, only note=a=b, without path=/pay. Asked just now; nothing of this is kept or sent.") {
		t.Errorf("%d %q", code, got)
	}
	if doc.Find("[data-refresh]").Length() != 0 || doc.Find("#feedback").Length() != 0 {
		t.Error("what is not stored is read again, or judged")
	}
	kept := doc.Find("form.dimensions input[type=hidden]").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("name", "") + " " + s.AttrOr("value", "") })
	if diff := cmp.Diff([]string{"only version=v2", "only note=a=b", "without path=/pay"}, kept); diff != "" {
		t.Errorf("the next question keeps (-want +got):\n%s", diff)
	}
	if _, doc := again(t, opts, r.ID, nil); !strings.HasPrefix(textOf(doc.Find(".again")), "Looked at again, as a whole.") || len(l.parts) != 0 {
		t.Errorf("%v, %q", l.parts, textOf(doc.Find(".again")))
	}
}

func TestNoButtonAsksForWhatIsRefused(t *testing.T) {
	for _, c := range []struct {
		label, value, part string
	}{
		{"path", "/pay", "path=/pay"},
		{"path", "__missing__", "path="},
		{"path", "__other__", ""},
		{"path", strings.Repeat("a", 1025), ""},
		{"service.name", "cart", ""}, // a name that PromQL accepts only in quotes
	} {
		d := analysis.Dimension{Label: c.label, Elements: []analysis.Element{{Value: c.value}}}
		if got := dimensions([]analysis.Dimension{d}, "")[0].Elements[0].Part; got != c.part {
			t.Errorf("%s=%.10s: %.20q", c.label, c.value, got)
		}
	}
}

func TestThePageSaysWhyNothingIsExplainedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		l    looks
		form url.Values
		code int
		says string
	}{
		"off":      {looks{off: true}, nil, http.StatusForbidden, "The configuration does not allow this (explain_api)."},
		"busy":     {looks{err: &Refusal{http.StatusServiceUnavailable, errors.New("two others are being answered: try again")}}, nil, http.StatusServiceUnavailable, "Two others are being answered: try again."},
		"no label": {looks{}, url.Values{"only": {`a path=/`}}, http.StatusBadRequest, "is not a label name"},
	} {
		opts, r := explaining(t, &c.l)
		code, doc := again(t, opts, r.ID, c.form)
		if code != c.code || !strings.Contains(textOf(doc.Find("main")), c.says) {
			t.Errorf("%s: %d %q", name, code, textOf(doc.Find("main")))
		}
		if has := getPage(t, opts, "/reports/"+r.ID, http.StatusOK).Find(".once-more, .parts").Length() > 0; has == c.l.off {
			t.Errorf("%s: there are buttons: %v", name, has)
		}
	}
	opts, r := explaining(t, &looks{})
	if code, _ := again(t, opts, idOf("none"), nil); code != http.StatusNotFound {
		t.Errorf("a report that is not there: %d", code)
	}
	w := get(t, New(opts), "/reports/"+r.ID+"/explain")
	if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || to != "/reports/"+r.ID {
		t.Errorf("who comes back is led to %q: %d", to, w.Code)
	}
}

func TestWhichReportIsStoredIsSaid(t *testing.T) {
	l := &looks{late: true}
	opts, r := explaining(t, l)
	if code, doc := again(t, opts, r.ID, nil); code != http.StatusOK || !strings.Contains(textOf(doc.Find(".again")), "the alert's report stays, as this has no more evidence") {
		t.Errorf("%d %q", code, textOf(doc.Find(".again")))
	}
	l.stored = true
	w := send(New(opts), "/reports/"+r.ID+"/explain", "application/x-www-form-urlencoded", "")
	if at := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasSuffix(at, "/reports/"+r.ID) {
		t.Errorf("%d to %q", w.Code, at)
	}
}
