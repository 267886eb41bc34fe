// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

func TestASmallStormEndsInAReportForEveryAlert(t *testing.T) {
	var out, errs bytes.Buffer
	args := []string{"--alerts", "24", "--within", "1s", "--limit", "90s", "--history", "3h"}
	if code := run(t.Context(), args, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s\n%s", code, errs.String(), out.String())
	}
	table := strings.Join(strings.Fields(out.String()), " ")
	for _, row := range []string{"alerts with a report 24", "reports of an alert that had one 0", "alerts with their causes on them 24"} {
		if !strings.Contains(table, row) {
			t.Errorf("the table lacks %q:\n%s", row, out.String())
		}
	}
}

func TestAGroupThatComesInOneMessageEndsInAReportForEveryAlert(t *testing.T) {
	var out, errs bytes.Buffer
	args := []string{"--alerts", "24", "--group", "24", "--within", "1s", "--limit", "90s", "--history", "3h"}
	if code := run(t.Context(), args, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s\n%s", code, errs.String(), out.String())
	}
	table := strings.Join(strings.Fields(out.String()), " ")
	for _, row := range []string{"alerts in one group 24", "alerts with a report 24", "reports of an alert that had one 0"} {
		if !strings.Contains(table, row) {
			t.Errorf("the table lacks %q:\n%s", row, out.String())
		}
	}
}

func TestWrongCallsAreRefused(t *testing.T) {
	for _, args := range []string{"--alerts 0", "--group 0", "--within 0s", "--what"} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%s: exit %d, says %q", args, code, errs.String())
		}
	}
}

func TestTheTimesComeFromTheReports(t *testing.T) {
	begin := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	made := func(start, queued, annotated float64) report.Report {
		at := func(seconds float64) time.Time { return begin.Add(time.Duration(seconds * float64(time.Second))) }
		return report.Report{
			Alert: report.Alert{StartsAt: at(start)}, CreatedAt: at(start + queued), Timings: report.Timings{Queued: queued},
			Sent: []report.Sent{
				{Sink: sink.NameAnnotation, Status: report.SentOK, At: at(annotated)},
				{Sink: sink.NameSilence, Status: report.SentOK, At: at(annotated + 1)},
			},
		}
	}
	late := made(4, 2, 20)
	late.Sent[0].Status = report.SentFailed
	m := measurement{listed: 4, reports: map[string]report.Report{"a": made(0, 1, 3), "b": made(2, 0.5, 9), "c": late}}
	m.count()
	if m.firing != 4*time.Second || m.last != 21*time.Second {
		t.Errorf("fired over %s, last report after %s, want 4s and 21s", m.firing, m.last)
	}
	if len(m.annotated) != 2 || m.annotated[0] != 3 || m.annotated[1] != 7 {
		t.Errorf("annotated after %v, want 3 and 7", m.annotated)
	}
	if m.twice() != 1 {
		t.Errorf("%d reports are of an alert that had one, want 1", m.twice())
	}
	m.rss = 301e6
	if wrong := m.wrong(options{alerts: 4, memory: 300}); len(wrong) != 3 {
		t.Errorf("wrong are %q, want a missing report, a second one and the memory", wrong)
	}
}

func TestQuantilesAreValuesOfTheList(t *testing.T) {
	list := []float64{1, 2, 3, 4, 100}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.9: 100, 1: 100} {
		if got := quantile(list, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if !math.IsNaN(quantile(nil, 0.5)) {
		t.Error("nothing has a median")
	}
}
