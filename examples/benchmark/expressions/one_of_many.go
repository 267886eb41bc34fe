// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"

	"github.com/culprit-dev/culprit/analysis"
)

// requests are those of services on pods, some of which fail.
func requests(services []string, pods int, failing func(service string, pod int) Level) func(*World) {
	return func(w *World) {
		for _, s := range services {
			for p := range pods {
				at := fmt.Sprintf(`service="%s",pod="%s-%d"`, s, s, p)
				w.Counter(`http_requests_total{code="200",`+at+`}`, Always(400))
				w.Counter(`http_requests_total{code="500",`+at+`}`, failing(s, p))
			}
		}
	}
}

var shop = []string{"cart", "pay", "search", "stock"}

// only is an error rate that rises on the given pods.
func only(service string, pods ...int) func(string, int) Level {
	return func(s string, p int) Level {
		if s != service {
			return Always(4)
		}
		for _, k := range pods {
			if k == p {
				return Step(4, 160)
			}
		}
		if len(pods) == 0 {
			return Step(4, 160)
		}
		return Always(4)
	}
}

// versions are services with two versions on two pods each, some of which fail.
func versions(fail func(service, version string, pod int) bool) func(*World) {
	return func(w *World) {
		for _, s := range shop {
			for _, v := range []string{"v1", "v2"} {
				for p := range 2 {
					level := Always(4)
					if fail(s, v, p) {
						level = Step(4, 160)
					}
					w.Counter(fmt.Sprintf(`http_requests_total{code="500",service="%s",version="%s",pod="%s-%s-%d"}`, s, v, s, v, p), level)
				}
			}
		}
	}
}

