// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// behind puts a gate between culprit and a server.
func (w *world) behind(t *testing.T, server *string) *lab.Gate {
	t.Helper()
	real := *server
	g, err := lab.StartGate(real)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	*server = g.URL()
	err = w.writeConfig()
	*server = real
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// healthy fails the test if culprit is down.
func (w *world) healthy(t *testing.T) {
	t.Helper()
	if _, err := fetch(t.Context(), http.MethodGet, w.culpritURL()+"/-/healthy", nil); err != nil {
		t.Errorf("culprit is not healthy: %v", err)
	}
}

func TestWithPrometheusDownTheReportSaysSoAndIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := startTest(t, nil)
	g := w.behind(t, &w.prometheusURL)
	startInside(t, w)
	g.Down()
	w.flip(t, "a", 1)
	list := w.reportsOf(t, "report without evidence", "Switch", func(list []report.Report) bool {
		return len(list) == 1 && list[0].Result.Verdict == analysis.InsufficientEvidence
	})
	r, _, err := w.report(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status == report.Complete || len(r.Result.Warnings) == 0 {
		t.Errorf("the report is %s with the warnings %v, want it to say what failed", r.Status, r.Result.Warnings)
	}
	w.healthy(t)
	g.Pass()
	w.reportsOf(t, "report with evidence", "Switch", func(list []report.Report) bool {
		return len(list) == 1 && list[0].ID == r.ID && list[0].Result.Verdict != analysis.InsufficientEvidence
	})
}

func TestWithAlertmanagerDownTheAnnotationIsWrittenLater(t *testing.T) {
	t.Parallel()
	w := startTest(t, nil)
	g := w.behind(t, &w.alertmanagerURL)
	startInside(t, w)
	g.Down()
	w.flip(t, "a", 1)
	w.reportsOf(t, "report with a failed annotation", "Switch", func(list []report.Report) bool {
		return len(list) == 1 && has(sentBy(list[0].Sent, sink.NameAnnotation), report.SentFailed)
	})
	w.healthy(t)
	g.Pass()
	w.annotated(t, "Switch")
}

func TestWithGrafanaAnswering500TheRegionIsMadeLater(t *testing.T) {
	t.Parallel()
	w := startTest(t, nil)
	w.grafana.Fail(http.StatusInternalServerError)
	startInside(t, w)
	w.flip(t, "a", 1)
	list := w.reportsOf(t, "report", "Switch", func(list []report.Report) bool { return len(list) == 1 && len(list[0].Sent) > 0 })
	inc := eventually(t, "failed region", func(ctx context.Context) (report.Incident, bool, error) {
		inc, err := fetchJSON[report.Incident](ctx, http.MethodGet, w.culpritURL()+"/api/v1/incidents/"+list[0].Incident, nil)
		return inc, has(sentBy(inc.Sent, sink.NameGrafana), report.SentFailed), err
	})
	for _, s := range sentBy(inc.Sent, sink.NameGrafana) {
		if !strings.Contains(s.Error, "500") {
			t.Errorf("the failure says %q, want the status in it", s.Error)
		}
	}
	if !has(sentBy(list[0].Sent, sink.NameAnnotation), report.SentOK) {
		t.Errorf("Grafana's failure has kept the alert from its annotation: %+v", list[0].Sent)
	}
	w.healthy(t)
	w.grafana.Fail(0)
	w.regions(t, 1, false)
}

func TestAServerThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := startTest(t, nil)
	g := w.behind(t, &w.grafanaURL)
	startInside(t, w)
	g.Hold()
	start := time.Now()
	w.flip(t, "a", 1)
	w.annotated(t, "Switch")
	t.Logf("the alert is annotated after %s while Grafana hangs", time.Since(start))
}
