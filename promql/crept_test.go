// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// A queue that grows for an hour and a half has no usual hour right before its alert; one that
// jumped has.
func TestBaselineReachesBackToBeforeDrift(t *testing.T) {
	for name, c := range map[string]struct {
		values   string
		baseline time.Duration // given by the rule
		reaches  time.Duration // before the onset
		usual    float64
	}{
		"crept up":            {"10x300 10+1x90 100x60", 0, 6 * time.Hour, 20},
		"crept up, by a rule": {"10x300 10+1x90 100x60", time.Hour, time.Hour, 65},
		"long since":          {"10x300 100x150", 0, 6 * time.Hour, 20},
		"a step":              {"10x375 100x75", 0, 90 * time.Minute, 20},
	} {
		s := promtest.New(t, "load 1m\nqueue{shard=\"a\"} "+c.values+"\nqueue{shard=\"b\"} 10x450\n")
		at := after(377 * time.Minute)
		alert := promql.Alert{Labels: model.LabelSet{"alertname": "Queue"}, StartsAt: at, GeneratorURL: "http://prom/graph?g0.expr=" + url.QueryEscape("sum(queue) > 70")}
		rule := config.Rule{Window: config.Window{Baseline: model.Duration(c.baseline)}}
		frame := fetch(t, newFetcher(t, s, nil), rule, alert, at.Add(3*time.Minute))
		if got := time.Duration(frame.Onset-frame.Times[0]) * time.Second; got != c.reaches {
			t.Errorf("%s: the series reach back by %s", name, got)
		}
		var before float64
		b := frame.Targets[0].Breakdown
		for _, v := range append(b.Numerator.Hour, b.Numerator.Baseline...) {
			before += v
		}
		if before < c.usual-1 || before > c.usual+1 {
			t.Errorf("%s: before it was %v", name, before)
		}
	}
}

// A drift that the KPI shows every day doesn't move the baseline back. On the first day that
// isn't known.
func TestDailyDriftDoesNotMoveBaseline(t *testing.T) {
	ask := func(n int) []analysis.Warning {
		now := time.Duration(n)*24*time.Hour + 100*time.Minute
		s := promtest.New(t, days(n))
		return fetch(t, newFetcher(t, s, nil), ordersRule(), ordersAlert(now-20*time.Minute), after(now)).Warnings
	}
	if got := ask(2); len(got) > 0 {
		t.Errorf("%v", got)
	}
	warned(t, ask(1), "onset", "orders has been on its way since")
}
