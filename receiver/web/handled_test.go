// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/culprit-dev/culprit/receiver/report"
)

func TestWhatAlertmanagerDidIsOnThePage(t *testing.T) {
	r := example(t)
	at := func(minutes int) time.Time {
		return r.Alert.StartsAt.Truncate(time.Hour).Add(time.Duration(minutes) * time.Minute)
	}
	r.Handled = []report.Handled{
		{What: report.Silenced, By: "ann", Comment: "repair", First: at(1), Last: at(9), Until: at(10)},
		{What: report.Inhibited, By: "node", First: at(2), Last: at(2), Source: "0000000000000abc"},
		{What: report.Inhibited, By: "node", First: at(3), Last: at(3), Source: "0000000000000abc", Alert: "NodeDown"},
		{What: report.Notified, By: "pager (pagerduty)", First: at(14), Last: at(44), Times: 2},
		{What: report.Notified, By: "mail (email)", First: at(14), Last: at(14), Times: 1},
	}
	section := getPage(t, options(t, memory{reports: []report.Report{r}}), "/reports/"+r.ID, http.StatusOK).Find(`section[aria-labelledby="handled"]`)
	got := section.Find("li").Map(func(_ int, s *goquery.Selection) string {
		var parts []string
		s.Find("p").Each(func(_ int, p *goquery.Selection) { parts = append(parts, strings.TrimSpace(p.Text())) })
		return strings.Join(parts, " | ")
	})
	now := clock{options(t, memory{}).Now()}
	stamp := func(minutes int) string { return now.stamp(at(minutes)) }
	want := []string{
		stamp(1) + " silenced by ann | repair, last at " + stamp(9) + "; set to last until " + stamp(10),
		stamp(2) + " inhibited by the rule node",
		stamp(3) + " inhibited by NodeDown",
		stamp(14) + " sent to receiver pager (pagerduty) | 2 times; last at " + stamp(44),
		stamp(14) + " sent to receiver mail (email)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if href, _ := section.Find("a").Attr("href"); href != "/a/0000000000000abc" {
		t.Errorf("the alert that inhibits leads to %s", href)
	}
	r.Handled = nil
	if n := getPage(t, options(t, memory{reports: []report.Report{r}}), "/reports/"+r.ID, http.StatusOK).Find("#handled").Length(); n != 0 {
		t.Error("where nothing is told something is shown")
	}
}
