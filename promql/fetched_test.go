// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

func TestNobodyWritesIntoAPlan(t *testing.T) {
	var load strings.Builder
	load.WriteString("load 1m\nc{app=\"x\"} 10x180\nc{app=\"y\"} 30x180\nmost 100x180\n")
	for i := range 3 {
		fmt.Fprintf(&load, "q{pod=\"p%d\",node=\"n\"} %dx180\nd_bucket{pod=\"p%d\",le=\"0.4\"} 0+50x180\nd_bucket{pod=\"p%d\",le=\"+Inf\"} 0+60x180\n", i, i+1, i, i)
	}
	f := newFetcher(t, promtest.New(t, load.String()), nil)
	for what, query := range map[string]string{
		"a numerator alone":   "sum(c) / sum(most) > 0.2",
		"another bucket":      "histogram_quantile(0.9, sum by (le) (rate(d_bucket[2m]))) > 0.5",
		"nested aggregations": "sum(max by (pod) (q)) > 5",
		"siblings":            "sum by (app) (c) > 5",
		"replicas":            "sum by (node) (q) > 5",
	} {
		alert := promql.Alert{Labels: model.LabelSet{"alertname": "A", "app": "x", "node": "n"}, StartsAt: after(174 * time.Minute)}
		alert.GeneratorURL = "http://prom/graph?g0.expr=" + url.QueryEscape(query)
		var plans [2]promql.Plan
		for i := range plans {
			var err error
			if plans[i], err = promql.NewPlan(config.Rule{Name: "kpi"}, alert, after(180*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		fetched, err := f.Fetch(t.Context(), plans[0])
		if err != nil {
			t.Fatal(err)
		}
		if finer, ok := fetched.ByReplica(); ok {
			if _, err := f.Fetch(t.Context(), finer); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(plans[0], plans[1]) || !reflect.DeepEqual(fetched.Plan, plans[1]) {
			t.Errorf("%s: the plan has changed", what)
		}
	}
}
