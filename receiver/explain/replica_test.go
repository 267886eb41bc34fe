// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/promtest"
	"github.com/culprit-dev/culprit/receiver/report"
)

// fleetDown explains an alert on the share of targets down: of twenty targets
// in two zones, those that down picks have been down for eight minutes.
func fleetDown(t *testing.T, down func(i int) bool, conf config.Prometheus) (report.Report, *promtest.Server) {
	t.Helper()
	const minutes, lasting = 180, 8
	var b strings.Builder
	b.WriteString("load 1m\n")
	for i := range 20 {
		values := fmt.Sprintf("1x%d", minutes)
		if down(i) {
			values = fmt.Sprintf("1x%d 0x%d", minutes-lasting, lasting)
		}
		fmt.Fprintf(&b, "up{job=\"api\",instance=\"api-%d\",zone=\"z%d\"} %s\n", i, i%2, values)
	}
	s := promtest.New(t, b.String())
	at := func(minute int) time.Time { return time.Unix(int64(60*minute), 0).UTC() }
	const expr = `100 * (count by (job) (up == 0) / count by (job) (up)) > 10`
	return Report(t.Context(), fetcherOf(t, s, conf), Question{
		Alert: report.Alert{
			Labels: model.LabelSet{"alertname": "TargetsDown", "job": "api"}, StartsAt: at(minutes - 3),
			GeneratorURL: "http://p/graph?" + url.Values{"g0.expr": {expr}}.Encode(),
		},
		Rule: &config.Rule{}, Onset: at(minutes - lasting + 1), Now: at(minutes),
	}), s
}

func some(i int) bool { return i == 3 || i == 8 || i == 13 }

func TestReplicasAreNamedWhereNoOtherLabelTells(t *testing.T) {
	r, _ := fleetDown(t, some, config.Prometheus{})
	if len(r.Result.Causes) == 0 || r.Result.Verdict != analysis.Explained {
		t.Fatalf("%s: %s", r.Result.Verdict, r.Summary)
	}
	var named []string
	for _, set := range r.Result.Causes[0].Labels {
		if len(set) != 1 {
			t.Errorf("%v", set)
		}
		named = append(named, set["instance"])
	}
	slices.Sort(named)
	if want := []string{"api-13", "api-3", "api-8"}; !slices.Equal(named, want) {
		t.Errorf("%s", r.Summary)
	}
	if !asksByInstance(r) {
		t.Errorf("the questions that told are not shown: %v", r.Plan.Queries)
	}
}

// asksByInstance reports whether the report shows a query by instance.
func asksByInstance(r report.Report) bool {
	return slices.ContainsFunc(r.Plan.Queries, func(q report.Query) bool {
		return q.Role == report.RoleBreakdown && strings.Contains(q.Query, "instance")
	})
}

func TestReplicasAreNotNamedWhereAllWentDown(t *testing.T) {
	r, _ := fleetDown(t, func(int) bool { return true }, config.Prometheus{})
	if len(r.Result.Causes) > 0 || r.Result.Verdict != analysis.External {
		t.Errorf("%s: %s", r.Result.Verdict, r.Summary)
	}
	if !asksByInstance(r) {
		t.Errorf("a look that brought nothing is not shown: %v", r.Plan.Queries)
	}
}

func TestReplicasAreNotAskedBeyondTheBudget(t *testing.T) {
	first, _ := fleetDown(t, func(int) bool { return true }, config.Prometheus{})
	_, s := fleetDown(t, some, config.Prometheus{})
	whole := len(s.Requests())
	r, s := fleetDown(t, some, config.Prometheus{MaxQueries: len(first.Plan.Queries) + 1}) // earlier firings are queried, too
	if few := len(s.Requests()); few >= whole {
		t.Errorf("%d requests of a small budget, %d of a large one", few, whole)
	}
	if !slices.ContainsFunc(r.Result.Warnings, func(w analysis.Warning) bool { return w.Source == "cost" }) {
		t.Errorf("nothing says that something was left out: %v", r.Result.Warnings)
	}
}
