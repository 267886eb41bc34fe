// SPDX-License-Identifier: Apache-2.0

package expressions

import "fmt"

// vanished are alerts on series that are gone: those are the place, not the remaining ones.
func vanished() []Alert {
	const kind = "series that vanished"
	members := func(gone ...int) func(*World) {
		return func(w *World) {
			for i := range 6 {
				level, up := Always(100), Always(1)
				for _, g := range gone {
					if g == i {
						level, up = Until(100), Until(1)
					}
				}
				w.Gauge(fmt.Sprintf(`capacity{pod="be-%d"}`, i), level)
				w.Exact(fmt.Sprintf(`up{job="be",pod="be-%d"}`, i), up)
			}
		}
	}
	return append([]Alert{
		{Kind: kind, Name: "a sum that lost one of six", Expr: `sum(capacity) < 550`, World: members(4), Places: []string{`pod="be-4"`}, Says: "pod=be-4 is gone", Never: "is pod="},
		{Kind: kind, Name: "a sum that lost two of six", Expr: `sum(capacity) < 550`, World: members(1, 4), Places: []string{`pod="be-1"`, `pod="be-4"`}, Both: true, Says: "are gone"},
		{Kind: kind, Name: "a count that lost two of six", Expr: `count(up{job="be"}) < 5`, World: members(1, 4), Places: []string{`pod="be-1"`, `pod="be-4"`}, Both: true, Says: "are gone"},
		{Kind: kind, Name: "a sum of ups that lost three of six", Expr: `sum(up{job="be"}) < 5`, World: members(0, 1, 2), Places: []string{`pod="be-0"`, `pod="be-1"`, `pod="be-2"`}, Both: true, Says: "are gone"},
	}, evicted(kind)...)
}

// evicted has members that vanished with all their series.
func evicted(kind string) []Alert {
	zones := func(w *World) {
		for _, zone := range []string{"a", "b", "c"} {
			for i := range 4 {
				level := Always(75)
				if zone == "b" && i%2 == 1 {
					level = Until(75)
				}
				w.Gauge(fmt.Sprintf(`ring_tokens{zone="%s",member="ingester-%s-%d"}`, zone, zone, i), level)
			}
		}
	}
	workers := func(w *World) {
		for i := range 5 {
			done := Always(240)
			if i == 3 {
				done = Until(240)
			}
			w.Counter(fmt.Sprintf(`jobs_done_total{worker="w%d"}`, i), done)
		}
	}
	nodes := func(w *World) {
		for i := range 9 {
			there := Always(1)
			if i == 6 {
				there = Until(1)
			}
			w.Exact(fmt.Sprintf(`kube_node_info{node="n%d",kernel="5.15"}`, i), there)
		}
	}
	gateway := func(w *World) {
		for i := range 6 {
			there := Always(1)
			if i == 1 || i == 4 {
				there = Until(1)
			}
			w.Exact(fmt.Sprintf(`up{job="be",namespace="shop",pod="be-%d"}`, i), there)
			w.Gauge(fmt.Sprintf(`container_memory_working_set_bytes{namespace="shop",pod="be-%d",container="app"}`, i), func(s int) float64 { return there(s) * 3e8 })
		}
		for i := range 2 {
			at := fmt.Sprintf(`{job="gateway",namespace="shop",pod="gw-%d",code=`, i)
			w.Counter("responses_total"+at+`"200"}`, Step(900, 600))
			w.Counter("responses_total"+at+`"502"}`, Step(3, 300))
		}
	}
	return []Alert{
		{Kind: kind, Name: "a zone's sum that lost two of four", Labels: `zone="b"`, Expr: `sum by (zone) (ring_tokens) < 200`, World: zones, Places: []string{`member="ingester-b-1"`, `member="ingester-b-3"`, `member="ingester-b-1",zone="b"`, `member="ingester-b-3",zone="b"`}, Says: "are gone"},
		{Kind: kind, Name: "a sum of rates that lost one of five", Expr: `sum(rate(jobs_done_total[5m])) < 18`, World: workers, Places: []string{`worker="w3"`}, Says: "is gone"},
		{Kind: kind, Name: "a node that left", Expr: `count(kube_node_info) < 9`, World: nodes, Places: []string{`node="n6"`}, Says: "is gone"},
		{Kind: kind, Name: "one that fails for want of others", Labels: `job="gateway",namespace="shop"`, Expr: `sum by (job, namespace) (rate(responses_total{code="502"}[5m])) / sum by (job, namespace) (rate(responses_total[5m])) > 0.05`, World: gateway, Series: "be-", Says: "be-1.* and 1 more are gone"},
	}
}
