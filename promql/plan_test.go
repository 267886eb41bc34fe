// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

func ratioPlan(t *testing.T) Plan {
	t.Helper()
	plan, err := NewPlan(config.Rule{
		Name: "checkout errors",
		Target: &config.Target{Query: `100 * sum(rate(http_requests_total{service="{{ .Labels.service }}",code=~"5.."}[2m]))
			/ sum(rate(http_requests_total{service="{{ .Labels.service }}"}[2m])) > 5`},
		Breakdown: &config.Breakdown{Labels: []string{"instance", "path", "method"}},
		Candidates: []config.Candidate{
			{Name: "cpu", Query: `sum by (pod) (rate(container_cpu_usage_seconds_total{namespace="{{ .Labels.namespace }}"}[2m]))`},
			{Name: "queue", Query: "queue_length"},
		},
		Topology: &config.Topology{Query: "sum by (client, server) (rate(traces_service_graph_request_total[5m]))"},
	}, Alert{
		Labels:   model.LabelSet{"alertname": "CheckoutErrors", "service": "check\"out", "namespace": "shop"},
		StartsAt: clock("12:05:00"), Onset: clock("12:00:07"),
	}, clock("12:06:01"))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// printed lists all queries of a plan with their times, as if there were data for three days.
func printed(p Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, onset %s, to %s, every %s\n", p.Rule, p.Start.Format(time.TimeOnly), p.Onset.Format(time.TimeOnly), p.End.Format(time.TimeOnly), p.Step)
	qs := p.first(p.parts())
	for _, t := range p.Targets {
		qs = append(qs, t.Breakdown.leafCount(t.Breakdown.Labels, t.Breakdown.grid.end))
		qs = append(qs, t.Breakdown.queries(t.Breakdown.Labels, t.Breakdown.samples([]int{1, 2, 3}, true))...)
	}
	for _, q := range append(qs, p.others()...) {
		at := q.End.Format("02 15:04:05.999")
		if !q.instant() {
			at = fmt.Sprintf("%s … %s every %s", q.Start.Format("02 15:04:05.999"), at, q.Step)
		}
		fmt.Fprintf(&b, "\n%s, %s, %s\n\t%s\n", q.Role, q.Name, at, q.Query)
	}
	return b.String()
}

func TestPlansAreAsTheyWere(t *testing.T) {
	additive, err := NewPlan(config.Rule{
		Name: "orders", Target: &config.Target{Query: "sum(rate(orders_total[5m]))"}, Breakdown: &config.Breakdown{Labels: []string{"region"}},
	}, Alert{Labels: model.LabelSet{"alertname": "OrdersFell"}, StartsAt: clock("12:00:00")}, clock("12:10:00"))
	if err != nil {
		t.Fatal(err)
	}
	for file, plan := range map[string]Plan{"testdata/plan_ratio.golden": ratioPlan(t), "testdata/plan_additive.golden": additive} {
		got := printed(plan)
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s", file, got)
		}
	}
}

func TestEveryQueryOfAPlanParses(t *testing.T) {
	p := ratioPlan(t)
	for _, q := range append(p.first(p.parts()), p.Targets[0].Breakdown.queries([]string{"a", "http.status"}, p.Targets[0].Breakdown.samples([]int{1}, true))...) {
		e, err := expr.Parse(q.Query)
		if err != nil {
			t.Errorf("%s: %v", q.Query, err)
		} else if e.String() != q.Query {
			t.Errorf("%s is printed as %s", q.Query, e)
		}
	}
}

func TestAPlanWithoutATargetIsAnErrorWithItsReason(t *testing.T) {
	alert := Alert{Labels: model.LabelSet{"alertname": "A"}, StartsAt: clock("12:00:00"), GeneratorURL: "http://vm/vmalert/alert?group_id=1"}
	for name, c := range map[string]struct {
		rule   config.Rule
		reason string
	}{
		"no expression in the alert": {config.Rule{Name: "r"}, "generatorURL holds no expression"},
		"a query that doesn't parse": {config.Rule{Name: "r", Target: &config.Target{Query: "sum("}}, "parse error"},
		"a value as a metric":        {config.Rule{Name: "r", Target: &config.Target{Query: "{{ .Labels.alertname }}"}}, "inside the value of a matcher"},
	} {
		plan, err := NewPlan(c.rule, alert, clock("12:05:00"))
		if err == nil || !strings.Contains(err.Error(), c.reason) || !strings.Contains(err.Error(), `rule "r"`) {
			t.Errorf("%s: %v", name, err)
		}
		if len(plan.Warnings) != 1 {
			t.Errorf("%s: warnings %v", name, plan.Warnings)
		}
	}
}

func TestATargetThatCantBePlannedLeavesTheOthers(t *testing.T) {
	plan, err := NewPlan(config.Rule{Targets: []config.Target{
		{Name: "bad", Query: "sum("},
		{Name: "good", Query: "sum(a)", Candidates: []config.Candidate{{Name: "worse", Query: "}"}, {Name: "fine", Query: "b"}}},
	}}, Alert{Labels: model.LabelSet{"alertname": "A"}}, clock("12:05:00"))
	if err != nil || len(plan.Targets) != 1 || len(plan.Targets[0].Candidates) != 1 || len(plan.Warnings) != 2 {
		t.Errorf("%v, %+v", err, plan)
	}
}

func TestATargetIsCalledAfterItsRuleOrAlert(t *testing.T) {
	alert := Alert{Labels: model.LabelSet{"alertname": "A"}}
	for want, rule := range map[string]config.Rule{
		"named": {Name: "r", Target: &config.Target{Name: "named", Query: "a"}},
		"r":     {Name: "r", Target: &config.Target{Query: "a"}},
		"A":     {Target: &config.Target{Query: "a"}},
	} {
		plan, err := NewPlan(rule, alert, clock("12:05:00"))
		if err != nil || plan.Targets[0].Query.Name != want {
			t.Errorf("%v, %+v; want %s", err, plan.Targets, want)
		}
	}
}

func TestThePlanOfAnAlertFromItsOwnExpression(t *testing.T) {
	plan, err := NewPlan(config.Rule{Name: "any"}, Alert{
		Labels:       model.LabelSet{"alertname": "A", "svc": "cart", "replica": "B"},
		Own:          model.LabelSet{"alertname": "A", "svc": "cart"},
		StartsAt:     clock("12:00:00"),
		GeneratorURL: "http://prom/graph?g0.expr=sum+by+%28svc%2C+replica%29+%28rate%28kpi_total%5B5m%5D%29%29+%3E+0&g0.tab=1",
	}, clock("12:05:00"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := plan.Targets[0].Query.Query, `sum by (svc, replica) (rate(kpi_total{svc="cart"}[5m]))`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if b := plan.Targets[0].Breakdown; b == nil || b.Labels != nil || b.Reason != "" {
		t.Errorf("breakdown %+v", b)
	}
}
