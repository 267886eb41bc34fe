// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// ksm is the scrape target of kube-state-metrics.
const ksm = `job="ksm",instance="10.9.9.9:8080"`

// changed is a server on which one thing of each kind changes, one a minute from minute 300 on;
// the alert starts at minute 350.
func changed() string {
	return strings.ReplaceAll(`load 1m
http_errors_total{namespace="shop",service="checkout"} 0+1x350 400+60x20
kube_deployment_status_observed_generation{namespace="shop",deployment="checkout",container="ksm",pod="ksm-0",KSM} 1312x340 1313x30
kube_deployment_status_observed_generation{namespace="shop",deployment="cart",KSM} 5x370
kube_deployment_spec_replicas{namespace="shop",deployment="search",KSM} 3x320 1x50
kube_pod_container_info{namespace="shop",pod="pay-7d9f8c6b5d-x2x9k",container="pay",image="r/pay:v41",KSM} 1x325 _x45
kube_pod_container_info{namespace="shop",pod="pay-5d78c9869d-abcde",container="pay",image="r/pay:v42",KSM} _x322 1x48
kube_pod_container_info{namespace="shop",pod="ads-5d78c9869d-aaaaa",container="ads",image="r/ads:v1",KSM} 1x330 _x40
kube_pod_container_info{namespace="shop",pod="ads-5d78c9869d-bbbbb",container="ads",image="r/ads:v1",KSM} _x330 1x40
kube_pod_container_info{namespace="other",pod="etl-5d78c9869d-aaaaa",container="etl",image="r/etl:v1",KSM} 1x330 _x40
kube_pod_container_info{namespace="other",pod="etl-5d78c9869d-bbbbb",container="etl",image="r/etl:v2",KSM} _x330 1x40
geo_build_info{job="geo",instance="a:80",version="1.0"} 1x335 _x35
geo_build_info{job="geo",instance="a:80",version="1.1"} _x335 1x35
geo_build_info{job="geo",instance="b:80",version="1.0"} 1x336 _x34
geo_build_info{job="geo",instance="b:80",version="1.1"} _x336 1x34
process_start_time_seconds{job="mail",instance="m:80"} 1000x345 20670x25
redis_uptime_in_seconds{job="redis",instance="r:6379"} 1000+60x342 20+60x26
door_uptime{job="noise"} 99.9x370
up{job="etcd",instance="a:2379"} 1x370
up{job="etcd",instance="b:2379"} 1x332 stale _x36
up{job="etcd",instance="c:2379"} _x339 1x30
nginx_config_last_reload_success_timestamp_seconds{job="nginx",instance="n:80"} 1000x346 20740x24
kube_node_spec_unschedulable{node="n1",KSM} 0x347 1x23
kube_node_info{node="n1",KSM} 1x370
kube_node_info{node="n2",KSM} 1x338 stale _x31
shop_feature_flag{flag="new_pricing",job="shop"} 0x348 1x22
deploy_marker{service="user"} _x330 1x1 _x38
ALERTS{alertname="DiskFull",alertstate="firing",namespace="db"} _x344 1x26
ALERTS_FOR_STATE{alertname="DiskFull",namespace="db"} _x342 20500x28
ALERTS{alertname="Watchdog",alertstate="firing"} 1x370
ALERTS_FOR_STATE{alertname="Watchdog"} 0x370
ALERTS{alertname="Broken",alertstate="firing",namespace="shop"} _x352 1x18
ALERTS_FOR_STATE{alertname="Broken",namespace="shop"} _x350 21060x20
pool_enabled{job="noise"} 0+1x370
feature_queue{job="noise"} 0x340 1x4 2x25
feature_backlog{job="noise"} 3x330 0x10 1x30
flag_checks{job="noise"} 17x345 18x25
load_enabled{job="noise"} 0.2x345 0.8x25
kube_configmap_metadata_resource_version{namespace="shop",configmap="lease",KSM} 0+7x370
`, "KSM", ksm)
}

func brokenShop(labels model.LabelSet) promql.Alert {
	labels["alertname"] = "Broken"
	return promql.Alert{Labels: labels, Own: labels, StartsAt: after(353 * time.Minute), Onset: after(351 * time.Minute)}
}

func errorsRule() config.Rule {
	return config.Rule{Target: &config.Target{Query: `sum(rate(http_errors_total[2m]))`}, Candidates: []config.Candidate{}}
}

// told lists the changes of a frame by time, each with its minute.
func told(f analysis.Frame) []string {
	list := slices.Clone(f.Changes)
	slices.SortFunc(list, func(a, b changes.Change) int { return int(a.At - b.At) })
	out := []string{}
	for _, c := range list {
		text := fmt.Sprintf("%.0f %s", c.At/60, c.Title)
		if c.From != "" || c.To != "" {
			text += fmt.Sprintf(" %s → %s", c.From, c.To)
		}
		out = append(out, text)
	}
	return out
}

