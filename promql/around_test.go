// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// town is a service of two pods on one of two nodes, with another pod on the same node and one
// in the same namespace.
func town() string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	put := func(metric, labels string) { fmt.Fprintf(&b, "%s{%s} 0+60x190\n", metric, labels) }
	for i, node := range []string{"n1", "n1", "n2", "n1"} {
		namespace, pod := "shop", []string{"pay-0", "pay-1", "cart-0", "batch-0"}[i]
		if pod == "batch-0" {
			namespace = "etl"
		}
		own := fmt.Sprintf("namespace=%q,pod=%q", namespace, pod)
		put("kube_pod_info", own+fmt.Sprintf(",node=%q,host_ip=\"10.9.0.%s\",job=\"ksm\"", node, node[1:]))
		put("container_cpu_usage_seconds_total", own+fmt.Sprintf(",container=\"c\",node=%q,job=\"kubelet\"", node))
		put("kube_pod_container_status_restarts_total", own+`,job="ksm"`)
		if i < 2 {
			at := own + fmt.Sprintf(",job=\"pay\",instance=\"10.1.0.%d:80\"", i)
			put("http_requests_total", at+`,code="500"`)
			put("go_goroutines", at)
			put("up", at)
		}
	}
	put("node_load1", `job="node",instance="10.9.0.1:9100"`)
	put("node_load1", `job="node",instance="10.9.0.2:9100"`)
	put("go_goroutines", `job="other",instance="10.1.0.9:80"`)
	return b.String()
}

func townAlert(labels model.LabelSet, expr string) promql.Alert {
	labels["alertname"] = "A"
	return promql.Alert{
		Labels: labels, Own: labels, StartsAt: after(175 * time.Minute), Onset: after(171 * time.Minute),
		GeneratorURL: "http://prom/graph?g0.expr=" + url.QueryEscape(expr),
	}
}

// The candidates of an alert without labels come from the series that its expression selects.
func TestCandidatesComeFromSeriesOfKPI(t *testing.T) {
	f := newFetcher(t, promtest.New(t, town()), nil)
	want := []string{
		`container cpu{namespace="etl", pod="batch-0"}`, // on their node
		`container cpu{namespace="shop", pod="cart-0"}`, // in their namespace
		`container cpu{namespace="shop", pod="pay-0"}`,
		`container cpu{namespace="shop", pod="pay-1"}`,
		`container restarts{namespace="shop", pod="cart-0"}`,
		`container restarts{namespace="shop", pod="pay-0"}`,
		`container restarts{namespace="shop", pod="pay-1"}`,
		`go_goroutines{instance="10.1.0.0:80", job="pay", namespace="shop", pod="pay-0"}`,
		`go_goroutines{instance="10.1.0.1:80", job="pay", namespace="shop", pod="pay-1"}`,
		`node_load1{instance="10.9.0.1:9100", job="node"}`, // the node itself
		`up{instance="10.1.0.0:80", job="pay", namespace="shop", pod="pay-0"}`,
		`up{instance="10.1.0.1:80", job="pay", namespace="shop", pod="pay-1"}`,
	}
	for _, alert := range []promql.Alert{
		townAlert(model.LabelSet{}, `sum(rate(http_requests_total{code="500"}[5m])) > 0.1`),
		townAlert(model.LabelSet{"job": "pay"}, `sum by (job) (rate(http_requests_total{code="500"}[5m])) > 0.1`),
	} {
		_, frame, warnings := explain(t, f, alert, after(180*time.Minute))
		if got := names(frame); !slices.Equal(got, want) || len(warnings) > 0 {
			t.Errorf("%s: got  %q\nwant %q, %v", alert.GeneratorURL, got, want, warnings)
		}
	}
	// This also holds if a rule gives the target and no candidates.
	alert := townAlert(model.LabelSet{}, "vector(1)")
	rule, _, _ := f.Complete(t.Context(), config.Rule{Target: &config.Target{Query: `sum(rate(http_requests_total[5m]))`}}, alert, nil)
	if len(rule.Candidates) != 8 {
		t.Errorf("%v", rule.Candidates)
	}
}

