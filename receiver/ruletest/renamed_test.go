// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
)

// renamed are the errors of three pods that a rollout has renamed, that many minutes before the
// onset. The first of the new ones fails at the onset.
func renamed(ago int) (series []InputSeries) {
	for i := range 3 {
		for generation, named := range []string{"old", "new"} {
			sum := 0.
			series = append(series, odd(fmt.Sprintf(`errors_total{job="shop",pod="shop-%s-%d"}`, named, i), func(m int) string {
				if (generation == 1) != (m >= -ago) {
					return "_"
				}
				sum += 24 * (1 + .02*float64((m*m+i)%5-2))
				if i == 0 && m >= -1 {
					sum += 160
				}
				return fmt.Sprintf("%.0f", sum)
			}))
		}
	}
	return series
}

// Pods that a rollout has renamed did not come from nothing: unchanged ones are not named, and no
// line says that all moved alike.
func TestPodsThatWereRenamedDidNotMove(t *testing.T) {
	for expression, own := range map[string]model.LabelSet{
		`sum by (job, pod) (rate(errors_total[4m])) > 1.5`: {"job": "shop", "pod": "shop-new-0"},
		`sum by (job) (rate(errors_total[4m])) > 2.5`:      {"job": "shop"},
		`max(rate(errors_total[4m])) > 1.5`:                nil,
	} {
		for _, ago := range []int{10, 25, 50, 90} {
			got := saysOf(t, expression, own, renamed(ago)...)
			if !strings.Contains(got, "pod=shop-new-0") || strings.Contains(got, "alike") || strings.Contains(got, "new-1") || strings.Contains(got, "new-2") || strings.Contains(got, "0/s →") {
				t.Errorf("%s, renamed %d minutes before: %s", expression, ago, got)
			}
		}
	}
}
