// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"

	"github.com/culprit-dev/culprit/analysis"
)

// extremes are alerts on the largest, the smallest or the median of many: the place is that series.
func extremes() []Alert {
	const kind = "min, max, avg, topk"
	gauge := func(metric, label, hot string, before, after float64) func(*World) {
		return func(w *World) {
			for _, v := range []string{"a", "b", "c", "d", "e", "f"} {
				for p := range 2 {
					level := Always(before)
					if v == hot {
						level = Step(before, after)
					}
					w.Gauge(fmt.Sprintf(`%s{%s="%s",pod="%s-%d"}`, metric, label, v, v, p), level)
				}
			}
		}
	}
	shards := func(hot func(shard string, p int) bool) func(*World) {
		return func(w *World) {
			for _, v := range []string{"a", "b", "c", "d", "e", "f"} {
				for p := range 2 {
					level := Always(20)
					if hot(v, p) {
						level = Step(20, 450)
					}
					w.Gauge(fmt.Sprintf(`queue_depth{shard="%s",pod="%s-%d"}`, v, v, p), level)
				}
			}
		}
	}
	place := func(label, v string) []string {
		return []string{
			fmt.Sprintf(`%s="%s"`, label, v), fmt.Sprintf(`pod="%s-0"`, v), fmt.Sprintf(`pod="%s-1"`, v),
			fmt.Sprintf(`%s="%s",pod="%s-0"`, label, v, v), fmt.Sprintf(`%s="%s",pod="%s-1"`, label, v, v),
		}
	}
	return []Alert{
		{Kind: kind, Name: "max by (x), x is high", Labels: `shard="c"`, Expr: `max by (shard) (queue_depth) > 200`, World: gauge("queue_depth", "shard", "c", 20, 450), Places: place("shard", "c"), Never: "alike"},
		{Kind: kind, Name: "max over all", Expr: `max(queue_depth) > 200`, World: gauge("queue_depth", "shard", "c", 20, 450), Places: place("shard", "c"), Never: "alike"},
		{Kind: kind, Name: "max without (pod)", Labels: `shard="c"`, Expr: `max without (pod) (queue_depth) > 200`, World: gauge("queue_depth", "shard", "c", 20, 450), Places: place("shard", "c"), Never: "alike"},
		{Kind: kind, Name: "min by (x), x runs full", Labels: `db="d"`, Expr: `min by (db) (free_storage) < 8`, World: gauge("free_storage", "db", "d", 40, 5), Places: place("db", "d"), Never: "alike"},
		{Kind: kind, Name: "min over all", Expr: `min(free_storage) < 8`, World: gauge("free_storage", "db", "d", 40, 5), Places: place("db", "d"), Never: "alike"},
		{Kind: kind, Name: "avg by (x)", Labels: `shard="b"`, Expr: `avg by (shard) (cpu_load) > 3`, World: gauge("cpu_load", "shard", "b", 1, 6), Places: place("shard", "b"), Never: "alike"},
		{Kind: kind, Name: "avg over all, one is high", Expr: `avg(cpu_load) > 2`, World: gauge("cpu_load", "shard", "b", 1, 14), Places: place("shard", "b"), Never: "alike"},
		{Kind: kind, Name: "quantile by (x)", Labels: `shard="e"`, Expr: `quantile by (shard) (0.9, queue_depth) > 200`, World: gauge("queue_depth", "shard", "e", 20, 450), Places: place("shard", "e"), Never: "alike"},
		{Kind: kind, Name: "topk", Labels: `shard="e",pod="e-0"`, Expr: `topk(3, queue_depth) > 200`, World: gauge("queue_depth", "shard", "e", 20, 450), Places: place("shard", "e")},
		{Kind: kind, Name: "max_over_time of one series", Labels: `shard="a",pod="a-1"`, Expr: `max_over_time(queue_depth[5m]) > 200`, World: gauge("queue_depth", "shard", "a", 20, 450), Places: place("shard", "a")},
		{Kind: kind, Name: "a count of a condition", Expr: `count(queue_depth > 200) > 1`, World: gauge("queue_depth", "shard", "a", 20, 450), Places: place("shard", "a")},
		{
			Kind: kind, Name: "max by (x), one series of x", Labels: `shard="c"`, Expr: `max by (shard) (queue_depth) > 200`, World: shards(func(shard string, p int) bool { return shard == "c" && p == 1 }),
			Places: []string{`pod="c-1"`, `shard="c",pod="c-1"`},
		},
		{
			Kind: kind, Name: "max by (x), all x alike", Labels: `shard="c"`, Expr: `max by (shard) (queue_depth) > 200`, World: shards(func(string, int) bool { return true }),
			Verdict: analysis.External, Says: "all 6 series moved alike",
		},
		{
			Kind: kind, Name: "max by (x), two of six", Labels: `shard="c"`, Expr: `max by (shard) (queue_depth) > 200`, World: shards(func(shard string, _ int) bool { return shard == "c" || shard == "e" }),
			Places: []string{`shard="c"`, `shard="e"`}, Both: true,
		},
		{
			Kind: kind, Name: "all that is used, of a minimum", Labels: `shard="b"`, Expr: `100 - min by (shard) (free_percent) > 90`,
			World: gauge("free_percent", "shard", "b", 60, 3), Places: place("shard", "b"), Never: "alike",
		},
		{
			Kind: kind, Name: "max, all alike", Expr: `max(queue_depth) > 200`,
			World: func(w *World) {
				for i := range 8 {
					w.Gauge(fmt.Sprintf(`queue_depth{pod="w-%d"}`, i), Step(20, 450))
				}
			},
			Verdict: analysis.External,
		},
		{
			Kind: kind, Name: "max by (x) of a rate", Labels: `service="pay"`, Expr: `max by (service) (rate(http_requests_total{code="500"}[5m])) > 1.5`,
			World: requests(shop, 2, only("pay")), Places: []string{`service="pay"`, `pod="pay-0"`, `pod="pay-1"`, `service="pay",pod="pay-0"`, `service="pay",pod="pay-1"`},
		},
	}
}
