// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
)

// counted is a counter that goes up by so much each minute, and by something else from a
// minute before the onset on, so that an alert that holds at the onset is about it.
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

// An alert of which some labels are aggregated away, and others matched, is about the
// series that has its labels: the figures are of that one, and not of all.
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

// The restart of another instance has nothing to do with this one.
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

// Of several instances that moved alike, none is named as if it had done so alone.
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
