// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

// used are work counters of six instances in two zones, 12 a minute each. a1 does ten times as much
// since a minute before the onset, so that an alert that fires then is about it. Each has a limit
// of one a second.
func used() (series []InputSeries) {
	for _, zone := range []string{"a", "b"} {
		for i := range 3 {
			sum := 0
			labels := fmt.Sprintf(`{zone=%q,instance="%s%d"}`, zone, zone, i)
			series = append(series, odd("work_seconds_total"+labels, func(m int) string {
				sum += 12
				if m >= -1 && labels == `{zone="a",instance="a1"}` {
					sum += 108
				}
				return fmt.Sprint(sum)
			}))
			series = append(series, odd("work_limit"+labels, func(int) string { return "1" }))
		}
	}
	return series
}

// A mean of rates, and a rate divided by a level, are reported as they are, not as amounts within
// the incident.
func TestARateForEachOfSomethingIsToldAsItIs(t *testing.T) {
	for expression, want := range map[string]string{
		`avg(rate(work_seconds_total[2m])) > 0.3`:                                                           "0.2 → 0.5",
		`sum(rate(work_seconds_total[2m])) / sum(work_limit) > 0.3`:                                         "0.2 → 0.5",
		`sum(rate(work_seconds_total[2m])) / count(work_limit) > 0.3`:                                       "0.2 → 0.5",
		`sum(increase(work_seconds_total[2m])) / count(work_limit) > 36`:                                    "24 s → 60 s",
		`avg by (zone) (rate(work_seconds_total[2m])) > 0.4`:                                                "0.2 → 0.8",
		`avg without (instance) (rate(work_seconds_total[2m])) > 0.4`:                                       "0.2 → 0.8",
		`sum without (instance) (rate(work_seconds_total[2m])) > 1`:                                         "0.6 → 2.4",
		`sum without (instance) (rate(work_seconds_total[2m])) / sum without (instance) (work_limit) > 0.4`: "0.2 → 0.8",
	} {
		own, place := model.LabelSet{"severity": "page"}, "zone=a" // the rule's severity
		if strings.Contains(expression, "zone") || strings.Contains(expression, "without") {
			own["zone"], place = "a", "instance=a1"
		}
		if got := saysOf(t, expression, own, used()...); !strings.Contains(got, want) || !strings.Contains(got, place) {
			t.Errorf("%s: %s", expression, got)
		}
	}
}

// At the first look at a level only one row is from after the onset: earlier rows are not part of
// the current value.
func TestALevelThatHasJustMovedIsToldAsItIs(t *testing.T) {
	var series []InputSeries
	for i := range 4 {
		series = append(series, odd(fmt.Sprintf(`queue_length{queue="q%d"}`, i), func(m int) string {
			n := 20 + (m*m+7*i)%3
			if i == 2 && m >= 0 {
				n = 90
			}
			return fmt.Sprint(n)
		}))
	}
	w := Test{Name: "young", Interval: Duration(time.Minute), InputSeries: series, Alerts: []Alert{{
		Labels: model.LabelSet{"alertname": "Young", "queue": "q2"}, Expr: `queue_length > 80`, Verdict: "any",
		Onset: Duration(oddOnset * time.Minute), At: Duration(oddOnset*time.Minute + 20*time.Second),
	}}}
	outcomes, err := w.Run(t.Context(), withRules(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes[0].Summary; !strings.Contains(got, "→ 90)") {
		t.Errorf("%s", got)
	}
}
