// SPDX-License-Identifier: Apache-2.0

package expressions

import "fmt"

// recorded are ratios inside of sums, as recording rules leave them, and
// histograms.
func recorded() []Alert {
	const kind = "ratios inside, histograms"
	verbs := func(w *World) {
		for _, m := range []string{"m1", "m2"} {
			for _, verb := range []string{"GET", "LIST", "POST"} {
				at := fmt.Sprintf(`job="apiserver",instance="%s",verb="%s"`, m, verb)
				bad := Always(2)
				if verb == "POST" {
					bad = Step(2, 240)
				}
				w.Counter(`apiserver_requests_total{code="200",`+at+`}`, Always(600))
				w.Counter(`apiserver_requests_total{code="500",`+at+`}`, bad)
			}
		}
	}
	const ratio = `sum by (job) (rate(apiserver_requests_total{code="500"}[5m])) / sum by (job) (rate(apiserver_requests_total[5m]))`
	histogram := func(w *World) {
		for _, route := range []string{"/a", "/b", "/c"} {
			slow := Always(4)
			if route == "/b" {
				slow = Step(4, 200)
			}
			w.Histogram("latency_seconds", `route="`+route+`"`, slow)
		}
	}
	return []Alert{
		{Kind: kind, Name: "a ratio in a sum", Labels: `job="apiserver"`, Expr: `sum by (job) (` + ratio + `) > 0.03`, World: verbs, Places: []string{`verb="POST"`}},
		{Kind: kind, Name: "a ratio in an average", Expr: `avg(` + ratio + `) > 0.03`, World: verbs, Places: []string{`verb="POST"`}},
		{Kind: kind, Name: "one less a ratio", Labels: `job="apiserver"`, Expr: `1 - (sum by (job) (rate(apiserver_requests_total{code="200"}[5m])) / sum by (job) (rate(apiserver_requests_total[5m]))) > 0.03`, World: verbs, Places: []string{`verb="POST"`}},
		{Kind: kind, Name: "a multiple of a budget", Labels: `job="apiserver"`, Expr: `(` + ratio + `) / 0.001 > 14.4`, World: verbs, Places: []string{`verb="POST"`}},
		{Kind: kind, Name: "a ratio of ratios in a sum over one label", Labels: `verb="POST"`, Expr: `sum by (verb) (rate(apiserver_requests_total{code="500"}[5m])) / sum by (verb) (rate(apiserver_requests_total[5m])) > 0.03`, World: verbs, Places: []string{`verb="POST"`}, Never: "No single place"},
		{Kind: kind, Name: "a quantile", Expr: `histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[5m]))) > 0.2`, World: histogram, Places: []string{`route="/b"`}, Never: `\(.* 0 s → .*ms\)`},
		{Kind: kind, Name: "a quantile by (x)", Labels: `route="/b"`, Expr: `histogram_quantile(0.95, sum by (route, le) (rate(latency_seconds_bucket[5m]))) > 0.2`, World: histogram, Places: []string{`route="/b"`}},
		{Kind: kind, Name: "the share of slow ones", Expr: `1 - sum(rate(latency_seconds_bucket{le="0.1"}[5m])) / sum(rate(latency_seconds_count[5m])) > 0.1`, World: histogram, Places: []string{`route="/b"`}, Never: `→ \d+ ms`, Says: "%"},
		{Kind: kind, Name: "the mean", Expr: `sum(rate(latency_seconds_sum[5m])) / sum(rate(latency_seconds_count[5m])) > 0.2`, World: histogram, Places: []string{`route="/b"`}, Says: `ms\)`},
	}
}