// A process whose counters all restart was restarted, even without a start time; one with a
// counter that continues was not.
func TestCounterResetsAreARestart(t *testing.T) {
	s := promtest.New(t, `load 1m
http_errors_total{pod="checkout-0",code="500"} 0+1x340 0+60x29
http_errors_total{pod="checkout-0",code="503"} 0+2x340 stale _x1 0+3x27
http_errors_total{pod="checkout-0",code="404"} 0x370
http_errors_total{pod="cart-0",code="500"} 0+1x340 0+1x29
http_errors_total{pod="cart-0",code="503"} 0+2x370
http_errors_total{pod="ads-0",code="500"} 0+1x370
http_errors_total{pod="mail-0",code="500"} 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x20 0+7x12`)
	frame := fetch(t, newFetcher(t, s, nil), errorsRule(), brokenShop(model.LabelSet{}), after(360*time.Minute))
	if got, want := told(frame), []string{"340 checkout was restarted"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChangesAreDetectedInSeries(t *testing.T) {
	s := promtest.New(t, changed())
	frame := fetch(t, newFetcher(t, s, nil), errorsRule(), brokenShop(model.LabelSet{"namespace": "shop"}), after(360*time.Minute))
	got, want := told(frame), []string{
		"320 search was scaled down 3 → 1",
		"321 pay was rolled out v41 → v42",
		"329 user was noted",
		"332 a target of etcd vanished",
		"334 geo was rolled out 1.0 → 1.1",
		"338 node n2 went",
		"338 a target of etcd appeared",
		"340 checkout was rolled out",
		"342 alert DiskFull began",
		"343 redis was started",
		"344 mail was started",
		"346 the configuration of nginx was reloaded",
		"347 node n1 was cordoned 0 → 1",
		"348 flag new_pricing was switched on 0 → 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, w := range frame.Warnings {
		if strings.HasPrefix(w.Source, "changes") {
			t.Error(w)
		}
	}
	for _, c := range frame.Changes {
		if c.Labels["instance"] == "10.9.9.9:8080" || c.Labels["pod"] == "ksm-0" {
			t.Errorf("%s is said to be where kube-state-metrics runs: %v", c.Title, c.Labels)
		}
	}
}

// Detecting changes takes five queries, four if the KPI counts nothing, and none if it is off.
// A server without the metrics reports nothing.
func TestDetectingChangesTakesFiveQueries(t *testing.T) {
	const errors, level = `sum(rate(http_errors_total[2m]))`, `sum(http_errors)`
	for _, test := range []struct {
		kpi     string
		unasked bool
		want    int
	}{{errors, false, 5}, {level, false, 4}, {errors, true, 0}} {
		s := promtest.New(t, "load 1m\nhttp_errors_total{service=\"checkout\"} 0+1x350 400+60x20\nhttp_errors{service=\"checkout\"} 0x350 4x20\n")
		alert := brokenShop(model.LabelSet{})
		alert.ChangesUnasked = test.unasked
		rule := config.Rule{Target: &config.Target{Query: test.kpi}, Candidates: []config.Candidate{}}
		frame := fetch(t, newFetcher(t, s, nil), rule, alert, after(360*time.Minute))
		asked := 0
		for _, r := range s.Requests() {
			if q := r.Form.Get("query"); strings.Contains(q, "ALERTS_FOR_STATE") || strings.Contains(q, "kube_") || strings.Contains(q, "offset 5m") {
				asked++
			}
		}
		if asked != test.want {
			t.Errorf("%s: %d queries, want %d", test.kpi, asked, test.want)
		}
		since := float64(after(170 * time.Minute).Unix())
		if test.unasked {
			since = 0 // it isn't known that nothing changed
		}
		if len(frame.Changes) > 0 || frame.ChangesSince != since {
			t.Errorf("%s: %v since %v", test.kpi, frame.Changes, frame.ChangesSince)
		}
		for _, w := range frame.Warnings {
			if strings.HasPrefix(w.Source, "changes") {
				t.Error(w)
			}
		}
	}
}

// What the alert itself measures needs an explanation and is no cause.
func TestMeasurementOfKPIIsNoChange(t *testing.T) {
	s := promtest.New(t, changed())
	rule := config.Rule{Target: &config.Target{Query: `count(kube_node_info)`}, Candidates: []config.Candidate{}}
	frame := fetch(t, newFetcher(t, s, nil), rule, brokenShop(model.LabelSet{}), after(360*time.Minute))
	for _, text := range told(frame) {
		if strings.Contains(text, "node n2") {
			t.Error(text)
		}
	}
	if len(frame.Changes) == 0 {
		t.Error("nothing else is found")
	}
}

// canary has a release that reached 3 of 6 pods, one that reached all of 2, one that was rolled
// back while the alert fired, and one of two instances outside Kubernetes.
const canary = `load 1m
http_errors_total{namespace="shop",service="checkout"} 0+1x350 400+60x20
kube_pod_container_info{namespace="shop",pod="checkout-7d9f8c6b5d-hhhhh",container="main",image="r/checkout:v41"} 1x370
kube_pod_container_info{namespace="shop",pod="checkout-7d9f8c6b5d-bbbbb",container="main",image="r/checkout:v41"} 1x370
kube_pod_container_info{namespace="shop",pod="checkout-7d9f8c6b5d-ccccc",container="main",image="r/checkout:v41"} 1x370
kube_pod_container_info{namespace="shop",pod="checkout-7d9f8c6b5d-ddddd",container="main",image="r/checkout:v41"} 1x347 stale _x21
kube_pod_container_info{namespace="shop",pod="checkout-7d9f8c6b5d-fffff",container="main",image="r/checkout:v41"} 1x348 stale _x20
kube_pod_container_info{namespace="shop",pod="checkout-7d9f8c6b5d-ggggg",container="main",image="r/checkout:v41"} 1x349 stale _x19
kube_pod_container_info{namespace="shop",pod="checkout-5d78c9869d-hhhhh",container="main",image="r/checkout:v42"} _x346 1x23
kube_pod_container_info{namespace="shop",pod="checkout-5d78c9869d-bbbbb",container="main",image="r/checkout:v42"} _x347 1x22
kube_pod_container_info{namespace="shop",pod="checkout-5d78c9869d-ccccc",container="main",image="r/checkout:v42"} _x348 1x21
kube_pod_container_info{namespace="shop",pod="cart-7d9f8c6b5d-hhhhh",container="main",image="r/cart:v1"} 1x320 stale _x48
kube_pod_container_info{namespace="shop",pod="cart-7d9f8c6b5d-bbbbb",container="main",image="r/cart:v1"} 1x321 stale _x47
kube_pod_container_info{namespace="shop",pod="cart-5d78c9869d-hhhhh",container="main",image="r/cart:v2"} _x319 1x50
kube_pod_container_info{namespace="shop",pod="cart-5d78c9869d-bbbbb",container="main",image="r/cart:v2"} _x320 1x49
kube_pod_container_info{namespace="shop",pod="pay-7d9f8c6b5d-hhhhh",container="main",image="r/pay:v8"} 1x370
kube_pod_container_info{namespace="shop",pod="pay-7d9f8c6b5d-bbbbb",container="main",image="r/pay:v8"} 1x370
kube_pod_container_info{namespace="shop",pod="pay-5d78c9869d-ccccc",container="main",image="r/pay:v9"} _x340 1x15 stale _x14
geo_build_info{job="geo",instance="a:80",version="1.0"} 1x335 stale _x34
geo_build_info{job="geo",instance="a:80",version="1.1"} _x335 1x35
geo_build_info{job="geo",instance="b:80",version="1.0"} 1x370
`

func TestProgressOfRollout(t *testing.T) {
	s := promtest.New(t, canary)
	frame := fetch(t, newFetcher(t, s, nil), errorsRule(), brokenShop(model.LabelSet{"namespace": "shop"}), after(360*time.Minute))
	got := map[string]changes.Extent{}
	for _, c := range frame.Changes {
		got[c.Title] = c.Extent
	}
	want := map[string]changes.Extent{
		"checkout was rolled out": {Changed: 3, Of: 6, Parts: "pods"},
		"cart was rolled out":     {Changed: 2, Of: 2, Parts: "pods"},
		"pay was rolled out":      {Changed: 1, Of: 3, Parts: "pods"},
		"geo was rolled out":      {Changed: 1, Of: 2, Parts: "instances"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	first := analysis.Run(frame, analysis.Options{}).Causes[0]
	if want := "checkout was rolled out 6 min before (v41 → v42, 3 of 6 pods)"; first.Sentence != want {
		t.Errorf("it says %q, and not %q", first.Sentence, want)
	}
}

// A version that no part has any more when the incident begins did not cause it. Without history
// all parts are new, and so are counted.
func TestCanaryThatWasWithdrawnIsUndone(t *testing.T) {
	s := promtest.New(t, `load 1m
http_errors_total{namespace="shop",service="checkout"} 0+1x350 400+60x20
geo_build_info{job="geo",instance="a:80",version="1.0"} _x316 1x9 stale _x9 1x35
geo_build_info{job="geo",instance="a:80",version="1.1"} _x326 1x9 stale _x34
geo_build_info{job="geo",instance="b:80",version="1.0"} _x316 1x54
map_build_info{job="map",instance="a:80",version="1.0"} _x316 1x9 stale _x44
map_build_info{job="map",instance="a:80",version="1.1"} _x326 1x44
map_build_info{job="map",instance="b:80",version="1.0"} _x316 1x54
pay_build_info{job="pay",instance="a:80",version="1.0"} _x316 1x9 stale _x44
pay_build_info{job="pay",instance="a:80",version="1.1"} _x326 1x9 stale _x34
pay_build_info{job="pay",instance="b:80",version="1.0"} _x316 1x54
`)
	frame := fetch(t, newFetcher(t, s, nil), errorsRule(), brokenShop(model.LabelSet{"namespace": "shop"}), after(360*time.Minute))
	got := map[string]bool{}
	for _, c := range frame.Changes {
		if c.To != "" {
			got[c.Title] = c.Undone
		}
	}
	want := map[string]bool{"geo was rolled out": true, "map was rolled out": false, "pay was rolled out": false} // pay's may have died of it
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
