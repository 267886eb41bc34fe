// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// crowd is many pods that all start to fail, and their alerts.
func crowd(t *testing.T, pods int) (*promtest.Server, []promql.Alert) {
	t.Helper()
	var b strings.Builder
	b.WriteString("load 1m\n")
	var listed []promtest.Alert
	var alerts []promql.Alert
	for i := range pods {
		pod, instance := fmt.Sprintf("web-%d", i), fmt.Sprintf("10.0.%d.%d:80", i/250, i%250)
		fmt.Fprintf(&b, "errors_total{namespace=\"shop\",pod=%q,instance=%q,job=\"web\",zone=\"z%d\"} 0+1x100 160+60x20\n", pod, instance, i%3)
		fmt.Fprintf(&b, "go_goroutines{namespace=\"shop\",pod=%q,instance=%q,job=\"web\"} 10x120\n", pod, instance)
		own := map[string]string{"alertname": "Errors", "namespace": "shop", "pod": pod, "instance": instance, "job": "web", "zone": fmt.Sprintf("z%d", i%3), "severity": "page"}
		listed = append(listed, promtest.Alert{Labels: own, State: "firing", ActiveAt: after(102 * time.Minute)})
		ls := model.LabelSet{"cluster": "eu"}
		for k, v := range own {
			ls[model.LabelName(k)] = model.LabelValue(v)
		}
		alerts = append(alerts, promql.Alert{
			Labels: ls, StartsAt: after(time.Duration(104+i%2) * time.Minute),
			GeneratorURL: "http://prom/graph?g0.expr=" + url.QueryEscape(`rate(errors_total[2m]) > 0.5`),
		})
	}
	s := promtest.New(t, b.String())
	s.SetAlerts(listed...)
	return s, alerts
}

// explainAll explains all alerts, several at a time.
func explainAll(t *testing.T, f *promql.Fetcher, rule config.Rule, alerts []promql.Alert) (warned int) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var once sync.Once
	next := make(chan int)
	for range 8 {
		wg.Go(func() {
			for i := range next {
				alert, _ := f.Locate(t.Context(), alerts[i])
				rule, alert, _ := f.Complete(t.Context(), rule, alert, nil)
				plan, err := promql.NewPlan(rule, alert, after(110*time.Minute+time.Duration(i)*time.Minute/time.Duration(len(alerts))))
				if err != nil {
					t.Error(err)
					continue
				}
				fetched, err := f.Fetch(t.Context(), plan)
				if err != nil {
					t.Error(err)
				}
				for _, w := range fetched.Frame.Warnings {
					if w.Source == "cost" {
						once.Do(func() { t.Log(w.Text) })
						mu.Lock()
						warned++
						mu.Unlock()
						break
					}
				}
			}
		})
	}
	for i := range alerts {
		next <- i
	}
	close(next)
	wg.Wait()
	return warned
}

func TestAStormCostsAtMostTwentyTimesOneAlert(t *testing.T) {
	for name, c := range map[string]struct {
		rule config.Rule
		many int
	}{
		"without a rule":                  {config.Rule{}, 500},
		"with a rule that names each pod": {config.Rule{Target: &config.Target{Query: `sum(rate(errors_total{pod="{{ .Labels.pod }}"}[2m]))`}}, 100},
	} {
		s, alerts := crowd(t, c.many)
		explainAll(t, newFetcher(t, s, nil), c.rule, alerts[:1])
		one := len(s.Requests())
		warned := explainAll(t, newFetcher(t, s, nil), c.rule, alerts)
		all := len(s.Requests()) - one
		t.Logf("%s: one alert asks %d times, %d ask %d times; %d say what was left out", name, one, c.many, all, warned)
		if all > 20*one || one < 10 {
			t.Errorf("%s: one alert asks %d times, %d ask %d times", name, one, c.many, all)
		}
		if c.rule.Target == nil && warned > 0 {
			t.Errorf("%d alerts lack something, though all ask the same", warned)
		}
	}
}

