// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"testing"
)

// TestWhatOnlySmoothsOrScalesKeepsTheKind wraps expressions of each kind in forms that change
// their values and not their kind.
func TestWhatOnlySmoothsOrScalesKeepsTheKind(t *testing.T) {
	forms := []string{
		"EXPR", "(EXPR)", "-(EXPR)", "+(EXPR)", "(EXPR) * 100", "100 * (EXPR)", "(EXPR) / 60", "(EXPR) + 1", "1 - (EXPR)",
		"avg_over_time((EXPR)[10m:1m])", "last_over_time((EXPR)[10m:1m])", "first_over_time((EXPR)[10m:1m])",
		"abs(EXPR)", "ceil(EXPR)", "floor(EXPR)", "topk(3, EXPR)", "bottomk(3, EXPR)", "limitk(3, EXPR)", "limit_ratio(.5, EXPR)",
		"(EXPR) or vector(0)", "(EXPR) * on (a) group_left (b) info", "info * on (a) group_right (b) (EXPR)",
	}
	for text, want := range map[string]Kind{
		"sum(rate(x_total[5m]))": KindAdditive, "sum by (a) (increase(x_total[5m]))": KindAdditive, "count_over_time(x[5m])": KindAdditive,
		"sum_over_time(x[5m])": KindAdditive, "histogram_count(rate(x[5m]))": KindAdditive, "histogram_sum(rate(x[5m]))": KindAdditive,
		"irate(x_total[5m])": KindAdditive,
		"max(x)":             KindExtremum, "min by (a) (x)": KindExtremum, "max_over_time(x[5m])": KindExtremum, "min_over_time(x[5m])": KindExtremum,
		"avg(x)": KindMean, "histogram_avg(rate(x[5m]))": KindMean, "rate(x_sum[5m]) / rate(x_count[5m])": KindMean,
		"rate(x_failed_total[5m]) / rate(x_total[5m])": KindRatio, "histogram_fraction(0, 1, x)": KindRatio,
		"rate(x_sum[5m]) / rate(x_total[5m])": KindRatio, "rate(x[5m]) / rate(x_count[5m])": KindRatio,
		"histogram_quantile(.9, rate(x_bucket[5m]))": KindQuantile, "quantile_over_time(.9, x[5m])": KindQuantile, "quantile(.9, x)": KindQuantile,
		"delta(x[5m])": KindChange, "idelta(x[5m])": KindChange, "deriv(x[5m])": KindChange, "changes(x[5m])": KindChange, "resets(x[5m])": KindChange,
		"predict_linear(x[5m], 3600)": KindChange,
		"time() - x":                  KindAge, "timestamp(x)": KindAge,
		"absent(x)": KindPresence, "absent_over_time(x[5m])": KindPresence, "present_over_time(x[5m])": KindPresence,
	} {
		for _, form := range forms {
			whole := strings.ReplaceAll(form, "EXPR", text)
			e, err := Parse(whole)
			if err != nil {
				t.Fatalf("%s: %v", whole, err)
			}
			if got := kindOf(e); got != want {
				t.Errorf("%s is of kind %v, want %v", whole, got, want)
			}
		}
	}
}

// TestASumOfTwoKindsIsOfOneIfTheOtherIsOnlyAdded checks the kind of a sum.
func TestASumOfTwoKindsIsOfOneIfTheOtherIsOnlyAdded(t *testing.T) {
	for text, want := range map[string]Kind{
		"max(a) + max(b)": KindExtremum, "max(a) + sum(b)": KindExtremum, "sum(b) + max(a)": KindExtremum, "sum(b) - delta(a[5m])": KindChange,
		"sum(a) + sum(b)": KindAdditive, "avg(a) + sum(b)": KindOther, "sum(a) + avg(b)": KindOther, "max(a) - avg(b)": KindOther,
		"time() - max(a)": KindAge, "max(a) - time()": KindAge, "sum(a) ^ 2": KindOther, "sum(a) % 2": KindAdditive, "sum(a > bool 1)": KindAdditive, "(avg(a) > bool 1)": KindAdditive,
	} {
		e, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := kindOf(e); got != want {
			t.Errorf("%s is of kind %v, want %v", text, got, want)
		}
	}
}
