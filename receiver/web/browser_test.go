// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"context"
	"image"
	_ "image/png" // to read screenshots
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web/webtest"
)

// seen is what a browser makes of a page.
type seen struct {
	Scroll, Window float64 // width of the page and of the window
	Top, Bottom    float64 // of the answer
	Height         float64 // of the window
	Paper          string  // the background shows that the style was allowed
	Buttons        int     // copy buttons show that the script was allowed
}

const look = `(() => {
  const h1 = document.querySelector("h1").getBoundingClientRect();
  return {
    Scroll: document.documentElement.scrollWidth, Window: innerWidth, Height: innerHeight, Top: h1.top, Bottom: h1.bottom,
    Paper: getComputedStyle(document.body).backgroundColor, Buttons: document.querySelectorAll("button.copy").length,
  };
})()`

// On a phone the answer is on the first screen, nothing scrolls sideways, and the policy allows
// what the page needs, whatever the labels.
func TestPagesInABrowser(t *testing.T) {
	ctx := webtest.Browser(t)
	r := example(t)
	long, inc := hostile(t, strings.Repeat("W", 5000))
	m := memory{reports: []report.Report{r, long}, incidents: []report.Incident{inc}, pending: []string{pendingAlert}}
	judged, kase, more := caseOfExample(t)
	judged.ID, judged.Context = idOf("j"), owned(t).Context
	judged.Context.Facts = append(judged.Context.Facts, report.Fact{Name: "owner", Value: strings.Repeat("W", 300), From: "label"})
	m.reports, m.incidents, m.cases = append(m.reports, judged), append(m.incidents, more.incidents...), more.cases
	opts, _ := asking(t, m)
	opts.Changes = changeList{all: append(changesUntil(opts.Now()), changelog.Change{Title: strings.Repeat("W", 300), Labels: map[string]string{"service": strings.Repeat("W", 512)}})}
	srv := httptest.NewServer(New(opts))
	t.Cleanup(srv.Close)
	for _, size := range [][2]int64{{320, 568}, {390, 844}, {1280, 900}} {
		for _, path := range []string{"/reports/" + r.ID, "/reports/" + judged.ID, "/reports/" + hostileID, "/incidents/" + inc.ID, "/", "/changes", "/cases", "/cases/" + kase.ID, "/a/" + pendingAlert, "/nothing"} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(size[0], size[1]), chromedp.Navigate(srv.URL+path)); err != nil {
				t.Fatal(err)
			}
			got, err := chromedp.Run(ctx, chromedp.Evaluate[seen](look))
			if err != nil {
				t.Fatal(err)
			}
			checkSeen(t, path, got)
		}
	}
	checkScreenshot(ctx, t, srv.URL+"/reports/"+r.ID)
}

func checkSeen(t *testing.T, path string, got seen) {
	t.Helper()
	if got.Scroll > got.Window {
		t.Errorf("%s scrolls sideways: %g wide in a window of %g", path, got.Scroll, got.Window)
	}
	if got.Top < 0 || got.Top > got.Height {
		t.Errorf("%s: the answer begins at %g of %g", path, got.Top, got.Height)
	}
	if strings.HasPrefix(path, "/reports/u") && got.Bottom > got.Height*0.6 {
		t.Errorf("%s: the answer ends at %g of %g: no cause is on the first screen", path, got.Bottom, got.Height)
	}
	if got.Paper != "rgb(250, 248, 245)" {
		t.Errorf("%s: the style is not applied: background %s", path, got.Paper)
	}
	if strings.HasPrefix(path, "/reports/") && got.Buttons != 8 {
		t.Errorf("%s: %d copy buttons for 8 queries", path, got.Buttons)
	}
}

// checkScreenshot checks that anything is drawn at all: a blank page passes every other test.
func checkScreenshot(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(390, 844), chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[[3]uint32]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			colours[[3]uint32{r, g, b}] = true
		}
	}
	if len(colours) < 50 {
		t.Errorf("the page has %d colours", len(colours))
	}
}
