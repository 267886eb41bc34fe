// SPDX-License-Identifier: Apache-2.0

package expressions

import "fmt"

// recorded are ratios inside sums, as recording rules leave them, and histograms.
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
		{
			Kind: kind, Name: "a sum of the ratios of two halves", Expr: `sum(label_replace(` + ratio + `, "half", "all", "", "") or label_replace(sum by (job) (rate(apiserver_requests_total{code="500",verb!="GET"}[5m])) / sum by (job) (rate(apiserver_requests_total{verb!="GET"}[5m])), "half", "write", "", "")) > 0.03`,
			World: verbs, Places: []string{`verb="POST"`},
		},
		{Kind: kind, Name: "one less a ratio", Labels: `job="apiserver"`, Expr: `1 - (sum by (job) (rate(apiserver_requests_total{code="200"}[5m])) / sum by (job) (rate(apiserver_requests_total[5m]))) > 0.03`, World: verbs, Places: []string{`verb="POST"`}},
		{Kind: kind, Name: "a multiple of a budget", Labels: `job="apiserver"`, Expr: `(` + ratio + `) / 0.001 > 14.4`, World: verbs, Places: []string{`verb="POST"`}},
		{Kind: kind, Name: "a ratio of ratios in a sum over one label", Labels: `verb="POST"`, Expr: `sum by (verb) (rate(apiserver_requests_total{code="500"}[5m])) / sum by (verb) (rate(apiserver_requests_total[5m])) > 0.03`, World: verbs, Places: []string{`verb="POST"`}, Never: "No single place"},
		{Kind: kind, Name: "a quantile", Expr: `histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[5m]))) > 0.2`, World: histogram, Places: []string{`route="/b"`}, Never: `\(.* 0 s → .*ms\)`},
		{Kind: kind, Name: "a quantile by (x)", Labels: `route="/b"`, Expr: `histogram_quantile(0.95, sum by (route, le) (rate(latency_seconds_bucket[5m]))) > 0.2`, World: histogram, Places: []string{`route="/b"`}},
		{Kind: kind, Name: "the share of slow ones", Expr: `1 - sum(rate(latency_seconds_bucket{le="0.1"}[5m])) / sum(rate(latency_seconds_count[5m])) > 0.1`, World: histogram, Places: []string{`route="/b"`}, Never: `→ \d+ ms`, Says: "%"},
		{Kind: kind, Name: "the mean", Expr: `sum(rate(latency_seconds_sum[5m])) / sum(rate(latency_seconds_count[5m])) > 0.2`, World: histogram, Places: []string{`route="/b"`}, Says: `ms\)`},
	}
}

// native are alerts on native histograms, which are one series each.
func native() []Alert {
	const kind = "ratios inside, histograms"
	// Requests of 100 ms each, or, of one method since the onset, of 800 ms.
	world := func(w *World) {
		for _, method := range []string{"Get", "List", "Put"} {
			for _, pod := range []string{"p1", "p2"} {
				fast := "{{schema:0 sum:10 count:100 buckets:[100] offset:-3}}"
				values := fmt.Sprintf("%s+%sx%d", fast, fast, w.length-1)
				if method == "List" {
					all := fmt.Sprintf("{{schema:0 sum:%d count:%d buckets:[%d 0 0 100] offset:-3}}", 10*onset+80, 100*(onset+1), 100*onset)
					values = fmt.Sprintf("%s+%sx%d %s+{{schema:0 sum:80 count:100 buckets:[0 0 0 100] offset:-3}}x%d", fast, fast, onset-1, all, w.length-onset-1)
				}
				w.Raw(fmt.Sprintf(`rpc_seconds{job="rpc",method="%s",pod="%s"}`, method, pod), values)
			}
		}
	}
	list := []string{`method="List"`}
	by := func(expr string) string { return fmt.Sprintf(expr, `sum by (job) (rate(rpc_seconds[5m]))`) }
	return []Alert{
		{Kind: kind, Name: "a fraction, native", Labels: `job="rpc"`, Expr: by(`1 - histogram_fraction(0, 0.25, %s) > 0.1`), World: world, Places: list, Says: ` %\)`},
		{Kind: kind, Name: "a quantile, native", Labels: `job="rpc"`, Expr: by(`histogram_quantile(0.95, %s) > 0.3`), World: world, Places: list, Says: `1\d\d ms → [89]\d\d ms\)`},
		{Kind: kind, Name: "a mean, native", Labels: `job="rpc"`, Expr: by(`histogram_avg(%s) > 0.2`), World: world, Places: list, Says: `100 ms → 3\d\d ms\)`},
		{Kind: kind, Name: "a sum over a count, native", Labels: `job="rpc"`, Expr: by(`histogram_sum(%[1]s) / histogram_count(%[1]s) > 0.2`), World: world, Places: list},
	}
}
