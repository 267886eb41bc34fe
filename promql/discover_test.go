// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// breakdownOf fetches a target without candidates at minute 60.
func breakdownOf(t *testing.T, load, query string, labels []string, most int) (*analysis.Breakdown, []analysis.Warning, *promtest.Server) {
	t.Helper()
	s := promtest.New(t, load)
	f := newFetcher(t, s, func(c *config.Prometheus) { c.MaxSeries = most })
	rule := config.Rule{Target: &config.Target{Name: "kpi", Query: query}}
	if labels != nil {
		rule.Breakdown = &config.Breakdown{Labels: labels}
	}
	frame := fetch(t, f, rule, ordersAlert(55*time.Minute), after(time.Hour))
	return frame.Targets[0].Breakdown, frame.Warnings, s
}

func reasons(b *analysis.Breakdown) map[string]string {
	out := map[string]string{}
	for _, r := range b.Refused {
		out[r.Label] = r.Reason
	}
	return out
}

func TestLabelsAreDiscovered(t *testing.T) {
	var load strings.Builder
	load.WriteString("load 1m\n")
	for i := range 12 {
		fmt.Fprintf(&load, "r_total{job=\"j\",env=\"prod\",path=\"/p%d\",zone=\"z%d\",code=\"%d\",instance=\"i%d\",pod=\"p%d\"} 0+60x60\n", i%4, i%2, 200+300*(i%2), i, i)
	}
	load.WriteString("r_total{job=\"j\",env=\"prod\",path=\"/p9\",code=\"200\"} 0+60x60\n")
	b, warnings, _ := breakdownOf(t, load.String(), `sum(rate(r_total{code="500"}[2m])) / sum(rate(r_total[2m]))`, nil, 0)
	if fmt.Sprint(b.Labels) != "[zone path]" || fmt.Sprint(b.Leaves) != "[[ /p9] [z0 /p0] [z0 /p2] [z1 /p1] [z1 /p3]]" {
		t.Errorf("labels %v, leaves %q, warnings %v", b.Labels, b.Leaves, warnings)
	}
	if r := reasons(b); len(r) != 1 || !strings.Contains(r["code"], "on one side only") {
		t.Errorf("refused %v", r)
	}
	if !b.Count || b.Denominator == nil {
		t.Errorf("%+v", b)
	}
}

func TestNamesOfInstancesAreBetterThanNothing(t *testing.T) {
	b, _, _ := breakdownOf(t, "load 1m\nq{job=\"j\",instance=\"a\"} 1x60\nq{job=\"j\",instance=\"b\"} 2x60\n", "sum(q)", nil, 0)
	if fmt.Sprint(b.Labels, b.Leaves) != "[instance] [[a] [b]]" {
		t.Errorf("%v %v", b.Labels, b.Leaves)
	}
}

func TestUniqueLabelIsRefused(t *testing.T) {
	var load strings.Builder
	load.WriteString("load 1m\n")
	for i := range 60 {
		fmt.Fprintf(&load, "q{request=\"r%d\",zone=\"z%d\"} 1x60\n", i, i%3)
	}
	b, _, _ := breakdownOf(t, load.String(), "sum(q)", nil, 0)
	if fmt.Sprint(b.Labels) != "[zone]" || !strings.Contains(reasons(b)["request"], "own value") {
		t.Errorf("%v, refused %v", b.Labels, b.Refused)
	}
}

func TestAtMostEightLabelsAreDiscovered(t *testing.T) {
	var load strings.Builder
	load.WriteString("load 1m\n")
	for i := range 4 {
		load.WriteString("q{")
		for l := range 10 {
			fmt.Fprintf(&load, "l%d=\"%d\",", l, i%(2+l/5))
		}
		fmt.Fprintf(&load, "n=\"%d\"} 1x60\n", i)
	}
	b, _, _ := breakdownOf(t, load.String(), "sum(q)", nil, 0)
	if fmt.Sprint(b.Labels) != "[l0 l1 l2 l3 l4 l5 l6 l7]" || len(b.Refused) != 3 {
		t.Errorf("%v, refused %v", b.Labels, b.Refused)
	}
}

func TestALabelWithOneValueIsLeftOut(t *testing.T) {
	b, _, _ := breakdownOf(t, "load 1m\nq{a=\"x\",b=\"1\"} 1x60\nq{a=\"x\",b=\"2\"} 2x60\n", "sum(q)", []string{"a", "b", "c"}, 0)
	if fmt.Sprint(b.Labels, b.Leaves) != "[b] [[1] [2]]" {
		t.Errorf("%v %v", b.Labels, b.Leaves)
	}
	if r := reasons(b); r["a"] != "it has one value only, x" || r["c"] != "it has one value only, no value at all" {
		t.Errorf("refused %v", r)
	}
	b, _, _ = breakdownOf(t, "load 1m\nq{a=\"x\"} 1x60\n", "sum(q)", []string{"a", "c"}, 0)
	if len(b.Labels) != 1 || len(b.Leaves) != 1 {
		t.Errorf("%v %v", b.Labels, b.Leaves)
	}
}

