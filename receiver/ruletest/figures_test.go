// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
)

// used are counters of the work of six instances in two zones, 12 a minute each, of which
// a1 does ten times as much from a minute before the onset on, so that an alert that holds
// at the onset is about it. Each has a limit of one a second.
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

// A mean of rates, and a rate beside a level, are told as they are, and not as what comes
// within an incident, beside what doesn't.
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
		own, place := model.LabelSet{"severity": "page"}, "zone=a" // the severity is of the rule
		if strings.Contains(expression, "zone") || strings.Contains(expression, "without") {
			own["zone"], place = "a", "instance=a1"
		}
		if got := saysOf(t, expression, own, used()...); !strings.Contains(got, want) || !strings.Contains(got, place) {
			t.Errorf("%s: %s", expression, got)
		}
	}
}
