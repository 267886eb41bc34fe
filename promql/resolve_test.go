// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// explain runs the daemon's steps for an alert without a rule.
func explain(t *testing.T, f *promql.Fetcher, alert promql.Alert, now time.Time) (promql.Plan, analysis.Frame, []analysis.Warning) {
	t.Helper()
	rule, alert, warnings := f.Complete(t.Context(), config.Rule{}, alert, nil)
	plan, err := promql.NewPlan(rule, alert, now)
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := f.Fetch(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return plan, fetched.Frame, warnings
}

// fleet is a shop of three pods on two nodes. From minute 170 on pod 2 queues.
func fleet() string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for i := range 3 {
		queue := "5x190"
		if i == 2 {
			queue = "5x170 50x19"
		}
		ls := fmt.Sprintf(`namespace="shop",pod="cart-%d",job="cart",instance="10.0.0.%d:80"`, i, i)
		fmt.Fprintf(&b, "queue_length{%s} %s\n", ls, queue)
		fmt.Fprintf(&b, "go_goroutines{%s} %s\n", ls, queue)
		fmt.Fprintf(&b, "process_cpu_seconds_total{%s} 0+30x190\n", ls)
		fmt.Fprintf(&b, "container_cpu_usage_seconds_total{namespace=\"shop\",pod=\"cart-%d\",container=\"cart\",job=\"kubelet\",instance=\"node-%d\"} 0+30x190\n", i, i%2)
		fmt.Fprintf(&b, "node_load1{job=\"node\",instance=\"10.0.0.%d:9100\"} 1x190\n", i)
	}
	return b.String()
}

func queueAlert(expr string) promql.Alert {
	own := model.LabelSet{"alertname": "CartQueue", "namespace": "shop", "pod": "cart-2", "job": "cart", "instance": "10.0.0.2:80", "severity": "page"}
	a := promql.Alert{Labels: own.Clone(), Own: own, StartsAt: after(175 * time.Minute), Onset: after(171 * time.Minute)}
	a.Labels["replica"] = "A"
	if expr != "" {
		a.GeneratorURL = "http://prom/graph?g0.expr=" + url.QueryEscape(expr)
	}
	return a
}

func names(f analysis.Frame) []string {
	var out []string
	for _, c := range f.Targets[0].Candidates {
		out = append(out, c.Name)
	}
	slices.Sort(out)
	return out
}