func TestAlertsOfAStormAreExplainedTogether(t *testing.T) {
	s, alerts := crowd(t, 30)
	f := newFetcher(t, s, nil)
	explainAll(t, f, config.Rule{}, alerts[:20])
	alert, _ := f.Locate(t.Context(), alerts[20])
	if !alert.Storm || fmt.Sprint(alert.Shared) != `{alertname="Errors", job="web", namespace="shop", severity="page"}` {
		t.Errorf("storm %v, shared %v", alert.Storm, alert.Shared)
	}
	rule, alert, _ := f.Complete(t.Context(), config.Rule{}, alert, nil)
	plan, err := promql.NewPlan(rule, alert, after(110*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := f.Fetch(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	target := fetched.Frame.Targets[0]
	if last := target.Values[len(target.Values)-1]; last != 1 {
		t.Errorf("its own value is %v", last)
	}
	if len(target.Breakdown.Leaves) != 30 {
		t.Errorf("%v", target.Breakdown.Labels)
	}
}

func TestAnAnalysisStaysWithinItsBudget(t *testing.T) {
	for _, c := range []struct {
		change func(*config.Prometheus)
		text   string
	}{
		{func(p *config.Prometheus) { p.MaxQueries = 6 }, "an analysis may ask 6 queries; hint: raise prometheus.max_queries"},
		{func(p *config.Prometheus) { p.MaxSamples = 100 }, "an analysis may read 100 samples; hint: raise prometheus.max_samples"},
	} {
		s := promtest.New(t, shop())
		frame := fetch(t, newFetcher(t, s, c.change), ratioRule(), shopAlert(), shopTime())
		warned(t, frame.Warnings, "cost", c.text)
		warned(t, frame.Warnings, "cost", "left out: ")
		if n := len(s.Requests()); n > 12 {
			t.Errorf("%s: %d requests", c.text, n)
		}
		if v := frame.Targets[0].Values; v[len(v)-1] == 0 {
			t.Errorf("the target comes first: %v", v)
		}
	}
}

func TestAnAnalysisThatTakesTooLongIsCutShort(t *testing.T) {
	s := promtest.New(t, shop())
	s.Fail("/api/v1/query_range cpu", promtest.Failure{After: time.Minute})
	f := newFetcher(t, s, func(p *config.Prometheus) { p.MaxTime = model.Duration(500 * time.Millisecond) })
	frame := fetch(t, f, ratioRule(), shopAlert(), shopTime())
	warned(t, frame.Warnings, "cost", "an analysis may take 500ms; hint: raise prometheus.max_time, or ask for less; left out: cpu")
	if len(frame.Targets[0].Breakdown.Leaves) != 8 {
		t.Errorf("%+v", frame.Targets[0].Breakdown)
	}
}

func TestTheSameQuestionIsAskedOnce(t *testing.T) {
	s := promtest.New(t, shop())
	reg := prometheus.NewRegistry()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	f, err := promql.NewFetcher(config.Prometheus{URL: config.NewURL(u)}, promql.NewMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	first := fetch(t, f, ratioRule(), shopAlert(), shopTime())
	asked := len(s.Requests())
	second := fetch(t, f, ratioRule(), shopAlert(), shopTime())
	if n := len(s.Requests()); n != asked {
		t.Errorf("%d requests more", n-asked)
	}
	if show(first) != show(second) {
		t.Error("the answers differ")
	}
	if n := metric(t, reg, "culprit_prometheus_queries_shared_total"); n != float64(asked) {
		t.Errorf("%v of %d questions were shared", n, asked)
	}
	if n := metric(t, reg, "culprit_analysis_queries"); n != 2 {
		t.Errorf("%v analyses", n)
	}
}

func metric(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestAServerThatDoesNotAnswerIsLeftAlone(t *testing.T) {
	s := promtest.New(t, shop())
	for _, path := range []string{"/api/v1/query", "/api/v1/query_range", "/api/v1/series"} {
		s.Fail(path, promtest.Failure{Status: 502, Text: "bad gateway"})
	}
	f := newFetcher(t, s, nil)
	for range 10 {
		plan, err := promql.NewPlan(ratioRule(), shopAlert(), shopTime())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Fetch(t.Context(), plan); err == nil {
			t.Error("no error")
		}
	}
	if n := len(s.Requests()); n > 20 {
		t.Errorf("%d requests to a server that doesn't answer", n)
	}
}
