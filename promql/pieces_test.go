// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql/expr"
)

func TestPartsBesideTheKPI(t *testing.T) {
	beside := func(query string) bool {
		m, err := expr.Apart(expr.MustParse(query))
		if err != nil {
			t.Fatal(err)
		}
		return parts{Measure: m}.beside()
	}
	for query, want := range map[string]bool{
		`sum(rate(a_total[5m]))`: false,
		`sum(queue)`:             false,
		`sum(rate(a_total{x="1"}[5m])) / sum(rate(a_total[5m]))`:       false,
		`100 * sum(rate(a_total{x="1"}[5m])) / sum(rate(a_total[5m]))`: true,
		`sum(increase(a_total[5m]))`:                                   true,
		`max(queue)`:                                                   true,
	} {
		if got := beside(query); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// Any expression that parses can be broken down or is refused, and the queries for its parts
// parse.
func FuzzBreakdown(f *testing.F) {
	for _, query := range []string{
		`100 * (1 - sum by (a) (rate(b_total{c=~"d|e"}[5m] offset 1h)) / on(a) group_left(z) sum without (x) (increase(f_total[10m])))`,
		`avg(sum by (x) (a) > bool 1) or on() vector(0)`,
		`-(sum(a) - 2 * count(b)) / 1024 unless c`,
		`sum({"http.status", "service.name"=~"x"} @ end()) / clamp_min(sum(max_over_time((b)[1h:5m])), 1e-3)`,
		`histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))`,
		`label_replace(sum(a), "x", "$1", "y", "(.*)") ^ -Inf`,
		`sum(rate(a[5m] anchored)) + fill_left(0) sum(b)`,
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		e, err := expr.Parse(query)
		if err != nil || expr.Evaluable(e) != nil {
			return
		}
		e = expr.Measured(e)
		expr.Scope(e, map[model.LabelName]model.LabelValue{"a": "\"x\\", "x": "y"})
		m, err := expr.Decompose(e)
		if err != nil {
			return
		}
		b := parts{Measure: m, grid: grid{step: time.Minute}}
		history, recent := b.presence()
		for _, q := range append(b.queries([]string{"a", "http.status"}, b.samples([]int{1}, true)), history, recent, b.leafCount([]string{"a"}, b.grid.end)) {
			if _, err := expr.Parse(q.Query); err != nil {
				t.Errorf("%s gave %s: %v", query, q.Query, err)
			}
		}
		expr.Ranges(e)
		b.usable([]string{"a", "c"})
	})
}
