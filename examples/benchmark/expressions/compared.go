// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"
	"math"
	"time"
)

// compared are alerts that compare two series, or one with its own past.
func compared() []Alert {
	const kind = "two things compared"
	memory := func(w *World) {
		for i := range 5 {
			pod := fmt.Sprintf(`pod="web-%d"`, i)
			used := Always(4e8)
			if i == 3 {
				used = Step(4e8, 9.6e8)
			}
			w.Gauge(`memory_used_bytes{`+pod+`}`, used)
			w.Exact(`memory_limit_bytes{`+pod+`}`, Always(1e9))
		}
	}
	peers := func(w *World) {
		for i := range 8 {
			level := Always(20)
			if i == 5 {
				level = Step(20, 450)
			}
			w.Gauge(fmt.Sprintf(`queue_depth{job="q",instance="q%d"}`, i), level)
		}
	}
	days := func(series func(w *World, level func(stopped bool) Level)) func(*World) {
		return func(w *World) { // 27 hours of samples five minutes apart
			w.length = length + 10
			series(w, func(stopped bool) Level {
				wave := func(i int) float64 { return 200 + 60*math.Sin(float64(i)/288*2*math.Pi) }
				return func(i int) float64 {
					if stopped && i >= onset {
						return wave(i) * .05
					}
					return wave(i)
				}
			})
		}
	}
	orders := days(func(w *World, level func(bool) Level) {
		for _, c := range []string{"US", "DE", "FR", "IN"} {
			w.Counter(fmt.Sprintf(`orders_total{country="%s"}`, c), level(c == "US"))
		}
	})
	return []Alert{
		{Kind: kind, Name: "used against a share of the limit", Labels: `pod="web-3"`, Expr: `memory_used_bytes > on (pod) 0.9 * memory_limit_bytes`, World: memory, Places: []string{`pod="web-3"`}},
		{Kind: kind, Name: "used against the limit, aggregated", Labels: `pod="web-3"`, Expr: `sum by (pod) (memory_used_bytes) > 0.9 * sum by (pod) (memory_limit_bytes)`, World: memory, Places: []string{`pod="web-3"`}},
		{Kind: kind, Name: "the limit less what is used", Labels: `pod="web-3"`, Expr: `memory_limit_bytes - memory_used_bytes < 1e8`, World: memory, Places: []string{`pod="web-3"`}},
		{Kind: kind, Name: "used of the limit", Labels: `pod="web-3"`, Expr: `memory_used_bytes / memory_limit_bytes > 0.9`, World: memory, Places: []string{`pod="web-3"`}},
		{Kind: kind, Name: "below yesterday", Interval: 5 * time.Minute, Expr: `sum(rate(orders_total[15m])) < 0.8 * sum(rate(orders_total[15m] offset 1d))`, World: orders, Places: []string{`country="US"`}},
		{Kind: kind, Name: "below yesterday, by (x)", Interval: 5 * time.Minute, Labels: `country="US"`, Expr: `sum by (country) (rate(orders_total[15m])) < 0.6 * sum by (country) (rate(orders_total[15m] offset 1d))`, World: orders, Places: []string{`country="US"`}},
		{Kind: kind, Name: "changed by a fifth since yesterday", Interval: 5 * time.Minute, Expr: `(sum(rate(orders_total[15m])) - sum(rate(orders_total[15m] offset 1d))) / sum(rate(orders_total[15m] offset 1d)) < -0.15`, World: orders, Places: []string{`country="US"`}},
		{Kind: kind, Name: "an outlier against the mean of its peers", Labels: `job="q",instance="q5"`, Expr: `queue_depth > on (job) group_left () 3 * avg by (job) (queue_depth)`, World: peers, Places: []string{`instance="q5"`}},
		{Kind: kind, Name: "an outlier against the median of its peers", Labels: `job="q",instance="q5"`, Expr: `queue_depth > on (job) group_left () 3 * quantile by (job) (0.5, queue_depth)`, World: peers, Places: []string{`instance="q5"`}},
		{Kind: kind, Name: "standard deviations from its peers", Labels: `job="q",instance="q5"`, Expr: `(queue_depth - on (job) group_left () avg by (job) (queue_depth)) / on (job) group_left () stddev by (job) (queue_depth) > 2`, World: peers, Places: []string{`instance="q5"`}},
		{
			Kind: kind, Name: "produced less consumed", Expr: `sum(rate(produced_total[5m])) - sum(rate(consumed_total[5m])) > 2`,
			World: func(w *World) {
				for _, topic := range []string{"a", "b", "c", "d"} {
					consumed := Always(300)
					if topic == "b" {
						consumed = Step(300, 40)
					}
					w.Counter(`produced_total{topic="`+topic+`"}`, Always(300))
					w.Counter(`consumed_total{topic="`+topic+`"}`, consumed)
				}
			},
			Places: []string{`topic="b"`},
		},
		{
			Kind: kind, Name: "a disk that will be full", Labels: `instance="n2",mountpoint="/data"`, Expr: `predict_linear(free_bytes[1h], 4 * 3600) < 0`,
			World: func(w *World) {
				for i := range 4 {
					level := Always(2e11)
					if i == 2 {
						level = func(s int) float64 { return 2e11 - 2e9*max(0, float64(s-onset+30)) }
					}
					w.Exact(fmt.Sprintf(`free_bytes{instance="n%d",mountpoint="/data"}`, i), level)
				}
			},
			Places: []string{`instance="n2"`},
		},
		{
			Kind: kind, Name: "replicas that are lacking", Labels: `deployment="pay"`, Expr: `deployment_replicas_wanted != deployment_replicas_ready`,
			World: func(w *World) {
				for _, d := range shop {
					ready := Always(6)
					if d == "pay" {
						ready = Step(6, 2)
					}
					w.Exact(`deployment_replicas_wanted{deployment="`+d+`"}`, Always(6))
					w.Exact(`deployment_replicas_ready{deployment="`+d+`"}`, ready)
				}
			},
			Places: []string{`deployment="pay"`},
		},
	}
}
