// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

func alertAt(startsAt time.Time, labels model.LabelSet) promql.Alert {
	return promql.Alert{Labels: labels, StartsAt: startsAt}
}

func TestTheOnsetIsWhenTheConditionBeganToHold(t *testing.T) {
	s := promtest.New(t, "load 1m\n")
	s.SetAlerts(
		promtest.Alert{Labels: map[string]string{"alertname": "A", "service": "cart"}, State: "firing", ActiveAt: after(50 * time.Minute)},
		promtest.Alert{Labels: map[string]string{"alertname": "A", "service": "shop"}, State: "firing", ActiveAt: after(55 * time.Minute)},
		promtest.Alert{Labels: map[string]string{"alertname": "B", "service": "shop"}, State: "firing", ActiveAt: after(10 * time.Minute)},
		promtest.Alert{Labels: map[string]string{"alertname": "A"}, State: "firing", ActiveAt: after(5 * time.Minute)},
	)
	alert, warnings := newFetcher(t, s, nil).Locate(t.Context(), alertAt(after(time.Hour),
		model.LabelSet{"alertname": "A", "service": "shop", "replica": "A", "cluster": "eu"}))
	if len(warnings) > 0 || !alert.Onset.Equal(after(55*time.Minute)) {
		t.Errorf("onset %s, %v", alert.Onset, warnings)
	}
	if fmt.Sprint(alert.Own) != `{alertname="A", service="shop"}` {
		t.Errorf("external labels are left in %v", alert.Own)
	}
}

// Recorded from Prometheus 2.42 and 3.5.3 with a rule with `for: 2s`.
func TestRecordedAlertsAreUnderstood(t *testing.T) {
	for file, onset := range map[string]string{
		"prometheus-2.42-alerts.json":  "2026-11-22T04:35:35.272467009Z",
		"prometheus-3.5.3-alerts.json": "2026-11-22T05:34:12.543904598Z",
	} {
		body, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		s := promtest.New(t, "load 1m\n")
		s.Fail("/api/v1/alerts", promtest.Failure{Status: 200, Text: string(body)})
		want, err := time.Parse(time.RFC3339Nano, onset)
		if err != nil {
			t.Fatal(err)
		}
		f := newFetcher(t, s, nil)
		a := f.ActiveAt(t.Context(), alertAt(want.Add(4*time.Second), model.LabelSet{
			"alertname": "HighErrorRatio", "instance": "127.0.0.1:29202", "job": "demo", "service": "cart",
			"severity": "page", "team": "cart-team", "replica": "A",
		}))
		if !a.Onset.Equal(want) || len(a.Own) != 6 || len(a.Warnings) != 0 {
			t.Errorf("%s: %+v", file, a)
		}
	}
}

func TestWithoutTheListTheOnsetIsThatOfALERTS_FOR_STATE(t *testing.T) {
	s := promtest.New(t, `load 1m
		ALERTS_FOR_STATE{alertname="A",service="shop"} _x54 3300x10
		ALERTS_FOR_STATE{alertname="A",service="cart"} 60x70
	`)
	a := newFetcher(t, s, nil).ActiveAt(t.Context(), alertAt(after(time.Hour), model.LabelSet{"alertname": "A", "service": "shop", "replica": "A"}))
	if !a.Onset.Equal(after(55*time.Minute)) || len(a.Warnings) != 0 || fmt.Sprint(a.Own) != `{alertname="A", service="shop"}` {
		t.Errorf("%+v", a)
	}
}

func TestOnsetFallsBackToStartsAt(t *testing.T) {
	labels := model.LabelSet{"alertname": "A \"quoted\\", "service": "shop"}
	for name, c := range map[string]struct {
		prepare func(*promtest.Server)
		text    string
	}{
		"nothing is known": {func(*promtest.Server) {}, "lists no such alert"},
		"the list fails":   {func(s *promtest.Server) { s.Fail("/api/v1/alerts", promtest.Failure{Status: 404, Text: "no"}) }, "404"},
		"nobody is there":  {(*promtest.Server).Down, "refused"},
		"another label's value": {func(s *promtest.Server) {
			s.SetAlerts(promtest.Alert{Labels: map[string]string{"alertname": "A \"quoted\\", "service": "cart"}, State: "firing"})
		}, "lists no such alert"},
		"it counts from later": {func(s *promtest.Server) {
			s.SetAlerts(promtest.Alert{Labels: map[string]string{"alertname": "A \"quoted\\"}, State: "firing", ActiveAt: after(2 * time.Hour)})
		}, "counts from 1970-01-01T02:00:00Z"},
	} {
		s := promtest.New(t, "load 1m\n")
		c.prepare(s)
		a := newFetcher(t, s, nil).ActiveAt(t.Context(), alertAt(after(time.Hour), labels))
		if !a.Onset.Equal(after(time.Hour)) {
			t.Errorf("%s: onset %s", name, a.Onset)
		}
		warned(t, a.Warnings, "onset", c.text)
	}
}

