// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis/words"
)

// TestAUnitIsKeptByWhatKeepsIt wraps a gauge of each unit in forms that keep it, and in forms
// that yield a bare number.
func TestAUnitIsKeptByWhatKeepsIt(t *testing.T) {
	kept := []string{
		"GAUGE", "abs(GAUGE)", "ceil(GAUGE)", "floor(GAUGE)", "round(GAUGE)", "clamp(GAUGE, 0, 9)", "clamp_min(GAUGE, 0)", "clamp_max(GAUGE, 9)",
		"sort(GAUGE)", "sort_desc(GAUGE)", `sort_by_label(GAUGE, "a")`, `sort_by_label_desc(GAUGE, "a")`, "vector(scalar(GAUGE))",
		`label_replace(GAUGE, "a", "$1", "b", "(.*)")`, `label_join(GAUGE, "a", "-", "b")`,
		"avg_over_time(GAUGE[5m])", "max_over_time(GAUGE[5m])", "min_over_time(GAUGE[5m])", "sum_over_time(GAUGE[5m])", "last_over_time(GAUGE[5m])",
		"first_over_time(GAUGE[5m])", "stddev_over_time(GAUGE[5m])", "quantile_over_time(.9, GAUGE[5m])", "predict_linear(GAUGE[5m], 60)",
		"delta(GAUGE[5m])", "idelta(GAUGE[5m])", "increase(GAUGE[5m])",
		"sum(GAUGE)", "avg(GAUGE)", "max(GAUGE)", "min(GAUGE)", "topk(2, GAUGE)", "quantile(.5, GAUGE)", "-GAUGE",
		"GAUGE + 1", "1 + GAUGE", "1 - GAUGE", "GAUGE - GAUGE offset 1h", "GAUGE > 5", "5 < GAUGE", "GAUGE and up", "GAUGE unless up", "GAUGE or vector(0)",
		"GAUGE or GAUGE offset 5m", "GAUGE * on (a) group_left (b) kube_pod_info", "kube_pod_info * on (a) group_right (b) GAUGE",
	}
	bare := []string{
		"changes(GAUGE[5m])", "resets(GAUGE[5m])", "count_over_time(GAUGE[5m])", "count(GAUGE)", "GAUGE > bool 5", "GAUGE ^ 2", "GAUGE * on (a) price",
		"GAUGE or up", "GAUGE + on (a) other_things", "1 / GAUGE",
	}
	for gauge, unit := range map[string]words.Unit{"heap_bytes": words.Bytes, "lag_seconds": words.Seconds, "cache_mib": words.Mebibytes} {
		for _, form := range kept {
			if text := strings.ReplaceAll(form, "GAUGE", gauge); words.Unit(Unit(text)) != unit {
				t.Errorf("%s is in %q, want %q", text, Unit(text), unit)
			}
		}
		for _, form := range bare {
			if text := strings.ReplaceAll(form, "GAUGE", gauge); Unit(text) != "" {
				t.Errorf("%s is in %q, want a bare number", text, Unit(text))
			}
		}
	}
}

// TestATitleIsKeptByWhatOnlyReadsAMetric wraps a metric in forms that keep its name as the
// title, and in forms with a word of their own.
func TestATitleIsKeptByWhatOnlyReadsAMetric(t *testing.T) {
	for _, form := range []string{
		"queue", "rate(queue[5m])", "irate(queue[5m])", "last_over_time(queue[5m])", "sum_over_time(queue[5m])", "abs(queue)", "ceil(queue)", "floor(queue)",
		"sum(queue)", "queue * 60", "60 * queue", "queue / 60",
	} {
		if got := Title(MustParse(form), nil); got != "queue" {
			t.Errorf("%s is called %q", form, got)
		}
	}
	for form, want := range map[string]string{
		"min(queue)": "smallest queue", "min_over_time(queue[5m])": "smallest queue", "max_over_time(queue[5m])": "largest queue",
		"avg_over_time(queue[5m])": "mean queue", "delta(queue[5m])": "queue in 5m", "idelta(queue[5m])": "queue in 5m",
		"quantile(.5, queue)": "median queue", "quantile(.9, queue)": "", "60 / queue": "", "queue + 1": "", "queue ^ 2": "",
		"count(queue > bool 1)": "", "count(queue > limit)": "", "min(stddev(queue))": "", "time() - stddev(queue)": "", "stddev(a) / b": "",
	} {
		if got := Title(MustParse(form), nil); got != want {
			t.Errorf("%s is called %q, want %q", form, got, want)
		}
	}
	for form, want := range map[string]bool{
		"(time() - a) * 60": true, "60 * (time() - a)": true, "(time() - a) / 60": true, "(time() - a) + 60": false, "60 / (time() - a)": false, "(time() - a) ^ 2": false,
		"time() + a": false,
	} {
		if got := RunsByTheClock(MustParse(form)); got != want {
			t.Errorf("%s runs by the clock: %v", form, got)
		}
	}
}
