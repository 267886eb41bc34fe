// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web/webtest"
)

// notes is a Judge that keeps the feedback on the example.
type notes struct {
	mu   sync.Mutex
	list []report.Feedback
}

func (n *notes) Judge(_ context.Context, id string, f report.Feedback) error {
	if id != "ucw35ojyqjve6f5o" {
		return ErrNotFound
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, f)
	return nil
}

func (n *notes) all() []report.Feedback {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.list)
}

func asking(t testing.TB, m memory) (Options, *notes) {
	t.Helper()
	opts, heard := options(t, m), &notes{}
	opts.Judge = heard
	return opts, heard
}

func send(h http.Handler, path, kind, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheFormOfAReportIsTaken(t *testing.T) {
	r := example(t)
	opts, heard := asking(t, memory{reports: []report.Report{r}})
	path := "/reports/" + r.ID + "/feedback"
	for _, form := range []url.Values{{"says": {"right"}}, {"says": {"wrong"}}, {"says": {"other"}, "was": {"the disk"}}} {
		w := send(New(opts), path, "application/x-www-form-urlencoded", form.Encode())
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/reports/"+r.ID+"#feedback" {
			t.Errorf("%v: %d %s", form, w.Code, w.Header())
		}
	}
	if len(heard.all()) != 3 || heard.all()[2].Was != "the disk" || heard.all()[0].Via != report.ViaPage {
		t.Errorf("%+v", heard.all())
	}
	for body, status := range map[string]int{
		"says=maybe": http.StatusBadRequest, "": http.StatusBadRequest, "says=other": http.StatusBadRequest, "was=" + strings.Repeat("x", 9000): http.StatusBadRequest,
	} {
		if w := send(New(opts), path, "application/x-www-form-urlencoded", body); w.Code != status {
			t.Errorf("%.20s: %d", body, w.Code)
		}
	}
}

func TestTheAPITakesFeedback(t *testing.T) {
	r := example(t)
	opts, heard := asking(t, memory{reports: []report.Report{r}})
	for body, status := range map[string]int{
		`{"says":"right","by":"ann"}`: http.StatusOK, `{"was":"the disk"}`: http.StatusOK, `{"says":"right"} x`: http.StatusBadRequest, `{"say":"right"}`: http.StatusBadRequest,
		`{}`: http.StatusBadRequest, ``: http.StatusBadRequest, `{"was":"` + strings.Repeat("x", 9000) + `"}`: http.StatusBadRequest,
	} {
		if w := send(New(opts), "/api/v1/reports/"+r.ID+"/feedback", "application/json", body); w.Code != status {
			t.Errorf("%.40s: %d %s", body, w.Code, w.Body)
		}
	}
	if len(heard.all()) != 2 {
		t.Errorf("%+v", heard.all())
	}
	for _, id := range []string{"aaaaaaaaaaaaaaaa", "..", "nothing"} {
		if w := send(New(opts), "/api/v1/reports/"+id+"/feedback", "application/json", `{"says":"right"}`); w.Code != http.StatusNotFound && w.Code/100 != 3 {
			t.Errorf("%s: %d", id, w.Code)
		}
	}
}

func TestFeedbackIsShown(t *testing.T) {
	r := example(t)
	at := r.CreatedAt.Add(time.Minute)
	r.Feedback = []report.Feedback{
		{Says: report.Wrong, Via: report.ViaPage, At: at, Summary: "something else"},
		{Says: report.Other, Was: "<b>the disk</b>", By: "ann", Via: report.ViaSilence, At: at, Summary: r.Summary},
	}
	opts, _ := asking(t, memory{reports: []report.Report{r}})
	doc := getPage(t, opts, "/reports/"+r.ID, http.StatusOK)
	text := strings.Join(strings.Fields(doc.Find(".said").Text()), " ")
	for _, part := range []string{"Wrong", "of: something else", "It was <b>the disk</b>", "ann, ", "in a silence"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in %q", part, text)
		}
	}
	opts.Judge = nil
	if doc := getPage(t, opts, "/reports/"+r.ID, http.StatusOK); doc.Find("form").Length() != 0 || doc.Find(".said").Length() != 1 {
		t.Error("where nobody listens somebody is asked")
	}
}

// The buttons work in a browser, even without a script. Enter in the field submits only the field,
// not a judgement.
func TestAPersonJudgesInABrowser(t *testing.T) {
	ctx := webtest.Browser(t)
	r := example(t)
	opts, heard := asking(t, memory{reports: []report.Report{r}})
	srv := httptest.NewServer(New(opts))
	t.Cleanup(srv.Close)
	for _, act := range []chromedp.Action[chromedp.Void]{
		chromedp.Click(chromedp.CSS(`button[value="right"]`)),
		chromedp.SendKeys(chromedp.CSS(`input[name="was"]`), "the disk\r"),
	} {
		n := len(heard.all())
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(390, 844), chromedp.Navigate(srv.URL+"/reports/"+r.ID), act); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); len(heard.all()) == n; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("nothing was sent")
			}
		}
	}
	if got := heard.all(); len(got) != 2 || got[0].Says != report.Right || got[1].Says != report.Other || got[1].Was != "the disk" {
		t.Errorf("%+v", got)
	}
}
