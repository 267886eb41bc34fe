// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

func TestTeamsOfAMetricAreBounded(t *testing.T) {
	var all teams
	of := func(name string) string {
		return all.of(report.Report{Context: report.Context{Facts: []report.Fact{{Name: "owner", Value: "ann"}, {Name: "team", Value: name}}}})
	}
	if got := all.of(report.Report{}); got != "" {
		t.Errorf("a report without a team is of %q", got)
	}
	names := map[string]bool{}
	for i := range 1000 {
		names[of(fmt.Sprint("team-", i))] = true
	}
	if len(names) != mostTeams+1 || !names[otherTeams] || of("team-0") != "team-0" || of("team-999") != otherTeams {
		t.Errorf("%d names", len(names))
	}
}

func TestAReportIsCountedForItsTeam(t *testing.T) {
	m := newMetrics(prometheus.NewRegistry())
	r := report.New(report.Input{
		Alert:  report.Alert{Labels: model.LabelSet{"alertname": "A"}},
		Result: analysis.Result{Verdict: analysis.Explained},
	})
	m.reported(r)
	r.Context.Facts = []report.Fact{{Name: "team", Value: "shop", From: "label"}}
	m.reported(r)
	for team, want := range map[string]float64{"": 1, "shop": 1, "other": 0} {
		if got := testutil.ToFloat64(m.ofTeams.WithLabelValues(team, "explained")); got != want {
			t.Errorf("%q has %v reports, want %v", team, got, want)
		}
	}
	if got := testutil.ToFloat64(m.reports.WithLabelValues("explained", "")); got != 2 {
		t.Errorf("%v reports in all", got)
	}
}
