// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web/webtest"
)

// openReport opens the page of a report in a browser.
func openReport(t *testing.T, r report.Report) context.Context {
	t.Helper()
	ctx := webtest.Browser(t)
	opts, _ := asking(t, memory{reports: []report.Report{r}})
	srv := httptest.NewServer(New(opts))
	t.Cleanup(srv.Close)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(390, 844), chromedp.Navigate(srv.URL+"/reports/"+r.ID)); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func evaluate[T any](ctx context.Context, t *testing.T, script string) T {
	t.Helper()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// told are the values that the chart tells, as they are seen.
const told = `(() => [...document.querySelectorAll("svg.chart .told text")].filter((e) => getComputedStyle(e).visibility === "visible").map((e) => e.textContent).join(" "))()`

func TestAChartTellsItsValues(t *testing.T) {
	r := example(t)
	ctx := openReport(t, r)
	if got := evaluate[string](ctx, t, told); got != "" {
		t.Errorf("nobody has pointed at anything: %q", got)
	}
	point := func(kind, share string) string {
		return `(() => {
  const chart = document.querySelector("svg.chart"), box = chart.getBoundingClientRect();
  chart.dispatchEvent(new PointerEvent("` + kind + `", { clientX: box.left + box.width * ` + share + `, clientY: box.top + 20, pointerType: "touch" }));
})()`
	}
	evaluate[any](ctx, t, point("pointerdown", "1"))
	want := "03:07:00"
	for _, p := range kpiChart(r, r.Unit()).Panels {
		want += " " + p.Values[strings.LastIndex(p.Values, "|")+1:]
	}
	if got := evaluate[string](ctx, t, told); got != want || !strings.HasSuffix(want, "/s 8.8/s of 41/s") {
		t.Errorf("at the end: %q, want %q", got, want)
	}
	evaluate[any](ctx, t, point("pointermove", "0"))
	if got := evaluate[string](ctx, t, told); !strings.HasPrefix(got, "02:22:00 ") || !strings.HasSuffix(got, " 2.13/s of 3.3/s") {
		t.Errorf("at the beginning: %q", got)
	}
	evaluate[any](ctx, t, `document.querySelector("svg.chart").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }))`)
	if got := evaluate[string](ctx, t, `document.querySelector("[role=status]").textContent`); !strings.HasPrefix(got, "02:22:45 UTC: 2  db connections") {
		t.Errorf("one step further: %q", got)
	}
}

func TestAReportIsOnePageOfPaper(t *testing.T) {
	ctx := openReport(t, example(t))
	pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(pdf, []byte("/Type /Page\n")); n != 1 {
		t.Errorf("%d pages", n)
	}
}
