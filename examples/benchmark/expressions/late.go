// SPDX-License-Identifier: Apache-2.0

package expressions

import "fmt"

// late are alerts that are known to have begun long after the fault.
func late() []Alert {
	const kind = "told late"
	window := func(d string) string {
		return `sum(rate(http_requests_total{code="500"}[` + d + `])) / sum(rate(http_requests_total[` + d + `]))`
	}
	world := requests(shop, 2, only("pay"))
	at := []string{`service="pay"`}
	list := []Alert{
		{Kind: kind, Name: "a sum, by 10 minutes", Late: 10, Expr: `sum(rate(http_requests_total{code="500"}[5m])) > 2`, World: tall(world), Places: at},
		{Kind: kind, Name: "a sum, by 20 minutes", Late: 20, Expr: `sum(rate(http_requests_total{code="500"}[5m])) > 2`, World: tall(world), Places: at},
		{Kind: kind, Name: "a ratio, by 20 minutes", Late: 20, Expr: window("5m") + ` > 0.03`, World: tall(world), Places: at},
		{Kind: kind, Name: "two windows of a burn rate", Late: 12, Expr: `(` + window("5m") + ` > 0.02) and (` + window("1h") + ` > 0.02)`, World: tall(world), Places: at},
		{Kind: kind, Name: "the larger of two windows", Late: 12, Expr: `max(` + window("5m") + ` > 0.02 or ` + window("1h") + ` > 0.02) > 0`, World: tall(world), Places: at},
	}
	for _, k := range slowly() {
		for _, c := range courses() {
			list = append(list, Alert{
				Kind: kind, Name: k.name + ", " + c.name, Late: c.late, After: c.after, Labels: k.labels, Expr: k.expr,
				World: tall(func(w *World) { k.world(w, c.level) }), Places: []string{k.at}, Says: k.usual + ` → `,
			})
		}
	}
	return list
}

// course is how something gets worse, and when people are notified and look at it.
type course struct {
	name        string
	level       func(before, after float64) Level
	late, after int
}

func courses() []course {
	ramp := func(samples int) func(before, after float64) Level {
		return func(before, after float64) Level { return Ramp(before, after, samples) }
	}
	return []course{
		{"told at once", Step, 0, 11},
		{"told a quarter of an hour late", Step, 15, 3},
		{"told half an hour late", Step, 30, 11},
		{"crept up for half an hour", ramp(30), 20, 11},
		{"crept up for an hour and a half, told before the end", ramp(90), 75, 3},
		{"crept up for an hour and a half, told after the end", ramp(90), 100, 11},
		{"crept up for two hours and a half", ramp(150), 120, 3},
		{"has been up for two hours", Step, 120, 3},
	}
}

// slow is a KPI that may get worse slowly.
type slow struct {
	name, labels, expr string
	world              func(w *World, level func(before, after float64) Level)
	at, usual          string // the place, and the value before, or a hundred times that, as shown
}

func slowly() []slow {
	failing := func(w *World, level func(before, after float64) Level) {
		requests(shop, 2, func(s string, _ int) Level {
			if s == "pay" {
				return level(4, 160)
			}
			return Always(4)
		})(w)
	}
	waiting := func(w *World, level func(before, after float64) Level) {
		for _, r := range []string{"/a", "/b", "/c"} {
			slow := Always(10)
			if r == "/b" {
				slow = level(10, 200)
			}
			w.Histogram("latency_seconds", `route="`+r+`"`, slow)
		}
	}
	queues := func(w *World, level func(before, after float64) Level) {
		for i := range 4 {
			depth := Always(20)
			if i == 2 {
				depth = level(20, 400)
			}
			w.Gauge(fmt.Sprintf(`queue_depth{job="q",instance="q%d"}`, i), depth)
		}
	}
	errors := `sum by (service) (rate(http_requests_total{code="500"}[5m]))`
	return []slow{
		{"a sum", "", `sum(` + errors + `) > 2`, failing, `service="pay"`, `(0\.[56]\d*/s|5\d(\.\d)?)`},
		{"a ratio by (x)", `service="pay"`, errors + ` / sum by (service) (rate(http_requests_total[5m])) > 0.03`, failing, `service="pay"`, `((0\.[89]|1\.[012])\d*|1) %`},
		{"a mean", "", `sum(rate(latency_seconds_sum[5m])) / sum(rate(latency_seconds_count[5m])) > 0.2`, waiting, `route="/b"`, `([78]\d(\.\d)? ms|[78](\.\d+)?)`},
		{"a quantile", "", `histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[5m]))) > 0.2`, waiting, `route="/b"`, `9(\d(\.\d)? ms|\.\d+)`},
		{"a sum of levels", "", `sum(queue_depth) > 200`, queues, `instance="q2"`, `((79|8[01])(\.\d)?|(7\.9\d?|8(\.[01]\d?)?)k)`},
		{"the largest level", "", `max(queue_depth) > 100`, queues, `instance="q2"`, `((19|2[01])(\.\d)?|(1\.9\d?|2(\.[01]\d?)?)k)`},
		{"a level", `job="q",instance="q2"`, `queue_depth > 100`, queues, `instance="q2"`, `((19|2[01])(\.\d)?|(1\.9\d?|2(\.[01]\d?)?)k)`},
	}
}

// tall extends a world so that it can be explained late.
func tall(world func(*World)) func(*World) {
	return func(w *World) {
		w.length += 160
		world(w)
	}
}
