// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/chromedp"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web/webtest"
)

// reported is a world with the report of an alert that is told everywhere.
func reported(t *testing.T) (*world, report.Report) {
	t.Helper()
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("there is a report", func() bool { list := w.reports(); return len(list) == 1 && len(list[0].Sent) > 0 })
	return w, w.reports()[0]
}

// again has a report explained again, by its form.
func (w *world) again(id string, form url.Values, from string) (int, *goquery.Document) {
	w.t.Helper()
	ask, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.daemon.URL()+"/reports/"+id+"/explain", strings.NewReader(form.Encode()))
	w.must(err)
	ask.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if from != "" {
		ask.Header.Set("Sec-Fetch-Site", from)
	}
	resp, err := http.DefaultClient.Do(ask)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	doc, err := goquery.NewDocumentFromReader(resp.Body)
	w.must(err)
	return resp.StatusCode, doc
}

func TestAReportIsExplainedAgainAndNothingIsStored(t *testing.T) {
	w, before := reported(t)
	for _, c := range []struct {
		form url.Values
		says string
	}{
		{nil, "path=/pay"},
		{url.Values{"without": {"path=/pay"}}, "No change found"},
		{url.Values{"only": {"path=/pay"}}, "version=v2"},
		{url.Values{"only": {"path=/pay"}, "without": {"version=v2"}}, "No change found"},
	} {
		code, doc := w.again(before.ID, c.form, "same-origin")
		if got := doc.Find("h1").Text(); code != http.StatusOK || !strings.Contains(got, c.says) {
			t.Errorf("%v: %d %q\n%s", c.form, code, got, doc.Find("#doubts").Parent().Text())
		}
	}
	list := w.reports()
	if len(list) != 1 || list[0].Summary != before.Summary || !list[0].Plan.End.Equal(before.Plan.End) || len(list[0].Sent) != len(before.Sent) {
		t.Errorf("the report is now %+v", list)
	}
	if code, _ := w.again(before.ID, nil, "cross-site"); code != http.StatusForbidden {
		t.Errorf("for a page of another site: %d", code)
	}
}

// Nothing could be asked, as with an expression that could not be read; then that was
// mended, and somebody wants to know it after all.
func TestAReportWithoutAPlanIsExplainedAgainAtItsTime(t *testing.T) {
	w, r := reported(t)
	made := r.CreatedAt
	r.Plan, r.ResolvedAt = report.Plan{}, new(time.Now())
	found, err := newExplainer(w.daemon.live.Load, w.daemon.changes, time.Now).Explain(t.Context(), r, nil)
	w.must(err)
	if end := found.Plan.End; end.Before(made.Add(-time.Hour)) || !found.CreatedAt.Equal(made) {
		t.Errorf("the look ends at %s and is of %s, not of %s: %s", end, found.CreatedAt, made, found.Summary)
	}
}

func TestWhatTheAPIMayNotThePageMayNot(t *testing.T) {
	w, r := reported(t)
	turn := newExplainer(w.daemon.live.Load, w.daemon.changes, time.Now)
	turn.turn <- struct{}{}
	turn.turn <- struct{}{}
	if _, err := turn.Explain(t.Context(), r, nil); err == nil || !strings.Contains(err.Error(), "try again") {
		t.Errorf("a third one at a time: %v", err)
	}
	w.configure("prometheus: {url: '" + w.prometheus.URL() + "'}\nalertmanagers: [{url: '" + w.alertmanager.URL() + "'}]\nexplain_api: {enabled: false}\n" + testRules)
	w.must(w.daemon.Reload())
	if code, _ := w.again(r.ID, nil, ""); code != http.StatusForbidden {
		t.Errorf("switched off: %d", code)
	}
}

// A button of the page works in a browser, without any script.
func TestAButtonAsksWithoutAValue(t *testing.T) {
	ctx := webtest.Browser(t)
	w, r := reported(t)
	w.must(chromedp.Do(ctx, chromedp.Navigate(w.daemon.URL()+"/reports/"+r.ID)))
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector("button[name=without][value='path=/pay']").click(), true`))
	w.must(err)
	w.await("the browser shows the answer", func() bool {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector(".again")?.textContent + " " + document.querySelector("h1").textContent`))
		return err == nil && strings.HasPrefix(got, "Without path=/pay. Asked just now") && strings.Contains(got, "No change found")
	})
}