// The process of an exporter is not the server that it reports on.
func TestProcessOfAnExporterIsNoCandidate(t *testing.T) {
	at := `{job="db",instance="10.1.0.7:9104"}`
	for build, own := range map[string]bool{"mysqld_exporter_build_info": false, "shop_build_info": true, "jmx_exporter_build_info": true} {
		load := town() + build + at + " 1x190\ngo_goroutines" + at + " 5x190\nprocess_open_fds" + at + " 5x190\nthreads_running" + at + " 5x190\n"
		f := newFetcher(t, promtest.New(t, load), nil)
		_, frame, _ := explain(t, f, townAlert(model.LabelSet{"job": "db", "instance": "10.1.0.7:9104"}, `threads_running > 3`), after(180*time.Minute))
		got := slices.ContainsFunc(names(frame), func(n string) bool { return strings.Contains(n, "goroutines") || strings.Contains(n, "fds") })
		if got != own {
			t.Errorf("%s: %q", build, names(frame))
		}
	}
}

// kube-state-metrics reports about others: its own process is not a candidate for their
// metrics.
func TestExporterOfOthersIsNoCandidate(t *testing.T) {
	load := town() + "go_goroutines{job=\"ksm\",instance=\"10.1.0.7:8080\"} 1x190\n"
	load = strings.ReplaceAll(load, `job="ksm"}`, `job="ksm",instance="10.1.0.7:8080"}`)
	f := newFetcher(t, promtest.New(t, load), nil)
	alert := townAlert(model.LabelSet{"namespace": "shop"}, `sum by (namespace) (increase(kube_pod_container_status_restarts_total{namespace="shop"}[10m])) > 3`)
	_, frame, _ := explain(t, f, alert, after(180*time.Minute))
	for _, name := range names(frame) {
		if strings.Contains(name, "10.1.0.7") || strings.HasPrefix(name, "container restarts") {
			t.Errorf("%q", names(frame))
		}
	}
}

// With several clusters in one server, a name belongs to one of them.
func TestCandidatesAreOfTheSameCluster(t *testing.T) {
	inCluster := func(cluster string) string {
		return strings.ReplaceAll(town(), "{namespace", "{cluster=\""+cluster+"\",namespace")
	}
	alert := townAlert(model.LabelSet{}, `sum(rate(http_requests_total{code="500",cluster="eu"}[5m])) > 0.1`)
	f := newFetcher(t, promtest.New(t, inCluster("eu")+strings.TrimPrefix(inCluster("us"), "load 1m\n")), nil)
	_, frame, _ := explain(t, f, alert, after(180*time.Minute))
	got := strings.Join(names(frame), " ")
	if strings.Contains(got, `cluster="us"`) || strings.Count(got, `cluster="eu"`) != 4 || strings.Count(got, "container cpu") != 4 {
		t.Errorf("%q", names(frame))
	}
	// A label of this name on one exporter only doesn't identify a cluster.
	load := strings.ReplaceAll(town(), `code="500"`, `code="500",cluster="eu"`)
	_, frame, _ = explain(t, newFetcher(t, promtest.New(t, load), nil), alert, after(180*time.Minute))
	if got := names(frame); len(got) != 12 {
		t.Errorf("%q", got)
	}
}

// If there are more series than the limit, the values of their labels are incomplete and not
// used.
func TestTruncatedSeriesAreNotUsed(t *testing.T) {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for i := range 5_010 {
		fmt.Fprintf(&b, "queue_length{job=\"web\",shard=\"%d\"} _x174 1x10\n", i)
	}
	b.WriteString(`go_goroutines{job="web"} 5x190` + "\n")
	rule, _, _ := newFetcher(t, promtest.New(t, b.String()), nil).Complete(t.Context(), config.Rule{}, townAlert(model.LabelSet{}, `sum(queue_length) > 20`), nil)
	if len(rule.Candidates) != 0 {
		t.Errorf("%v", rule.Candidates)
	}
}

// Many pods are selected by the labels they share, not by name.
func TestManySeriesAreSelectedBySharedLabels(t *testing.T) {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for i := range 30 {
		at := fmt.Sprintf(`namespace="shop",pod="web-%d",job="web",instance="10.1.0.%d:80"`, i, i)
		fmt.Fprintf(&b, "queue_length{%s} 5x190\ngo_goroutines{%s} 5x190\n", at, at)
	}
	b.WriteString(`go_goroutines{job="other",instance="10.1.0.99:80",namespace="shop"} 5x190` + "\n")
	s := promtest.New(t, b.String())
	_, frame, _ := explain(t, newFetcher(t, s, nil), townAlert(model.LabelSet{}, `sum(queue_length) > 20`), after(180*time.Minute))
	if got := names(frame); len(got) != 30 || strings.Contains(strings.Join(got, ""), "other") {
		t.Errorf("%d: %q", len(got), got)
	}
}
