// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

// If the KPI of a rule's own did not move, the alert's expression shows why the alert fires.
func TestAGuardIsLookedAtWhereTheKPIOfARuleStoodStill(t *testing.T) {
	cfg := withRules(t, `
rules:
- name: clusters
  matchers: ['alertname="NotWatched"']
  target: {query: sum(cluster_ready)}
  candidates: []
`)
	w := Test{Name: "watched", Interval: Duration(time.Minute), Alerts: []Alert{{
		Labels: model.LabelSet{"alertname": "NotWatched", "cluster": "c2"}, Verdict: "any",
		Expr:  `(cluster_ready == 1) unless on (cluster) (up{job="ksm"} == 1)`,
		Onset: Duration(121 * time.Minute), At: Duration(130 * time.Minute),
	}}}
	for _, cluster := range []string{"c1", "c2", "c3"} {
		up := "1x140"
		if cluster == "c2" {
			up = "1x120 stale"
		}
		w.InputSeries = append(w.InputSeries,
			InputSeries{Series: `cluster_ready{cluster="` + cluster + `"}`, Values: "1x140"},
			InputSeries{Series: `up{job="ksm",cluster="` + cluster + `"}`, Values: up})
	}
	outcomes, err := w.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes[0].Summary; !strings.Contains(got, "cluster=c2") || strings.Contains(got, "No change") {
		t.Errorf("%s", got)
	}
	said := false
	for _, warning := range outcomes[0].Result.Warnings {
		said = said || warning.Source == "guard" && strings.Contains(warning.Text, "unless on (cluster)")
	}
	if !said {
		t.Errorf("%v", outcomes[0].Result.Warnings)
	}
}