// cube is a table of n × n leaves.
func cube(n int) string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for i := range n {
		for j := range n {
			fmt.Fprintf(&b, "q{a=\"%d\",b=\"%d\",c=\"%d\"} %dx60\n", i, j, i*n+j, i+1)
		}
	}
	return b.String()
}

func TestTooManyLeavesAreQueriedByLabel(t *testing.T) {
	b, warnings, s := breakdownOf(t, cube(6), "sum(q)", []string{"a", "b"}, 20)
	warned(t, warnings, "kpi: breakdown", "36 combinations of a, b are too many")
	if b.Labels != nil || len(b.Marginals) != 2 {
		t.Fatalf("labels %v, %d marginals", b.Labels, len(b.Marginals))
	}
	m := b.Marginals[0]
	if m.Label != "a" || fmt.Sprint(m.Values) != "[0 1 2 3 4 5]" {
		t.Errorf("%+v", m)
	}
	near(t, "a", m.Numerator.Actual, 6, 12, 18, 24, 30, 36)
	near(t, "b", b.Marginals[1].Numerator.Actual, 21, 21, 21, 21, 21, 21)
	for _, q := range s.Queries() {
		if strings.Contains(q, "sum_over_time((sum by (a, b)") {
			t.Errorf("the leaves were asked after all: %s", q)
		}
	}
}

func TestALabelWithVeryManyValuesGoesFirst(t *testing.T) {
	b, _, _ := breakdownOf(t, cube(6), "sum(q)", []string{"a", "b", "c"}, 35)
	if len(b.Marginals) != 0 && fmt.Sprint(b.Marginals[0].Label) != "a" {
		t.Errorf("marginals %v", b.Marginals)
	}
	if r := reasons(b); !strings.Contains(r["c"], "36 values") {
		t.Errorf("refused %v", r)
	}
	b, _, _ = breakdownOf(t, cube(6), "sum(q)", []string{"a", "c"}, 35)
	if fmt.Sprint(b.Labels) != "[a]" || len(b.Leaves) != 6 {
		t.Errorf("labels %v, leaves %v", b.Labels, b.Leaves)
	}
}

func TestReasonForNoBreakdown(t *testing.T) {
	const load = "load 1m\nq{a=\"x\"} 1x60\nq{a=\"y\"} 1x60\nplain 1x60\n"
	for _, c := range []struct {
		query  string
		labels []string
		reason string
	}{
		{"sum(q) ^ 2", nil, "the parts of sum(q) ^ 2 don't add up"},
		{"sum(plain)", nil, "no label to break it down by"},
		{"sum(nosuch)", []string{"a"}, "there are no series"},
		{`sum(q{a="x"}) / sum(q)`, []string{"a"}, "no label to break it down by"},
	} {
		b, warnings, s := breakdownOf(t, load, c.query, c.labels, 0)
		warned(t, warnings, "kpi: breakdown", c.reason)
		if b == nil || len(b.Labels) != 0 || len(b.Leaves) != 0 {
			t.Errorf("%s: %+v", c.query, b)
		}
		for _, q := range s.Queries() {
			if strings.Contains(q, "sum_over_time") {
				t.Errorf("%s: asked for %s", c.query, q)
			}
		}
	}
}

func TestAProbeThatFailsSaysSo(t *testing.T) {
	s := promtest.New(t, shop())
	s.Fail("/api/v1/series", promtest.Failure{Status: 422, Type: "execution", Text: "too many series"})
	rule := ratioRule()
	rule.Breakdown = nil
	frame := fetch(t, newFetcher(t, s, nil), rule, shopAlert(), shopTime())
	warned(t, frame.Warnings, "shop errors: labels", "too many series")

	s = promtest.New(t, shop())
	s.Fail(`/api/v1/query count(sum by (path, version, method) (rate(http_requests_total{service="shop"}[2m])))`,
		promtest.Failure{Status: 422, Type: "execution", Text: "too many samples"})
	frame = fetch(t, newFetcher(t, s, nil), ratioRule(), shopAlert(), shopTime())
	warned(t, frame.Warnings, "shop errors: breakdown", "its label combinations could not be counted")
}

