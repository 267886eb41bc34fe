// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// odd are alerts that are written in an unusual way.
func odd() []Alert {
	const kind = "odd words"
	q2, pay := []string{`instance="q2"`}, []string{`service="pay"`}
	errors := `rate(http_requests_total{code="500"}[5m])`
	var list []Alert
	ofAll := map[string]string{
		"a sum, negated":                 `-sum(queue_depth) < -200`,
		"a sum less its limit":           `sum(queue_depth) - 200 > 0`,
		"the limit less a sum":           `200 - sum(queue_depth) < 0`,
		"a part of a sum":                `sum(queue_depth) / 4 > 50`,
		"a sum that is capped":           `clamp_max(sum(queue_depth), 1000) > 200`,
		"a sum over some minutes":        `sum(sum_over_time(queue_depth[10m])) > 2000`,
		"a sum by what there is one of":  `sum by (job) (queue_depth) > 200`,
		"a sum without what tells apart": `sum without (instance) (queue_depth) > 200`,
		"a boolean that is 1":            `(sum(queue_depth) > bool 200) == 1`,
		"a boolean that is not 0":        `(sum(queue_depth) > bool 200) != 0`,
		"twice the mean":                 `2 * avg(queue_depth) > 100`,
		"a sum by a count":               `sum(queue_depth) / count(queue_depth) > 50`,
		"now and five minutes ago":       `(sum(queue_depth) > 200) and (sum(queue_depth offset 5m) > 200)`,
		"or nothing":                     `(sum(queue_depth) or vector(0)) > 200`,
		"rounded":                        `round(sum(queue_depth), 10) > 200`,
		"a mean of means":                `avg(avg by (instance) (queue_depth)) > 50`,
		"grown within half an hour":      `sum(delta(queue_depth[10m])) > 100`,
		"more than an hour ago":          `sum(queue_depth) / sum(queue_depth offset 1h) > 2`,
	}
	for _, name := range slices.Sorted(maps.Keys(ofAll)) {
		list = append(list, Alert{Kind: kind, Name: name, Labels: `job="q"`, Expr: ofAll[name], World: queueing(20, 400), Places: q2})
	}
	ofEach := map[string]string{
		"the first of all":                  `topk(1, queue_depth) > 100`,
		"how many are beyond":               `count(queue_depth > 100) >= 1`,
		"any that is beyond":                `max(queue_depth > 100) > 0`,
		"a mean over minutes":               `avg_over_time(queue_depth[5m]) > 100`,
		"the most within minutes":           `max_over_time(queue_depth[5m]) > 100`,
		"three times the mean of all":       `queue_depth > scalar(avg(queue_depth)) * 3`,
		"mean and deviations of its peers":  `queue_depth > on (job) group_left () (avg by (job) (queue_depth) + 1.5 * stddev by (job) (queue_depth))`,
		"far from the mean, either way":     `abs(queue_depth - scalar(avg(queue_depth))) > 1.5 * scalar(stddev(queue_depth))`,
		"far from the median":               `queue_depth - scalar(quantile(0.5, queue_depth)) > 100`,
		"a label of another name":           `label_replace(queue_depth, "shard", "$1", "instance", "q(.*)") > 100`,
		"joined with a name":                `queue_depth * on (instance) group_left (owner) queue_info > 100`,
		"divided by its limit of many more": `queue_depth / on (job) group_left () queue_limit > 0.5`,
		"on its own, twice":                 `queue_depth > 100 and queue_depth > 50`,
	}
	for _, name := range slices.Sorted(maps.Keys(ofEach)) {
		expr, labels := ofEach[name], `job="q",instance="q2"`
		if strings.HasPrefix(expr, "count(") || strings.HasPrefix(expr, "max(") {
			labels = `job="q"`
		}
		list = append(list, Alert{Kind: kind, Name: name, Labels: labels, Expr: expr, World: queueing(20, 400), Places: q2})
	}
	list = append(list,
		Alert{Kind: kind, Name: "by two labels", Labels: `code="500",service="pay"`, Expr: `sum by (code, service) (` + errors + `) > 2`, World: requests(shop, 2, only("pay")), Places: pay},
		Alert{Kind: kind, Name: "one pod by two labels", Labels: `service="pay"`, Expr: `sum by (code, service) (` + errors + `) > 2`, World: requests(shop, 3, only("pay", 1)), Places: []string{`pod="pay-1"`, `pod="pay-1",service="pay"`}},
		Alert{Kind: kind, Name: "an hour's errors", Expr: `sum(increase(http_requests_total{code="500"}[1h])) > 4000`, Late: 12, World: tall(requests(shop, 2, only("pay"))), Places: pay},
		Alert{Kind: kind, Name: "what works", Expr: `sum(rate(http_requests_total{code!="500"}[5m])) / sum(rate(http_requests_total[5m])) < 0.97`, World: requests(shop, 2, only("pay")), Places: pay},
		Alert{Kind: kind, Name: "errors by what works", Expr: `sum(` + errors + `) / sum(rate(http_requests_total{code="200"}[5m])) > 0.03`, World: requests(shop, 2, only("pay")), Places: pay},
		Alert{Kind: kind, Name: "errors, one in so many", Expr: `sum(rate(http_requests_total[5m])) / sum(` + errors + `) < 30`, World: requests(shop, 2, only("pay")), Places: pay},
		Alert{Kind: kind, Name: "the worst of the services", Expr: `max(sum by (service) (` + errors + `) / sum by (service) (rate(http_requests_total[5m]))) > 0.1`, World: requests(shop, 2, only("pay")), Places: pay},
		Alert{Kind: kind, Name: "how many services fail", Expr: `count(sum by (service) (` + errors + `) / sum by (service) (rate(http_requests_total[5m])) > 0.1) > 0`, World: requests(shop, 2, only("pay")), Places: pay},
		Alert{Kind: kind, Name: "few that are up", Expr: `avg(up{job="web"}) < 0.9`, World: targets(2), Places: []string{`instance="w2"`}},
		Alert{Kind: kind, Name: "more that are down than may be", Expr: `1 - avg(up{job="web"}) > 0.1`, World: targets(2), Places: []string{`instance="w2"`}},
		Alert{Kind: kind, Name: "a share of those that are down", Expr: `count(up{job="web"} == 0) / count(up{job="web"}) > 0.1`, World: targets(2), Places: []string{`instance="w2"`}},
		Alert{Kind: kind, Name: "down for some minutes", Labels: `job="web",instance="w2"`, Expr: `max_over_time(up{job="web"}[3m]) == 0`, World: targets(2), Places: []string{`instance="w2"`}},
		Alert{Kind: kind, Name: "two of ten are down", Expr: `sum(up{job="web"}) < 9`, World: targets(2, 5), Places: []string{`instance="w2"`, `instance="w5"`}, Both: true},
		Alert{Kind: kind, Name: "maintenance ends", Labels: `job="web",instance="w2"`, Expr: `(up{job="web"} == 0) unless on (instance) (maintenance == 1)`, World: maintained, Places: []string{`instance="w2"`}, Never: "is 0, as expected"},
		Alert{Kind: kind, Name: "few peers whose values were equal", Labels: `job="q",instance="q2"`, Expr: `(depth - on (job) group_left () avg by (job) (depth)) / on (job) group_left () stddev by (job) (depth) > 1.2`, World: equals, Places: q2},
		Alert{Kind: kind, Name: "bits", Labels: `instance="q2"`, Expr: `rate(received_bytes_total[5m]) * 8 > 1e8`, World: receiving, Places: q2},
		Alert{Kind: kind, Name: "little that is left, in GiB", Labels: `instance="q2"`, Expr: `available_bytes / 1024 ^ 3 < 2`, World: leaking, Places: q2, Says: `GiB`},
		Alert{Kind: kind, Name: "how fast it leaks", Labels: `instance="q2"`, Expr: `deriv(available_bytes[15m]) < -1e6`, World: leaking, Places: q2, Says: `→ -`},
	)
	return list
}