// oneOfMany are alerts `by (x)` that fire for one x: it is first compared with the others, then
// looked into.
func oneOfMany() []Alert {
	const kind = "by (x), one of many"
	const ratio = `sum by (service) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (service) (rate(http_requests_total[5m])) > 0.05`
	queues := func(hot string, also ...string) func(*World) {
		return func(w *World) {
			for _, q := range []string{"mail", "invoice", "fraud", "stock", "audit"} {
				for _, pod := range []string{"w-0", "w-1", "w-2"} {
					level := Always(30)
					if q == hot && (len(also) == 0 || also[0] == pod) {
						level = Step(30, 200)
					}
					w.Gauge(fmt.Sprintf(`queue_depth{queue="%s",pod="%s"}`, q, pod), level)
				}
			}
		}
	}
	return []Alert{
		{
			Kind: kind, Name: "a ratio, all pods of one service alike", Labels: `service="pay"`, Expr: ratio,
			World: requests(shop, 3, only("pay")), Places: []string{`service="pay"`}, Never: "No single place",
		},
		{
			Kind: kind, Name: "a ratio, one pod of one service", Labels: `service="pay"`, Expr: ratio,
			World: requests(shop, 3, only("pay", 1)), Places: []string{`pod="pay-1"`, `service="pay",pod="pay-1"`},
		},
		{
			Kind: kind, Name: "a ratio, all services alike", Labels: `service="pay"`, Expr: ratio,
			World:   requests(shop, 3, func(string, int) Level { return Step(4, 160) }),
			Verdict: analysis.External,
		},
		{
			Kind: kind, Name: "errors of one service", Labels: `service="stock"`,
			Expr:  `sum by (service) (rate(http_requests_total{code="500"}[5m])) > 2`,
			World: requests(shop, 2, only("stock")), Places: []string{`service="stock"`}, Never: "No single place",
		},
		{
			Kind: kind, Name: "a gauge, one queue of five", Labels: `queue="fraud"`, Expr: `sum by (queue) (queue_depth) > 300`,
			World: queues("fraud"), Places: []string{`queue="fraud"`}, Never: "No single place",
		},
		{
			Kind: kind, Name: "a gauge, one pod of one queue", Labels: `queue="fraud"`, Expr: `sum by (queue) (queue_depth) > 150`,
			World: queues("fraud", "w-2"), Places: []string{`pod="w-2"`, `queue="fraud",pod="w-2"`},
		},
		{
			Kind: kind, Name: "two labels", Labels: `region="eu",service="pay"`,
			Expr: `sum by (region, service) (rate(http_requests_total{code="500"}[5m])) > 2`,
			World: func(w *World) {
				for _, r := range []string{"eu", "us", "ap"} {
					for _, s := range shop {
						for p := range 2 {
							level := Always(4)
							if r == "eu" && s == "pay" {
								level = Step(4, 160)
							}
							w.Counter(fmt.Sprintf(`http_requests_total{code="500",region="%s",service="%s",pod="%s-%s-%d"}`, r, s, r, s, p), level)
						}
					}
				}
			},
			Places: []string{`region="eu",service="pay"`, `service="pay",region="eu"`}, Never: "No single place",
		},
		{
			Kind: kind, Name: "two labels, of which one tells it", Labels: `region="eu",service="pay"`,
			Expr: `sum by (region, service) (rate(http_requests_total{code="500"}[5m])) > 2`,
			World: func(w *World) {
				for _, r := range []string{"eu", "us", "ap"} {
					for _, s := range shop {
						level := Always(4)
						if s == "pay" {
							level = Step(4, 200)
						}
						for p := range 2 {
							w.Counter(fmt.Sprintf(`http_requests_total{code="500",region="%s",service="%s",pod="%s-%s-%d"}`, r, s, r, s, p), level)
						}
					}
				}
			},
			Places: []string{`service="pay"`}, Never: "No single place",
		},
		{
			Kind: kind, Name: "a count, targets of one job", Labels: `job="node"`, Expr: `count by (job) (up == 0) > 1`,
			World: func(w *World) {
				for _, job := range []string{"node", "shop", "db"} {
					for i := range 4 {
						level := Always(1)
						if job == "node" && i < 2 {
							level = Step(1, 0)
						}
						w.Exact(fmt.Sprintf(`up{job="%s",instance="%s-%d:9100"}`, job, job, i), level)
					}
				}
			},
			Places: []string{`instance="node-0:9100"`, `instance="node-1:9100"`, `job="node",instance="node-0:9100"`, `job="node",instance="node-1:9100"`, `job="node"`},
		},
		{
			Kind: kind, Name: "a plain series, one of eight", Labels: `instance="q5"`, Expr: `queue_depth > 200`,
			World: func(w *World) {
				for i := range 8 {
					level := Always(20)
					if i == 5 {
						level = Step(20, 450)
					}
					w.Gauge(fmt.Sprintf(`queue_depth{instance="q%d"}`, i), level)
				}
			},
			Places: []string{`instance="q5"`},
		},
		{
			Kind: kind, Name: "one pod of one service, below versions", Labels: `service="pay"`,
			Expr:   `sum by (service) (rate(http_requests_total{code="500"}[5m])) > 2`,
			World:  versions(func(s, _ string, pod int) bool { return s == "pay" && pod == 1 }),
			Places: []string{`pod="pay-v1-1"`, `pod="pay-v2-1"`, `service="pay",pod="pay-v1-1"`, `service="pay",pod="pay-v2-1"`},
		},
		{
			Kind: kind, Name: "one version of one service", Labels: `service="pay"`,
			Expr:  `sum by (service) (rate(http_requests_total{code="500"}[5m])) > 2`,
			World: versions(func(s, v string, _ int) bool { return s == "pay" && v == "v2" }), Places: []string{`service="pay",version="v2"`},
		},
		{
			Kind: kind, Name: "one version of all services", Labels: `service="pay"`,
			Expr:  `sum by (service) (rate(http_requests_total{code="500"}[5m])) > 2`,
			World: versions(func(_, v string, _ int) bool { return v == "v2" }), Places: []string{`version="v2"`},
		},
		{
			Kind: kind, Name: "one service, all versions and pods alike", Labels: `service="pay"`,
			Expr:  `sum by (service) (rate(http_requests_total{code="500"}[5m])) > 2`,
			World: versions(func(s, _ string, _ int) bool { return s == "pay" }), Places: []string{`service="pay"`}, Says: "no version stands out",
		},
		{
			Kind: kind, Name: "two services of six", Labels: `service="a"`, Expr: `sum by (service) (rate(http_requests_total{code="500"}[5m])) > 2`,
			World: requests([]string{"a", "b", "c", "d", "e", "f"}, 2, func(s string, _ int) Level {
				if s == "a" || s == "d" {
					return Step(4, 160)
				}
				return Always(4)
			}),
			Places: []string{`service="a"`, `service="d"`}, Both: true,
		},
		{
			Kind: kind, Name: "a small service beside a large one", Labels: `service="small"`,
			Expr: `sum by (service) (rate(http_requests_total{code="500"}[5m])) / sum by (service) (rate(http_requests_total[5m])) > 0.05`,
			World: func(w *World) {
				for _, s := range []string{"large", "middle", "small"} {
					size := map[string]float64{"large": 200_000, "middle": 5_000, "small": 200}[s]
					errors := Always(size / 100)
					if s == "small" {
						errors = Step(size/100, size/4)
					}
					for p := range 2 {
						at := fmt.Sprintf(`service="%s",pod="%s-%d"`, s, s, p)
						w.Counter(`http_requests_total{code="200",`+at+`}`, Always(size))
						w.Counter(`http_requests_total{code="500",`+at+`}`, errors)
					}
				}
			},
			Places: []string{`service="small"`},
		},
		{
			Kind: kind, Name: "the others never had an error", Labels: `service="pay"`, Expr: ratio,
			World: func(w *World) {
				for _, s := range shop {
					for p := range 2 {
						at := fmt.Sprintf(`service="%s",pod="%s-%d"`, s, s, p)
						w.Counter(`http_requests_total{code="200",`+at+`}`, Always(400))
						if s == "pay" {
							w.Counter(`http_requests_total{code="500",`+at+`}`, Step(4, 160))
						}
					}
				}
			},
			Places: []string{`service="pay"`}, Says: "of 4 series",
		},
		{
			Kind: kind, Name: "a fall of one of four", Labels: `country="US"`, Expr: `sum by (country) (rate(orders_total[5m])) < 2`,
			World: func(w *World) {
				for _, c := range []string{"US", "DE", "FR", "IN"} {
					for _, shop := range []string{"a", "b"} {
						level := Always(200)
						if c == "US" {
							level = Step(200, 30)
						}
						w.Counter(fmt.Sprintf(`orders_total{country="%s",shop="%s"}`, c, shop), level)
					}
				}
			},
			Places: []string{`country="US"`}, Never: "No single place",
		},
	}
}