func TestAnAlertWithoutARuleIsExplainedAmongItsSiblings(t *testing.T) {
	f := newFetcher(t, promtest.New(t, fleet()), nil)
	_, frame, warnings := explain(t, f, queueAlert("queue_length > 20"), after(180*time.Minute))
	if len(warnings) > 0 {
		t.Errorf("%v", warnings)
	}
	target := frame.Targets[0]
	if target.Name != "CartQueue" || target.Values[len(target.Values)-1] != 50 || target.Values[len(target.Values)/2] != 5 {
		t.Errorf("%s: %v", target.Name, target.Values)
	}
	if b := target.Breakdown; fmt.Sprint(b.Labels, len(b.Leaves)) != "[instance pod] 3" || b.Discovered {
		t.Errorf("%v %v", b.Labels, b.Leaves)
	}
	if own := target.Breakdown.Own; own["instance"] != "10.0.0.2:80" || own["pod"] != "cart-2" {
		t.Errorf("its own is %v", own)
	}
	want := []string{
		`container cpu{namespace="shop", pod="cart-0"}`, // its siblings
		`container cpu{namespace="shop", pod="cart-1"}`,
		`container cpu{namespace="shop", pod="cart-2"}`,
		`go_goroutines{instance="10.0.0.2:80", job="cart", namespace="shop", pod="cart-2"}`,
		`node_load1{instance="10.0.0.2:9100", job="node"}`,
		`process cpu{instance="10.0.0.2:80", job="cart", namespace="shop", pod="cart-2"}`,
	}
	if got := names(frame); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTheRulesOfTheServerHaveTheExpression(t *testing.T) {
	s := promtest.New(t, fleet())
	s.PutRules(
		promtest.Rule{Alert: "CartQueue", Query: "queue_length > 1000", Labels: map[string]string{"severity": "info"}},
		promtest.Rule{Alert: "CartQueue", Query: "queue_length > 20", Labels: map[string]string{"severity": "page", "team": "{{ $labels.team }}"}},
		promtest.Rule{Alert: "Other", Query: "up == 0"},
	)
	plan, _, warnings := explain(t, newFetcher(t, s, nil), queueAlert(""), after(180*time.Minute))
	if got := plan.Targets[0].Query.Query; got != "queue_length" || len(warnings) > 0 {
		t.Errorf("%s, %v", got, warnings)
	}
}

func TestWithoutAnExpressionTheAlertsThemselvesAreCounted(t *testing.T) {
	load := fleet() + "ALERTS{alertname=\"CartQueue\",alertstate=\"firing\",pod=\"cart-2\"} _x174 1x15\nALERTS{alertname=\"CartQueue\",alertstate=\"firing\",pod=\"cart-1\"} _x176 1x13\n"
	s := promtest.New(t, load)
	plan, frame, warnings := explain(t, newFetcher(t, s, nil), queueAlert(""), after(180*time.Minute))
	warned(t, warnings, "expression", "Prometheus has no alerting rule of this name")
	if got, want := plan.Targets[0].Query.Query, `count(ALERTS{alertname="CartQueue",alertstate="firing"}) or vector(0)`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if v := frame.Targets[0].Values; v[0] != 0 || v[len(v)-1] != 2 {
		t.Errorf("%v", v)
	}
	s.Fail("/api/v1/rules", promtest.Failure{Status: 404, Text: "no rules here"})
	_, _, warnings = explain(t, newFetcher(t, s, nil), queueAlert(""), after(180*time.Minute))
	warned(t, warnings, "expression", "the rules of Prometheus could not be read")
}

func TestTheBranchOfAnOrIsTheOneThatFires(t *testing.T) {
	f := newFetcher(t, promtest.New(t, fleet()), nil)
	plan, _, _ := explain(t, f, queueAlert("queue_length < 1 or sum by (namespace, pod) (queue_length) > 20 or vector(0) == 1"), after(180*time.Minute))
	if got, want := plan.Targets[0].Query.Query, `sum by (namespace, pod) (queue_length{namespace="shop",pod="cart-2"})`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	_, alert, warnings := f.Complete(t.Context(), config.Rule{}, queueAlert("queue_length < 1 or queue_length > 1000"), nil)
	warned(t, warnings, "expression", "none of the 2 branches")
	if alert.KPI.Operator != "<" {
		t.Errorf("%+v", alert.KPI)
	}
}

func TestAnAlertIsHeldToTheLabelsOfItsOwnResult(t *testing.T) {
	f := newFetcher(t, promtest.New(t, fleet()), nil)
	alert := queueAlert("sum without (pod, instance) (queue_length) > 20")
	alert.Own["cluster"] = "of the rule"
	alert.Labels["cluster"] = "of the rule"
	delete(alert.Own, "pod")
	delete(alert.Own, "instance")
	plan, frame, _ := explain(t, f, alert, after(180*time.Minute))
	if b := plan.Targets[0].Breakdown; fmt.Sprint(frame.Targets[0].Breakdown.Labels) != "[instance pod]" || b.Siblings {
		t.Errorf("%v", frame.Targets[0].Breakdown)
	}
	_, alert, _ = f.Complete(t.Context(), config.Rule{}, alert, nil)
	if got := fmt.Sprint(alert.KPI.Result); got != `{job="cart", namespace="shop"}` {
		t.Error(got)
	}
	if alert.KPI.Scrape != time.Minute {
		t.Errorf("scraped every %s", alert.KPI.Scrape)
	}
}

// A pod that has just started has few samples; its scrape interval is still found.
func TestTheScrapeIntervalOfAYoungSeries(t *testing.T) {
	for interval, load := range map[time.Duration]string{
		15 * time.Second: "load 15s\nqueue_length{pod=\"cart-2\"} _x688 50x12", // for three minutes before the alert
		time.Minute:      "load 1m\nqueue_length{pod=\"cart-2\"} _x165 50x10",
		2 * time.Minute:  "load 2m\nqueue_length{pod=\"cart-2\"} 50x90",
		0:                "load 30s\nqueue_length{pod=\"cart-2\"} _x348 50x12", // for a minute: too short to know
	} {
		f := newFetcher(t, promtest.New(t, load), nil)
		_, alert, _ := f.Complete(t.Context(), config.Rule{}, queueAlert("queue_length > 20"), nil)
		if alert.KPI.Scrape != interval {
			t.Errorf("%s, where a sample comes every %s", alert.KPI.Scrape, interval)
		}
	}
}

// If nothing varies within the alert's own series, its siblings are compared.
func TestAnAlertWithNothingBelowItHasItsSiblings(t *testing.T) {
	f := newFetcher(t, promtest.New(t, fleet()), nil)
	_, frame, _ := explain(t, f, queueAlert("sum by (namespace, pod) (queue_length) > 20"), after(180*time.Minute))
	b := frame.Targets[0].Breakdown
	if p := b.Numerator; len(p.Recent) == 0 || p.Hour == nil {
		t.Errorf("nothing is known of where their data is: %+v", p)
	}
	if !b.Beside || b.Discovered || !b.Levels || fmt.Sprint(b.Labels, len(b.Leaves), b.Own) != "[pod] 3 map[pod:cart-2]" || fmt.Sprint(b.Here) != "map[instance:[10.0.0.2:80]]" {
		t.Errorf("%+v", b)
	}
}

// The `for` of an alert is that of its rule, or unknown.
func TestTheForOfAnAlertIsThatOfItsRule(t *testing.T) {
	s := promtest.New(t, "")
	minutes := func(alert, severity string, m int) promtest.Rule {
		r := promtest.Rule{Alert: alert, Query: "vector(1)", For: time.Duration(m) * time.Minute, Labels: map[string]string{}}
		if severity != "" {
			r.Labels["severity"] = severity
		}
		return r
	}
	s.PutRules(minutes("Slow", "page", 5), minutes("Slow", "ticket", 30), minutes("Slow", "", 1), minutes("Twice", "", 2), minutes("Twice", "", 3), minutes("AtOnce", "", 0))
	f := newFetcher(t, s, nil)
	for _, c := range []struct {
		alert, severity string
		held            time.Duration
		known           bool
	}{
		{"Slow", "page", 5 * time.Minute, true},
		{"Slow", "ticket", 30 * time.Minute, true},
		{"Slow", "info", time.Minute, true},
		{"Twice", "page", 0, false},
		{"AtOnce", "page", 0, true},
		{"None", "page", 0, false},
		{"", "page", 0, false},
	} {
		labels := model.LabelSet{"alertname": model.LabelValue(c.alert), "severity": model.LabelValue(c.severity), "region": "eu"}
		if held, known := f.HeldFor(t.Context(), labels); held != c.held || known != c.known {
			t.Errorf("%s of %s: %s, known %v", c.alert, c.severity, held, known)
		}
	}
	s.Down()
	if held, known := newFetcher(t, s, nil).HeldFor(t.Context(), model.LabelSet{"alertname": "Slow"}); known {
		t.Errorf("nobody has told %s", held)
	}
}

func TestRecordingRulesAreWrittenOut(t *testing.T) {
	s := promtest.New(t, shop()+"service:errors:rate2m{service=\"shop\"} 0.8x172 10x17\n")
	s.PutRules(
		promtest.Rule{Record: "service:errors:rate2m", Query: `sum by (service) (rate(http_requests_total{code="500"}[2m]))`},
		promtest.Rule{Record: "service:errors:rate2m", Query: `sum by (service) (old)`, Labels: map[string]string{"service": "other"}},
	)
	alert := shopAlert()
	alert.GeneratorURL = "http://prom/graph?g0.expr=" + url.QueryEscape(`sum by (service) (service:errors:rate2m{service="shop"}) > 5`)
	plan, frame, warnings := explain(t, newFetcher(t, s, nil), alert, shopTime())
	if len(warnings) > 0 {
		t.Error(warnings)
	}
	if got, want := plan.Targets[0].Query.Query, `sum by (service) (service:errors:rate2m{service="shop"})`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	b := frame.Targets[0].Breakdown
	if fmt.Sprint(b.Labels) != "[method path version]" || len(b.Leaves) != 8 {
		t.Errorf("%v %v %v", b.Labels, b.Leaves, frame.Warnings)
	}
	s.Fail("/api/v1/rules", promtest.Failure{Status: 404, Text: "no rules here"})
	_, _, warnings = explain(t, newFetcher(t, s, nil), alert, shopTime())
	warned(t, warnings, "expression", "what service:errors:rate2m records could not be read")
}

func TestTheCatalogueComesFirst(t *testing.T) {
	f := newFetcher(t, promtest.New(t, fleet()), nil)
	only := func(name, value string) labels.Matchers {
		m, err := labels.NewMatcher(labels.MatchEqual, name, value)
		if err != nil {
			t.Fatal(err)
		}
		return labels.Matchers{m}
	}
	rule, _, _ := f.Complete(t.Context(), config.Rule{}, queueAlert("queue_length > 20"), []config.Known{
		{Candidate: config.Candidate{Name: "mine", Query: `go_goroutines{pod="{{ .Labels.pod }}"}`}, Parsed: only("job", "cart")},
		{Candidate: config.Candidate{Name: "not for it", Query: "up"}, Parsed: only("job", "web")},
		{Candidate: config.Candidate{Name: "no such label", Query: `up{zone="{{ .Labels.zone }}"}`}},
	})
	var got []string
	for _, c := range rule.Candidates {
		got = append(got, c.Name)
	}
	if len(got) != 6 || got[0] != "mine" || slices.Contains(got, "not for it") || slices.Contains(got, "no such label") {
		t.Errorf("%q", got)
	}
}

func TestARuleThatNamesCandidatesKeepsThem(t *testing.T) {
	s := promtest.New(t, fleet())
	f := newFetcher(t, s, nil)
	for _, rule := range []config.Rule{
		{Target: &config.Target{Query: "sum(queue_length)"}, Candidates: []config.Candidate{}},
		{Target: &config.Target{Query: "sum(queue_length)", Candidates: []config.Candidate{{Name: "x", Query: "x"}}}},
	} {
		got, alert, _ := f.Complete(t.Context(), rule, queueAlert(""), nil)
		if len(got.Candidates) != 0 || alert.KPI != nil {
			t.Errorf("%+v, %+v", got, alert.KPI)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests for rules that leave nothing out", n)
	}
}

func TestLabelsOfAnAlertAreNoPromQL(t *testing.T) {
	f := newFetcher(t, promtest.New(t, fleet()), nil)
	alert := queueAlert("sum by (pod) (queue_length) > 20")
	for _, hostile := range []model.LabelValue{`"} or vector(1) or x{a="`, "a\nb", `.*`, `\`, "\xff"} {
		alert.Labels, alert.Own = alert.Labels.Clone(), alert.Own.Clone()
		for _, name := range []model.LabelName{"pod", "instance", "namespace", "job"} {
			alert.Labels[name], alert.Own[name] = hostile, hostile
		}
		_, frame, _ := explain(t, f, alert, after(180*time.Minute))
		if c := frame.Targets[0].Candidates; len(c) != 0 && hostile != `.*` {
			t.Errorf("%q has candidates: %v", hostile, names(frame))
		}
	}
}

// nodes are two machines with a container each; on the second the container gets busy in minute
// 170.
func nodes() string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for i, busy := range []string{"6+6x190", "6+6x170 1088+50x19"} {
		ls := fmt.Sprintf(`job="node",instance="node-%d:9100"`, i)
		fmt.Fprintf(&b, "up{%s} 1x190\n", ls)
		fmt.Fprintf(&b, "node_load1{%s} 1x190\n", ls)
		fmt.Fprintf(&b, "node_cpu_seconds_total{%s,mode=\"user\"} %s\n", ls, busy)
		fmt.Fprintf(&b, "node_cpu_seconds_total{%s,mode=\"idle\"} 0+50x170 8500+5x19\n", ls)
		fmt.Fprintf(&b, "container_cpu_usage_seconds_total{namespace=\"etl\",pod=\"report-%d\",container=\"r\",job=\"kubelet\",instance=\"node-%d:10250\"} %s\n", i, i, busy)
	}
	return b.String()
}

func nodeAlert(expr string) promql.Alert {
	own := model.LabelSet{"alertname": "NodeBusy", "job": "node", "instance": "node-1:9100"}
	return promql.Alert{
		Labels: own, Own: own, StartsAt: after(175 * time.Minute), Onset: after(171 * time.Minute),
		GeneratorURL: "http://prom/graph?g0.expr=" + url.QueryEscape(expr),
	}
}

func TestTheContainersOfANodeAreCandidates(t *testing.T) {
	f := newFetcher(t, promtest.New(t, nodes()), nil)
	_, frame, _ := explain(t, f, nodeAlert(`100 - avg by (job, instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100 > 80`), after(180*time.Minute))
	want := []string{
		`container cpu{namespace="etl", pod="report-1"}`,
		`node cpu{instance="node-1:9100", mode="user"}`,
		`node_load1{instance="node-1:9100", job="node"}`,
		`up{instance="node-1:9100", job="node"}`,
	}
	if got := names(frame); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Of eighteen candidates those of the KPI's own exporter come first, then those of its process,
// then those of its machine.
func TestTheExporterOfTheKPIComesFirst(t *testing.T) {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for _, e := range []struct{ exporter, at string }{
		{"MySQL", `job="mysql",instance="10.0.0.7:9104"`},
		{"process", `job="mysql",instance="10.0.0.7:9104"`},
		{"Go", `job="mysql",instance="10.0.0.7:9104"`},
		{"node_exporter", `job="node",instance="10.0.0.7:9100"`},
	} {
		for _, metric := range promql.MetricsOf(e.exporter) {
			fmt.Fprintf(&b, "%s{%s} 1x190\n", metric, e.at)
		}
	}
	own := model.LabelSet{"alertname": "A", "job": "mysql", "instance": "10.0.0.7:9104"}
	alert := promql.Alert{
		Labels: own, Own: own, StartsAt: after(175 * time.Minute), Onset: after(171 * time.Minute),
		GeneratorURL: "http://prom/graph?g0.expr=" + url.QueryEscape("mysql_global_status_threads_connected > 20"),
	}
	rule, _, _ := newFetcher(t, promtest.New(t, b.String()), nil).Complete(t.Context(), config.Rule{}, alert, nil)
	var order []string
	for _, c := range rule.Candidates {
		if word, _, _ := strings.Cut(c.Name, " "); !slices.Contains(order, word) {
			order = append(order, word)
		}
	}
	if len(rule.Candidates) > 18 || !slices.Equal(order[:1], []string{"mysql"}) || order[len(order)-1] != "node" {
		t.Errorf("%d: %q", len(rule.Candidates), order)
	}
	for i, c := range rule.Candidates {
		if mysql := strings.HasPrefix(c.Name, "mysql "); mysql != (i < len(promql.MetricsOf("MySQL"))-1) {
			t.Errorf("%d: %s", i, c.Name)
		}
	}
}

func TestSeriesThatEndWithScrapesAreNoCandidates(t *testing.T) {
	f := newFetcher(t, promtest.New(t, nodes()), nil)
	_, frame, _ := explain(t, f, nodeAlert(`up == 0`), after(180*time.Minute))
	if got, want := names(frame), []string{`container cpu{namespace="etl", pod="report-1"}`}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAnExpressionOfAnAlertIsAskedAsFarAsItIsTrusted(t *testing.T) {
	rules := []promtest.Rule{{Alert: "CartQueue", Query: "go_goroutines > 20"}, {Alert: "Other", Query: "queue_length > 20"}}
	for _, c := range []struct {
		trust  config.Trust
		expr   string
		rules  []promtest.Rule
		target string
		words  string
	}{
		{"", "queue_length > 2", rules, "queue_length", ""},
		{config.TrustAny, "queue_length > 2", rules, "queue_length", ""},
		{config.TrustRules, "queue_length  >  20", rules, "queue_length", ""},
		{config.TrustRules, "queue_length > 2", rules, "go_goroutines", "is not asked (expressions.from_alerts)"},
		{config.TrustNever, "queue_length > 20", rules, "go_goroutines", "is not asked"},
		{config.TrustRules, "queue_length > 20", nil, "ALERTS", "is not asked"},
		{config.TrustNever, "", rules, "go_goroutines", ""},
	} {
		s := promtest.New(t, fleet())
		s.PutRules(c.rules...)
		alert := queueAlert(c.expr)
		alert.Trust = c.trust
		plan, _, warnings := explain(t, newFetcher(t, s, nil), alert, after(180*time.Minute))
		if got := plan.Targets[0].Query.Query; !strings.Contains(got, c.target) {
			t.Errorf("%+v: %s", c, got)
		}
		if said := fmt.Sprint(warnings); (c.words == "") != (len(warnings) == 0) || !strings.Contains(said, c.words) {
			t.Errorf("%+v: %s", c, said)
		}
		for _, r := range s.Requests() {
			if c.target != "queue_length" && strings.Contains(r.Form.Get("query"), "queue_length >") {
				t.Errorf("%+v: asked %s", c, r.Form.Get("query"))
			}
		}
	}
}