// queueing has four queues, one of which grows.
func queueing(before, after float64) func(*World) {
	return func(w *World) {
		for i := range 4 {
			depth := Always(before)
			if i == 2 {
				depth = Step(before, after)
			}
			w.Gauge(fmt.Sprintf(`queue_depth{job="q",instance="q%d"}`, i), depth)
			w.Exact(fmt.Sprintf(`queue_info{instance="q%d",owner="team-%d"}`, i, i%2), Always(1))
		}
		w.Exact(`queue_limit{job="q"}`, Always(500))
	}
}

// targets are ten scraped targets, some of which are down.
func targets(down ...int) func(*World) {
	return func(w *World) {
		for i := range 10 {
			up := Always(1)
			for _, d := range down {
				if d == i {
					up = Step(1, 0)
				}
			}
			w.Exact(fmt.Sprintf(`up{job="web",instance="w%d"}`, i), up)
		}
	}
}

// maintained has a target that has been down all the time, which is known for a while.
func maintained(w *World) {
	for i := range 4 {
		up, maintenance := Always(1), Always(0)
		if i == 2 {
			up, maintenance = Always(0), Step(1, 0)
		}
		w.Exact(fmt.Sprintf(`up{job="web",instance="w%d"}`, i), up)
		w.Exact(fmt.Sprintf(`maintenance{instance="w%d"}`, i), maintenance)
	}
}

func equals(w *World) {
	for i := range 3 {
		depth := Always(20)
		if i == 2 {
			depth = Step(20, 25)
		}
		w.Exact(fmt.Sprintf(`depth{job="q",instance="q%d"}`, i), depth)
	}
}

func receiving(w *World) {
	for i := range 4 {
		perMinute := Always(60e6)
		if i == 2 {
			perMinute = Step(60e6, 1800e6)
		}
		w.Counter(fmt.Sprintf(`received_bytes_total{instance="q%d"}`, i), perMinute)
	}
}

// leaking is a host that loses memory for a quarter of an hour.
func leaking(w *World) {
	for i := range 4 {
		left := Always(16 << 30)
		if i == 2 {
			left = Ramp(16<<30, 1<<30, int((8 * time.Minute).Minutes()))
		}
		w.Exact(fmt.Sprintf(`available_bytes{instance="q%d"}`, i), left)
	}
}