func TestWhoFires(t *testing.T) {
	list := []promtest.Alert{
		{Labels: map[string]string{"alertname": "A", "service": "shop"}, State: "firing"},
		{Labels: map[string]string{"alertname": "A", "service": "cart"}, State: "pending"},
	}
	for _, c := range []struct {
		name          string
		labels        model.LabelSet
		known, firing bool
	}{
		{"listed and firing", model.LabelSet{"alertname": "A", "service": "shop", "replica": "A"}, true, true},
		{"pending", model.LabelSet{"alertname": "A", "service": "cart"}, true, false},
		{"no longer listed", model.LabelSet{"alertname": "A", "service": "db"}, true, false},
		{"of another sender", model.LabelSet{"alertname": "C"}, false, false},
	} {
		s := promtest.New(t, "load 1m\n")
		s.SetAlerts(list...)
		s.SetRules("A", "B")
		known, firing, err := newFetcher(t, s, nil).Firing(t.Context(), c.labels)
		if err != nil || known != c.known || firing != c.firing {
			t.Errorf("%s: known %v, firing %v, %v", c.name, known, firing, err)
		}
	}
	for _, c := range []struct {
		name    string
		failure promtest.Failure
		silent  bool // it may answer later
	}{
		{"a bare querier", promtest.Failure{Status: http.StatusNotFound}, false},
		{"overloaded", promtest.Failure{Status: http.StatusServiceUnavailable}, true},
		{"too slow", promtest.Failure{Status: http.StatusServiceUnavailable, Type: "timeout", Text: "query timed out"}, true},
		{"asked too often", promtest.Failure{Status: http.StatusTooManyRequests}, true},
		{"asked too often, in words", promtest.Failure{Status: http.StatusTooManyRequests, Type: "too_many_requests", Text: "limit reached"}, true},
		{"broken behind its front", promtest.Failure{Status: http.StatusInternalServerError, Type: "internal", Text: "no ruler answers"}, true},
	} {
		s := promtest.New(t, "load 1m\n")
		s.Fail("/api/v1/alerts", c.failure)
		if known, firing, err := newFetcher(t, s, nil).Firing(t.Context(), list0()); (err != nil) != c.silent || known || firing {
			t.Errorf("%s: %v %v %v", c.name, known, firing, err)
		}
	}
	s := promtest.New(t, "load 1m\n")
	s.Down()
	if known, firing, err := newFetcher(t, s, nil).Firing(t.Context(), list0()); err == nil || known || firing {
		t.Errorf("down: %v %v %v", known, firing, err)
	}
}

func list0() model.LabelSet { return model.LabelSet{"alertname": "A"} }

func TestAStormAsksForTheListOnce(t *testing.T) {
	s := promtest.New(t, "load 1m\n")
	s.Fail("/api/v1/alerts", promtest.Failure{After: 20 * time.Millisecond})
	s.SetAlerts(promtest.Alert{Labels: map[string]string{"alertname": "A"}, State: "firing", ActiveAt: after(0)})
	f := newFetcher(t, s, nil)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { f.ActiveAt(t.Context(), alertAt(after(time.Hour), list0())) })
	}
	wg.Wait()
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestRequestsAreCountedByOutcome(t *testing.T) {
	s := promtest.New(t, "load 1m\na 1x60\n")
	s.Fail("/api/v1/query_range c", promtest.Failure{Status: 422, Type: "execution", Text: "no"})
	s.Fail("/api/v1/query_range d", promtest.Failure{After: time.Hour})
	reg := prometheus.NewRegistry()
	var u config.URL
	if err := u.UnmarshalText([]byte(s.URL)); err != nil {
		t.Fatal(err)
	}
	f, err := promql.NewFetcher(config.Prometheus{URL: &u, QueryTimeout: model.Duration(2 * time.Second)}, promql.NewMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	rule := config.Rule{Target: &config.Target{Name: "a", Query: "a"}, Breakdown: &config.Breakdown{Labels: []string{}}}
	for _, q := range []string{"c", "d"} {
		rule.Candidates = append(rule.Candidates, config.Candidate{Name: q, Query: q})
	}
	frame := fetch(t, f, rule, ordersAlert(50*time.Minute), after(time.Hour))
	warned(t, frame.Warnings, "d", "took too long")
	s.Down()
	f.ActiveAt(t.Context(), alertAt(after(0), list0()))

	const want = `
		# HELP culprit_prometheus_queries_total Requests to Prometheus by outcome: ok, refused, timeout, unreachable or canceled.
		# TYPE culprit_prometheus_queries_total counter
		culprit_prometheus_queries_total{outcome="canceled",server=""} 0
		culprit_prometheus_queries_total{outcome="ok",server=""} 6
		culprit_prometheus_queries_total{outcome="refused",server=""} 1
		culprit_prometheus_queries_total{outcome="timeout",server=""} 1
		culprit_prometheus_queries_total{outcome="unreachable",server=""} 1
	`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "culprit_prometheus_queries_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// A value that isn't a time is ignored, whoever wrote it.
func TestInvalidOnsetIsIgnored(t *testing.T) {
	for _, value := range []string{"NaN", "+Inf", "-Inf", "0", "-5", "1e300"} {
		s := promtest.New(t, "load 1m\nALERTS_FOR_STATE{alertname=\"A\"} "+strings.Repeat(value+" ", 70)+"\n")
		a := newFetcher(t, s, nil).ActiveAt(t.Context(), alertAt(after(time.Hour), list0()))
		if !a.Onset.Equal(after(time.Hour)) {
			t.Errorf("%s: onset %s", value, a.Onset)
		}
		warned(t, a.Warnings, "onset", "startsAt")
	}
}
