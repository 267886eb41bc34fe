// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"

	"github.com/culprit-dev/culprit/analysis"
)

// incidents are alerts from published incidents.
func incidents() []Alert {
	const kind = "incidents people wrote about"
	throttled := func(throttling ...string) func(*World) {
		return func(w *World) {
			for pod, at := range map[string]string{
				"front-0": `namespace="web",container="front"`, "front-1": `namespace="web",container="front"`,
				"redis-0": `namespace="web",container="redis"`, "etl-0": `namespace="batch",container="etl"`,
			} {
				level := Always(12)
				for _, t := range throttling {
					if pod == t {
						level = Step(12, 360)
					}
				}
				at += fmt.Sprintf(`,pod="%s"`, pod)
				w.Counter(`container_cpu_cfs_throttled_periods_total{`+at+`}`, level)
				w.Counter(`container_cpu_cfs_periods_total{`+at+`}`, Always(600))
			}
		}
	}
	const throttling = `sum by (container, pod, namespace) (increase(container_cpu_cfs_throttled_periods_total{container!=""}[5m])) / sum by (container, pod, namespace) (increase(container_cpu_cfs_periods_total[5m])) > 0.25`
	return []Alert{
		{
			Kind: kind, Name: "processors throttled, both pods of a container", Labels: `container="front",pod="front-1",namespace="web"`, Expr: throttling,
			World: throttled("front-0", "front-1"), Places: []string{`container="front"`, `pod="front-0"`, `pod="front-1"`}, Never: "namespace=web",
		},
		{
			Kind: kind, Name: "processors throttled, one pod of a container", Labels: `container="front",pod="front-1",namespace="web"`, Expr: throttling,
			World: throttled("front-1"), Places: []string{`pod="front-1"`, `container="front",pod="front-1"`, `container="front",namespace="web",pod="front-1"`, `namespace="web",pod="front-1"`},
		},
		{
			Kind: kind, Name: "a table that overflowed fails two of five controllers",
			Expr: `sum(rate(rails_requests_total{status=~"5.."}[5m])) > 1`,
			World: func(w *World) {
				for _, c := range []string{"packages", "requests", "users", "builds", "search"} {
					bad := Always(2)
					if c == "packages" || c == "requests" {
						bad = Step(2, 90)
					}
					w.Counter(`rails_requests_total{status="200",controller="`+c+`"}`, Always(300))
					w.Counter(`rails_requests_total{status="500",controller="`+c+`"}`, bad)
				}
			},
			Places: []string{`controller="packages"`, `controller="requests"`}, Both: true, Says: "packages.*requests|requests.*packages",
		},
		{
			Kind: kind, Name: "a bad version",
			Expr: `sum(rate(http_requests_total{code="500"}[5m])) / sum(rate(http_requests_total[5m])) > 0.05`,
			World: func(w *World) {
				for i := range 6 {
					for _, v := range []string{"v41", "v42"} {
						traffic, bad := Step(300, 150), Step(1, .5)
						if v == "v42" {
							traffic, bad = Since(150), Since(60)
						}
						at := fmt.Sprintf(`version="%s",pod="shop-%s-%d"`, v, v, i)
						w.Counter(`http_requests_total{code="200",`+at+`}`, traffic)
						w.Counter(`http_requests_total{code="500",`+at+`}`, bad)
					}
				}
			},
			Places: []string{`version="v42"`},
		},
		{
			Kind: kind, Name: "a noisy tenant",
			Expr: `sum(rate(queue_rejected_total[5m])) > 1`,
			World: func(w *World) {
				for _, tenant := range []string{"corp", "acme", "initech", "hooli"} {
					level := Always(3)
					if tenant == "corp" {
						level = Step(3, 400)
					}
					for i := range 3 {
						w.Counter(fmt.Sprintf(`queue_rejected_total{tenant="%s",instance="q%d"}`, tenant, i), level)
					}
				}
			},
			Places: []string{`tenant="corp"`},
		},
		{
			Kind: kind, Name: "a node out of memory, one pod leaks", Labels: `instance="n1:9100"`,
			Expr: `node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.1`,
			World: func(w *World) {
				for i := range 4 {
					free := Always(8e9)
					if i == 1 {
						free = Ramp(8e9, 8e8, 6)
					}
					w.Gauge(fmt.Sprintf(`node_memory_MemAvailable_bytes{instance="n%d:9100",job="node"}`, i), free)
					w.Exact(fmt.Sprintf(`node_memory_MemTotal_bytes{instance="n%d:9100",job="node"}`, i), Always(1.6e10))
				}
			},
			Places: []string{`instance="n1:9100"`}, Never: "0 B",
		},
		{
			Kind: kind, Name: "every site fails alike",
			Expr: `sum(rate(http_requests_total{code="502"}[5m])) / sum(rate(http_requests_total[5m])) > 0.1`,
			World: func(w *World) {
				for i := range 6 {
					at := fmt.Sprintf(`site="s%d",instance="edge-%d"`, i, i)
					w.Counter(`http_requests_total{code="200",`+at+`}`, Step(600, 120))
					w.Counter(`http_requests_total{code="502",`+at+`}`, Step(1, 480))
				}
			},
			Verdict: analysis.External,
		},
		{
			Kind: kind, Name: "hosts without names, two of five",
			Expr: `sum(rate(skipper_errors_total[5m])) > 2`,
			World: func(w *World) {
				for _, h := range []string{"product", "outfit", "cart", "login", "search"} {
					level := Always(2)
					if h == "product" || h == "outfit" {
						level = Step(2, 150)
					}
					w.Counter(`skipper_errors_total{host="`+h+`"}`, level)
				}
			},
			Places: []string{`host="product"`, `host="outfit"`}, Both: true,
		},
	}
}
