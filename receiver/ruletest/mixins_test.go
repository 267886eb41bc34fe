// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
)

// counted is a counter that increases by before per minute, and by now since a minute before the
// onset, so that an alert that fires then is about it.
func counted(series string, before, now float64) InputSeries {
	var sum float64
	return odd(series, func(m int) string {
		by := before
		if m >= -1 {
			by = now
		}
		sum += by * (1 + .02*float64((m*m+7)%5-2))
		return fmt.Sprint(sum)
	})
}

// If an alert's expression aggregates or matches labels away, its figures are those of the series
// with its labels, not of all.
func TestTheFiguresAreOfTheAlertsOwnSeries(t *testing.T) {
	var series []InputSeries
	for _, name := range []string{"x", "y", "z"} {
		busy, throttled := 18., 2.
		if name == "y" {
			busy, throttled = 57, 240
		}
		for _, mode := range []string{"user", "system"} {
			for cpu := range 2 {
				series = append(series, counted(fmt.Sprintf(`cpu_seconds_total{instance=%q,cpu="%d",mode=%q}`, name, cpu, mode), 9, busy/2))
			}
		}
		labels := fmt.Sprintf(`{instance=%q,container="main",id="/%s"}`, name, name)
		series = append(series, counted("throttled_periods_total"+labels, 2, throttled), counted("periods_total"+labels, 600, 600))
	}
	for expression, want := range map[string]string{
		`sum without (mode) (avg without (cpu) (rate(cpu_seconds_total[2m]))) * 100 > 60`: "30 % → 9",
		`sum without (id) (increase(throttled_periods_total[5m])) / on (instance, container) group_left
			sum without (id) (increase(periods_total[5m])) > 0.05`: "0.00333 → 0.4",
	} {
		own := model.LabelSet{"instance": "y"}
		if strings.Contains(expression, "throttled") {
			own["container"] = "main"
		}
		if got := saysOf(t, expression, own, series...); !strings.Contains(got, "only instance=y of 3 series") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", expression, got)
		}
	}
}

// The restart of another instance is unrelated.
func TestTheStartOfAnotherInstanceIsNoCause(t *testing.T) {
	for _, started := range []string{"x", "y"} {
		var series []InputSeries
		for _, name := range []string{"x", "y", "z"} {
			labels := fmt.Sprintf(`{job="api",instance=%q}`, name)
			series = append(series, odd("open_files"+labels, func(m int) string {
				if name == "y" && m >= 0 {
					return "900"
				}
				return fmt.Sprint(60 + (m*m+3)%5)
			}), odd("process_start_time_seconds"+labels, func(m int) string {
				if name == started && m >= -2 {
					return fmt.Sprint((oddOnset - 2) * 60)
				}
				return "-90000"
			}))
		}
		got := saysOf(t, `open_files > 500`, model.LabelSet{"job": "api", "instance": "y"}, series...)
		if !strings.Contains(got, "instance=y") || strings.Contains(got, "api was started") != (started == "y") {
			t.Errorf("%s was started: %s", started, got)
		}
	}
}

// Of several instances that moved alike, none is named as if alone.
func TestOneOfManyThatMovedAlikeIsNotNamedAlone(t *testing.T) {
	var series []InputSeries
	for i, name := range []string{"x", "y", "z"} {
		labels := fmt.Sprintf(`{job="api",instance=%q}`, name)
		series = append(series, counted("requests_total"+labels, 600, 600), counted("errors_total"+labels, 1, 90), odd("go_goroutines"+labels, func(m int) string {
			return fmt.Sprint(60 + (m*m+i)%5)
		}), odd("go_memstats_heap_inuse_bytes"+labels, func(m int) string {
			n := 100 + (m*m+3*i)%4
			if m >= 0 {
				n *= 2
			}
			return fmt.Sprint(n * 1_000_000)
		}))
	}
	got := saysOf(t, `sum by (job) (rate(errors_total[2m])) / sum by (job) (rate(requests_total[2m])) > 0.05`, model.LabelSet{"job": "api"}, series...)
	if !strings.Contains(got, "heap") || !strings.Contains(got, " and the 2 others rose") {
		t.Errorf("%s", got)
	}
}

// daily is a level with a daily cycle and a little noise, one value per two minutes for two days
// and seven hours.
func daily(series string, mean, amplitude float64) InputSeries {
	values := make([]string, 55*30)
	for i := range values {
		at := float64(i) / (24 * 30)
		values[i] = fmt.Sprintf("%.4g", mean*(1+amplitude*math.Sin(2*math.Pi*(at-.26))+.004*float64((i*i+3)%5-2)))
	}
	return InputSeries{Series: series, Values: strings.Join(values, " ")}
}

// A KPI with its usual value for this hour did not move, whatever else moves daily.
func TestWhatMovesEachDayIsNoCauseOfALevel(t *testing.T) {
	rules, err := config.ParseRules("test", []byte(`
rules:
- {name: all, matchers: ['alertname="Odd"'], candidates: [{name: memory, query: sum(memory_bytes)}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{Rules: rules}
	w := Test{Name: "daily", Interval: Duration(2 * time.Minute), Alerts: []Alert{{
		Labels: model.LabelSet{"alertname": "Odd"}, Expr: "sum(work) > 415", Onset: Duration(54*time.Hour + 24*time.Minute), At: Duration(54*time.Hour + 44*time.Minute),
	}}}
	for _, pod := range []string{"a", "b", "c", "d"} {
		w.InputSeries = append(w.InputSeries, daily(fmt.Sprintf(`work{pod=%q}`, pod), 100, .4), daily(fmt.Sprintf(`memory_bytes{pod=%q}`, pod), 5e8, .2))
	}
	outcomes, err := w.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range outcomes[0].Result.Causes {
		if report.Confident(f) {
			t.Errorf("%s: %s", outcomes[0].Summary, f.Sentence)
		}
	}
}

// A level is reported correctly, however far apart its samples are.
func TestALevelIsToldAsItIsAtAnyInterval(t *testing.T) {
	cfg, err := config.Parse("test", []byte(`prometheus: {url: "http://localhost"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, interval := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute} {
		onset := 180 * time.Minute
		for at := onset + 6*interval; at < onset+10*interval; at += interval / 2 {
			w := Test{Name: "level", Interval: Duration(interval), Alerts: []Alert{{
				Labels: model.LabelSet{"alertname": "Odd"}, Expr: "sum(queue_length) > 350", Onset: Duration(onset), At: Duration(at),
			}}}
			for _, queue := range []string{"a", "b", "c"} {
				now := 100
				if queue == "b" {
					now = 200
				}
				w.InputSeries = append(w.InputSeries, InputSeries{
					Series: fmt.Sprintf(`queue_length{queue=%q}`, queue),
					Values: fmt.Sprintf("100+0x%d %d+0x40", int(onset/interval)-1, now),
				})
			}
			outcomes, err := w.Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := outcomes[0].Summary; got != "100 % of the rise is queue=b (queue_length 300 → 400)" {
				t.Errorf("every %s, at %s: %s", interval, at, got)
			}
		}
	}
}