func TestQueriesAreShown(t *testing.T) {
	s := promtest.New(t, shop())
	rule := ratioRule()
	rule.Breakdown = nil
	plan, err := promql.NewPlan(rule, shopAlert(), shopTime())
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := newFetcher(t, s, nil).Fetch(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, q := range fetched.Asked() {
		fmt.Fprintf(&got, "%s | %s | %s\n", q.Role, q.Name, q.Query)
	}
	want := `target | shop errors | sum(rate(http_requests_total{code=~"5..",service="shop"}[2m])) / sum(rate(http_requests_total{service="shop"}[2m]))
breakdown | shop errors, numerator | sum by (method, path, version) (rate(http_requests_total{code=~"5..",service="shop"}[2m]))
breakdown | shop errors, denominator | sum by (method, path, version) (rate(http_requests_total{service="shop"}[2m]))
candidate | cpu | cpu
candidate | connections | sum(connections)
topology | topology | calls
`
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
	if len(plan.Queries) != 4 {
		t.Errorf("before anything is known: %v", plan.Queries)
	}
}

func TestSeriesThatAMaximumIsTakenOverAreBrokenDown(t *testing.T) {
	b, warnings, _ := breakdownOf(t, "load 1m\nq{a=\"x\"} 1x60\nq{a=\"y\"} 3x60\n", "max(q)", nil, 0)
	warned(t, warnings, "kpi: parts", "not the KPI itself: the parts of max(q) don't add up")
	if fmt.Sprint(b.Labels, b.Leaves) != "[a] [[x] [y]]" {
		t.Errorf("%v %v", b.Labels, b.Leaves)
	}
	near(t, "parts", b.Numerator.Actual, 1, 3)
}

// Labels pass through nested aggregations where that doesn't change the value.
func TestLabelsReachThroughNestedAggregations(t *testing.T) {
	const load = "load 1m\n" +
		"q{pod=\"p1\",node=\"a\",scraper=\"s1\"} 1x60\nq{pod=\"p1\",node=\"a\",scraper=\"s2\"} 1x60\n" +
		"q{pod=\"p2\",node=\"b\",scraper=\"s1\"} 3x60\nq{pod=\"p2\",node=\"b\",scraper=\"s2\"} 3x60\n" +
		"info{pod=\"p1\",team=\"x\"} 1x60\ninfo{pod=\"p2\",team=\"y\"} 1x60\n"
	for query, want := range map[string]string{
		"sum(sum by (pod) (q))":                                   "[node scraper] [8]",
		"sum(max by (pod) (q) * on (pod) group_left (team) info)": "[node team] [4]",
		"sum(q * on (pod) group_left (team) info)":                "[node scraper team] [8]",
	} {
		b, warnings, _ := breakdownOf(t, load, query, nil, 0)
		if got := fmt.Sprint(b.Labels, []float64{total(b.Numerator.Actual)}); got != want {
			t.Errorf("%s: %s, want %s; %v", query, got, want, warnings)
		}
	}
	b, warnings, _ := breakdownOf(t, load, "sum(max by (pod) (q))", []string{"node"}, 0)
	if fmt.Sprint(b.Labels, b.Leaves, b.Numerator.Actual) != "[node] [[a] [b]] [1 3]" {
		t.Errorf("%v %v %v %v", b.Labels, b.Leaves, b.Numerator.Actual, warnings)
	}
	b, warnings, _ = breakdownOf(t, load, "sum(max by (pod) (q))", []string{"scraper"}, 0)
	if len(b.Leaves) != 1 || b.Numerator.Actual[0] != 4 { // both scrapers: twice the total
		t.Errorf("%v %v %v", b.Leaves, b.Numerator.Actual, warnings)
	}
}

func TestANumeratorIsBrokenDownAloneIfOnlyItHasLabels(t *testing.T) {
	b, warnings, _ := breakdownOf(t, "load 1m\nc{app=\"x\"} 10x60\nc{app=\"y\"} 30x60\nmost 100x60\n", "sum(c) / sum(most)", nil, 0)
	warned(t, warnings, "kpi: parts", "the numerator is broken down alone")
	if b.Denominator != nil || fmt.Sprint(b.Labels, b.Numerator.Actual) != "[app] [10 30]" {
		t.Errorf("%+v", b)
	}
}

func TestALabelOfTheDenominatorAloneIsRefused(t *testing.T) {
	const load = "load 1m\ne{app=\"x\"} 1x60\ne{app=\"y\"} 2x60\n" +
		"r{app=\"x\",zone=\"1\"} 10x60\nr{app=\"y\",zone=\"1\"} 10x60\nr{app=\"y\",zone=\"2\"} 10x60\n"
	b, _, _ := breakdownOf(t, load, "sum(e) / sum(r)", nil, 0)
	if fmt.Sprint(b.Labels) != "[app]" || reasons(b)["zone"] != "only the denominator has it" {
		t.Errorf("%v, refused %v", b.Labels, b.Refused)
	}
}
