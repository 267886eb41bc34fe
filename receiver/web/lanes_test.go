// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/report"
)

// stormOf is an incident with several alerts of each of many names.
func stormOf(t *testing.T, names, each int) (report.Incident, []report.Report) {
	t.Helper()
	inc := report.Incident{ID: idOf("inc"), Summary: "a storm"}
	var reports []report.Report
	for n := range names {
		for i := range each {
			r := example(t)
			r.ID, r.Incident = idOf(fmt.Sprintf("s%dx%d", n, i)), inc.ID
			r.Alert.Labels = r.Alert.Labels.Clone()
			r.Alert.Labels[model.AlertNameLabel] = model.LabelValue(fmt.Sprintf("Alert%02d", n))
			r.Alert.StartsAt = r.Alert.StartsAt.Add(-time.Duration(names-n) * time.Minute)
			reports = append(reports, r)
			inc.Reports, inc.Alerts = append(inc.Reports, r.ID), append(inc.Alerts, r.Name())
		}
	}
	inc.Onset = reports[0].Alert.StartsAt
	return inc, reports
}

func TestAnIncidentHasATimelineAndWhatItHurts(t *testing.T) {
	inc, reports := stormOf(t, 24, 5)
	doc := getPage(t, options(t, memory{reports: reports, incidents: []report.Incident{inc}}), "/incidents/"+inc.ID, http.StatusOK)
	lanes := doc.Find(".lanes li")
	if lanes.Length() != mostLanes || !strings.Contains(textOf(doc.Find("section:has(#lanes)")), "4 more names") {
		t.Errorf("%d lanes: %s", lanes.Length(), textOf(doc.Find("section:has(#lanes)")))
	}
	if got := textOf(lanes.First()); !strings.HasPrefix(got, "Alert00 5 alerts, ") || !strings.HasSuffix(got, " to now") {
		t.Errorf("the first lane says %q", got)
	}
	before := -1.0
	lanes.Find(".fill").Each(func(_ int, bar *goquery.Selection) {
		x, w := parsed(t, bar.AttrOr("x", "")), parsed(t, bar.AttrOr("width", ""))
		if x < before || x < 0 || w <= 0 || x+w > 100.2 {
			t.Errorf("a bar from %v, %v wide, after one from %v", x, w, before)
		}
		before = x
	})
	if got := textOf(doc.Find("section:has(#services) .facts")); got != "checkout 120" {
		t.Errorf("it hurts %q", got)
	}
	if rows := doc.Find("section:has(#reports) .rows > li").Length(); rows != 24 {
		t.Errorf("%d rows of 24 alerts", rows)
	}
	inc.Reports = append(inc.Reports, idOf("expired"))
	doc = getPage(t, options(t, memory{reports: reports, incidents: []report.Incident{inc}}), "/incidents/"+inc.ID, http.StatusOK)
	if text := textOf(doc.Find("section:has(#reports)")); strings.Contains(text, "more are in the JSON") {
		t.Errorf("a report that has expired is said to be in the JSON: %s", text)
	}
}

// An alert that ends before it begins, because clocks differ, still has a bar on the page.
func TestLanesStayOnThePage(t *testing.T) {
	_, reports := stormOf(t, 3, 1)
	early := reports[0].Alert.StartsAt.Add(-time.Hour)
	reports[1].ResolvedAt = &early
	lanes, _ := lanesOf(reports, clock{reports[0].Alert.StartsAt.Add(time.Minute)})
	for _, l := range lanes {
		if x, w := parsed(t, l.X), parsed(t, l.Width); x < 0 || w < 1 || x+w > 100.1 { // in tenths
			t.Errorf("%+v", l)
		}
	}
}

func parsed(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Error(err)
	}
	return v
}
