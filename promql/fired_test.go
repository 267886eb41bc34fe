// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// queues are two queues with a sample every 5 minutes. length gives the length of the failing
// one by step, active whether its alert fires.
func queues(steps int, length func(step int) float64, active func(step int) bool) string {
	var b, fails, alert strings.Builder
	for i := range steps {
		fmt.Fprintf(&fails, " %g", length(i)+float64(i%3))
		state := " stale" // stale, not a gap: the storage can't begin with a gap
		if active(i) {
			state = " 1"
		}
		alert.WriteString(state)
	}
	fmt.Fprintf(&b, "load 5m\nqueue_length{queue=\"mail\"}%s\nqueue_length{queue=\"video\"} 500x%d\n", fails.String(), steps)
	fmt.Fprintf(&b, "backlog{service=\"mailer\"}%s\n", fails.String())
	for _, severity := range []string{"warning", "critical"} {
		fmt.Fprintf(&b, "ALERTS{alertname=\"QueueLong\",alertstate=\"firing\",severity=%q,team=\"a\"}%s\n", severity, alert.String())
	}
	fmt.Fprintf(&b, "ALERTS{alertname=\"QueueLong\",alertstate=\"firing\",severity=\"critical\",team=\"b\"} 1x%d\n", steps)
	return b.String()
}

// queueLook analyses the queues for an alert that began at step onset.
func queueLook(t *testing.T, s *promtest.Server, onset int, labels ...string) (analysis.Frame, analysis.Result) {
	t.Helper()
	at := after(time.Duration(onset) * 5 * time.Minute)
	own := model.LabelSet{"alertname": "QueueLong", "team": "a", "severity": "critical"}
	rule := config.Rule{
		Name: "queue", Target: &config.Target{Query: "sum(queue_length)"}, Breakdown: &config.Breakdown{Labels: labels},
		Candidates: []config.Candidate{{Name: "backlog", Query: "backlog"}},
	}
	f := fetch(t, newFetcher(t, s, nil), rule, promql.Alert{Labels: own, Own: own, StartsAt: at, Onset: at}, at.Add(10*time.Minute))
	return f, analysis.Run(f, analysis.Options{})
}

// Times in which the alert fired don't belong to the baseline: even if it fired for all of the
// last hours, the baseline reaches further back.
func TestBaselineSkipsTimesWhenAlertFired(t *testing.T) {
	const onset = 96 // 8 hours
	fired := func(i int) bool { return i >= 66 && i < 92 }
	s := promtest.New(t, queues(onset+10, func(i int) float64 {
		if fired(i) || i >= onset {
			return 400
		}
		return 40
	}, fired))
	f, r := queueLook(t, s, onset, "queue")
	if len(r.Causes) == 0 || r.Causes[0].Labels[0]["queue"] != "mail" || r.Causes[0].Confidence == analysis.Low {
		t.Fatalf("%s, causes %+v", r.Verdict, r.Causes)
	}
	if got := r.Change.Forecast; got < 535 || got > 550 {
		t.Errorf("%g is expected, 541 is usual", got)
	}
	from, to := after(66*5*time.Minute), after(92*5*time.Minute)
	if len(f.Fired) != 1 || f.Fired[0].Why != analysis.Fired || f.Fired[0].From > float64(from.Unix()) || f.Fired[0].To < float64(to.Unix()) {
		t.Errorf("fired %+v, and did from %d to %d", f.Fired, from.Unix(), to.Unix())
	}
	warned(t, r.Warnings, "baseline", "the time from 05:28 to 07:")
	warned(t, r.Warnings, "baseline", "the alert was pending or firing")
}

// Days on which the alert fired at that hour are skipped: the baseline uses the other days and
// the same day of earlier weeks.
func TestSeasonSkipsDaysWhenAlertFired(t *testing.T) {
	const day, onset = 288, 21*288 + 200
	fired := func(i int) bool { return i%day >= 190 && i%day < 205 && i > onset-6*day-20 && i < onset-20 }
	s := promtest.New(t, queues(onset+10, func(i int) float64 {
		switch {
		case fired(i), i >= onset:
			return 400
		case i%day > 150: // the evening
			return 100
		}
		return 40
	}, fired))
	f, r := queueLook(t, s, onset, "queue")
	if len(r.Causes) == 0 || r.Causes[0].Labels[0]["queue"] != "mail" {
		t.Fatalf("%s, causes %+v, warnings %+v", r.Verdict, r.Causes, r.Warnings)
	}
	if got := r.Change.Forecast; got < 590 || got > 612 || !strings.Contains(r.Forecast, "3 earlier days") {
		t.Errorf("%g is expected, 601 is usual: %s", got, r.Forecast)
	}
	if len(f.Fired) != 6 {
		t.Errorf("fired %+v", f.Fired)
	}
	warned(t, r.Warnings, "baseline", "Jan 2")
}

// The series skip the same times, also for a KPI without a breakdown and without a history of
// its alert.
func TestBaselineSkipsEarlierIncidentWithoutBreakdown(t *testing.T) {
	const onset = 40
	for name, known := range map[string]bool{"the alert fired": true, "it left its band": false} {
		s := promtest.New(t, queues(onset+10, func(i int) float64 {
			if i >= 30 && i < 33 || i >= onset {
				return 400
			}
			return 40
		}, func(i int) bool { return known && i >= 30 && i < 33 }))
		_, r := queueLook(t, s, onset)
		if len(r.Aside) == 0 || r.Aside[0].From > float64(after(150*time.Minute).Unix()) || r.Aside[0].To < float64(after(160*time.Minute).Unix()) {
			t.Errorf("%s: set aside %+v", name, r.Aside)
		}
	}
}

// A missing history of the alert is a warning, not an error.
func TestMissingAlertHistoryIsAWarning(t *testing.T) {
	s := promtest.New(t, queues(60, func(i int) float64 { return 40 + 360*float64(i/50) }, func(int) bool { return false }))
	s.Fail(`/api/v1/query_range count(ALERTS{alertname="QueueLong",alertstate=~"pending|firing",team="a"})`,
		promtest.Failure{Status: 422, Type: "execution", Text: "not today"})
	_, r := queueLook(t, s, 50, "queue")
	warned(t, r.Warnings, "baseline", "not today")
	if r.Verdict != analysis.Explained {
		t.Errorf("%s, warnings %+v", r.Verdict, r.Warnings)
	}
}
