// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web/webtest"
)

// reported is a world with one report, sent to every sink.
func reported(t *testing.T) (*world, report.Report) {
	t.Helper()
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("there is a report", func() bool { list := w.reports(); return len(list) == 1 && len(list[0].Sent) > 0 })
	return w, w.reports()[0]
}

// again submits the form that explains a report again.
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

func TestAPartIsExplainedAndNothingIsStored(t *testing.T) {
	w, before := reported(t)
	for _, c := range []struct {
		form url.Values
		says string
	}{
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

// A fresh look at the whole of a firing alert replaces its report, which keeps what is not part of
// the look.
func TestAFiringAlertThatIsExplainedAgainHasItsReportRenewed(t *testing.T) {
	w, before := reported(t)
	if _, err := w.daemon.store.update(t.Context(), before.ID, func(r *record) {
		r.Report.Feedback = []report.Feedback{{Says: report.Right, By: "ann"}}
		r.Report.Timings.Queued = 99 // marks the old look
	}); err != nil {
		t.Fatal(err)
	}
	var page report.Report
	if code, doc := w.again(before.ID, nil, "same-origin"); code != http.StatusOK || doc.Find(".again").Length() != 0 || !strings.Contains(doc.Find("h1").Text(), "path=/pay") {
		t.Errorf("%d, not led to the report: %q", code, doc.Find(".again").Text())
	}
	if code := w.get("/api/v1/reports/"+before.ID, &page); code != http.StatusOK || page.Timings.Queued != 0 || !page.CreatedAt.Equal(before.CreatedAt) || page.URL != before.URL {
		t.Errorf("%d: not the new look, or not in the place of the old one: %+v %s %s", code, page.Timings, page.CreatedAt, page.URL)
	}
	if page.Incident != before.Incident || len(page.Feedback) != 1 || len(page.Sent) < len(before.Sent) {
		t.Errorf("lost: %q %v %v", page.Incident, page.Feedback, page.Sent)
	}

	for name, c := range map[string]struct {
		change func(*report.Report)
		stands bool // both are mentioned
	}{
		"a look that failed":                 {func(r *report.Report) { r.Status = report.Failed }, false},
		"a look that was cut short":          {func(r *report.Report) { r.Status = report.Partial }, false},
		"a failed look at another server":    {func(r *report.Report) { r.Status, r.Prometheus = report.Failed, "us" }, false},
		"a look that finds nothing any more": {func(r *report.Report) { r.Result.Verdict, r.Result.Causes = analysis.NoChange, nil }, true},
	} {
		found := page
		c.change(&found)
		stored, err := w.daemon.worker.renew(t.Context(), found)
		var kept report.Report
		w.get("/api/v1/reports/"+before.ID, &kept)
		if told := len(kept.Result.Warnings) > len(page.Result.Warnings); err != nil || stored || kept.Summary != page.Summary || told != c.stands {
			t.Errorf("%s: stored %v, %v, told %v: %s", name, stored, err, told, kept.Summary)
		}
		page = kept
	}
	elsewhere := page
	elsewhere.Status, elsewhere.Prometheus = report.Partial, "us" // after a reload the alert belongs to another server
	if stored, err := w.daemon.worker.renew(t.Context(), elsewhere); !stored || err != nil {
		t.Errorf("of another server: %v %v", stored, err)
	}
	later := page
	later.ID = report.ID(page.Alert.Fingerprint, page.Alert.StartsAt.Add(time.Hour))
	if stored, err := w.daemon.worker.renew(t.Context(), later); stored || err != nil || len(w.reports()) != 1 {
		t.Errorf("of another firing: %v %v", stored, err)
	}
}

// overtaken is a bucket in which somebody else writes before the first write.
type overtaken struct {
	bucket
	other func()
}

func (o *overtaken) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if other := o.other; other != nil {
		o.other = nil
		other()
	}
	return o.bucket.Update(ctx, key, value, revision)
}

// Another replica ends the alert, or learns more about it, while a person's look is being written.
func TestALookOvertakenByAnotherWriteIsJudgedAgain(t *testing.T) {
	sure := analysis.Finding{Rank: 1, Kind: analysis.KindSeries, Name: "cpu", Series: "cpu", Confidence: analysis.High}
	for name, c := range map[string]struct {
		meanwhile func(*record)
		stored    bool
	}{
		"ended":          {func(r *record) { r.Report.ResolvedAt = &noon }, false},
		"more was found": {func(r *record) { r.Report.Result.Causes = []analysis.Finding{sure} }, false},
		"it was judged":  {func(r *record) { r.Report.Feedback = []report.Feedback{{Says: report.Wrong}} }, true},
	} {
		b, race := brokerOf(t, t.TempDir()), &overtaken{}
		mine := storeOn(t, b, storeOptions{}, func(r, i bucket) (bucket, bucket) { race.bucket = r; return race, i })
		other := storeOn(t, b, storeOptions{}, nil)
		r := recordOf(0, noon)
		r.Report.Status = report.Complete
		mustPut(t, mine, r)
		race.other = func() {
			if _, err := other.update(t.Context(), r.Report.ID, c.meanwhile); err != nil {
				t.Error(err)
			}
		}
		w := &worker{store: mine, publisher: &publisher{}, metrics: newMetrics(prometheus.NewRegistry()), log: slog.New(slog.DiscardHandler), now: time.Now}
		found := r.Report
		found.Result.Verdict = analysis.NoChange
		stored, err := w.renew(t.Context(), found)
		kept, loadErr := other.load(t.Context(), r.Report.ID)
		if err != nil || loadErr != nil || stored != c.stored {
			t.Errorf("%s: stored %v: %v %v", name, stored, err, loadErr)
		}
		was := kept
		if c.meanwhile(&was); !cmp.Equal(was.Report, kept.Report, cmpopts.IgnoreFields(analysis.Result{}, "Warnings")) {
			t.Errorf("%s: what the other has written is lost", name)
		}
	}
}

// The expression could not be parsed, so there was no plan. Then it was fixed, and somebody asks
// again.
func TestAReportWithoutAPlanIsExplainedAgainAtItsTime(t *testing.T) {
	w, r := reported(t)
	made := r.CreatedAt
	r.Plan, r.ResolvedAt = report.Plan{}, new(time.Now())
	look, err := newExplainer(w.daemon.live.Load, w.daemon.changes, time.Now).Explain(t.Context(), r, nil)
	w.must(err)
	found := look.Found
	if end := found.Plan.End; end.Before(made.Add(-time.Hour)) || !found.CreatedAt.Equal(made) {
		t.Errorf("the look ends at %s and is of %s, not of %s: %s", end, found.CreatedAt, made, found.Summary)
	}
}

func TestThePageMayOnlyDoWhatTheAPIMay(t *testing.T) {
	w, r := reported(t)
	turn := newExplainer(w.daemon.live.Load, w.daemon.changes, time.Now)
	turn.slots <- struct{}{}
	turn.slots <- struct{}{}
	if _, err := turn.Explain(t.Context(), r, nil); err == nil || !strings.Contains(err.Error(), "try again") {
		t.Errorf("a third one at a time: %v", err)
	}
	w.configure("prometheus: {url: '" + w.prometheus.URL() + "'}\nalertmanagers: [{url: '" + w.alertmanager.URL() + "'}]\nexplain_api: {enabled: false}\n" + testRules)
	w.must(w.daemon.Reload())
	if code, _ := w.again(r.ID, nil, ""); code != http.StatusForbidden {
		t.Errorf("switched off: %d", code)
	}
}

// The buttons of the page work in a browser, without JavaScript.
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
