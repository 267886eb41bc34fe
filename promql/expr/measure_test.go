// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func termTexts(terms []Term) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = fmt.Sprintf("%g·%s", t.Coefficient, t.By([]string{"l"}))
	}
	return strings.Join(texts, " + ")
}

func TestKPIsAreTakenApart(t *testing.T) {
	for _, c := range []struct{ name, query, numerator, denominator string }{
		{"a sum", `sum(rate(a_total[5m]))`, "1·sum by (l) (rate(a_total[5m]))", ""},
		{"a sum by another label", `sum by (job) (a)`, "1·sum by (l) (a)", ""},
		{"a sum without a label", `sum without (l, m) (a)`, "1·sum by (l) (a)", ""},
		{"a count", `count(a > 3)`, "1·count by (l) (a > 3)", ""},
		{"series", `rate(a_total[5m])`, "1·sum by (l) (rate(a_total[5m]))", ""},
		{"sums in a sum", `sum(sum by (pod) (count without (l) (a)))`, "1·sum by (l) (sum by (pod, l) (count without () (a)))", ""},
		{"a maximum in a sum", `sum(max by (pod) (a))`, "1·sum by (l) (max by (pod) (a))", ""},
		{"pods counted", `count(sum by (pod) (a))`, "1·count by (l) (sum by (pod) (a))", ""},
		{"a difference of sums", `sum(a) - (sum(b) + 2 * sum(c))`, "1·sum by (l) (a) + -1·sum by (l) (b) + -2·sum by (l) (c)", ""},
		{"another unit", `sum(a) / 1024`, "0.0009765625·sum by (l) (a)", ""},
		{"minus", `-sum(a)`, "-1·sum by (l) (a)", ""},
		{"a threshold", `sum(a) > 5`, "1·sum by (l) (a)", ""},
		{"guards", `(sum(a) and sum(b) > 1) unless sum(c)`, "1·sum by (l) (a)", ""},
		{"a default", `sum(a) or vector(0)`, "1·sum by (l) (a)", ""},
		{"with an info series", `rate(a_total[5m]) * on(pod) group_left(node) info`, "1·sum by (l) (rate(a_total[5m]) * on (pod) group_left (node) info)", ""},
		{"a ratio", `sum(a) / sum(b)`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"a ratio of series", `a / b`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"a ratio by a label", `sum by (job) (a) / on(job) sum by (job) (b)`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"percent", `100 * sum(a) / sum(b)`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"percent after it", `(sum(a) / sum(b)) * 100 > 5`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"a complement", `1 - sum(a) / sum(b)`, "1·sum by (l) (b) + -1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"a complement in percent", `100 - 100 * sum(a) / sum(b)`, "1·sum by (l) (b) + -1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"a complement in percent, in parentheses", `100 - (sum(a) / sum(b) * 100)`, "1·sum by (l) (b) + -1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"percent of a complement", `100 * (1 - sum(a) / sum(b))`, "1·sum by (l) (b) + -1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"a change in percent", `100 * (sum(a) / sum(b) - 1)`, "1·sum by (l) (a) + -1·sum by (l) (b)", "1·sum by (l) (b)"},
		{"more than a ratio", `sum(a) / sum(b) + 2`, "1·sum by (l) (b) + 0.5·sum by (l) (a)", "1·sum by (l) (b)"},
		{"less than nothing", `0 - sum(a) / sum(b)`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{
			"a ratio of series with an info", `(a / b) * on (i) group_left (n) info`,
			"1·sum by (l) (a * on (i) group_left (n) info)", "1·sum by (l) (b * on (i) group_left (n) (info ^ 0))",
		},
		{"labels that a ratio gets", `(sum(a) / sum(b)) * on (i) group_left (n) (info ^ 0)`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"a difference over a sum", `(sum(a) - sum(b)) / sum(a)`, "1·sum by (l) (a) + -1·sum by (l) (b)", "1·sum by (l) (a)"},
		{"a denominator held above zero", `sum(a) / clamp_min(sum(b), 1)`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"a comparison inside", `(a > 0) / b > 0.5`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"an average", `avg by (job) (a)`, "1·sum by (l) (a)", "1·count by (l) (a)"},
		{"percent of an average", `100 * avg(a)`, "1·sum by (l) (a)", "1·count by (l) (a)"},
		{"a sum of one ratio", `sum by (job) (sum by (job) (a) / sum by (job) (b))`, "1·sum by (l) (a)", "1·sum by (l) (b)"},
		{"a mean of ratios", `avg(sum by (job) (a) / sum by (job) (b))`, "1·sum by (l) (sum by (job, l) (a))", "1·sum by (l) (sum by (job, l) (b))"},
		{
			"one less a sum of ratios of two kinds", `1 - sum by (c) (sum by (c, v) (a) / sum by (c, v) (b) or 2 * (sum by (c, v) (d) / sum by (c, v) (e)))`,
			"1·sum by (l) (sum by (c, v, l) (b)) + 1·sum by (l) (sum by (c, v, l) (e)) + -1·sum by (l) (sum by (c, v, l) (a)) + -2·sum by (l) (sum by (c, v, l) (d))",
			"1·sum by (l) (sum by (c, v, l) (b)) + 1·sum by (l) (sum by (c, v, l) (e))",
		},
		{"a mean of shares of series", `avg(a / b)`, "1·sum by (l) (a / b)", "1·count by (l) (a / b)"},
		{"events of native histograms", `histogram_count(sum by (job) (rate(h[5m])))`, "1·sum by (l) (histogram_count(rate(h[5m])))", ""},
		{
			"a share of native histograms", `1 - histogram_fraction(0, 0.25, sum by (job) (rate(h[5m])))`,
			"1·sum by (l) (histogram_count(rate(h[5m]))) + -1·sum by (l) (histogram_fraction(0, 0.25, rate(h[5m])) * histogram_count(rate(h[5m])))",
			"1·sum by (l) (histogram_count(rate(h[5m])))",
		},
		{
			"a share of classic histograms", `histogram_fraction(0, 0.25, sum by (le) (rate(h_bucket[5m])))`,
			`1·sum by (l) (rate(h_bucket{le="0.25"}[5m]))`, `1·sum by (l) (rate(h_bucket{le="+Inf"}[5m]))`,
		},
		{
			"a mean of native histograms", `histogram_avg(sum(rate(h[5m])))`,
			"1·sum by (l) (histogram_sum(rate(h[5m])))", "1·sum by (l) (histogram_count(rate(h[5m])))",
		},
		{"a mean from sum and count", `rate(a_sum[5m]) / rate(a_count[5m])`, "1·sum by (l) (rate(a_sum[5m]))", "1·sum by (l) (rate(a_count[5m]))"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Decompose(MustParse(c.query))
			if err != nil {
				t.Fatal(err)
			}
			if got := termTexts(m.Numerator); got != c.numerator {
				t.Errorf("numerator %s\nwant      %s", got, c.numerator)
			}
			if got := termTexts(m.Denominator); got != c.denominator {
				t.Errorf("denominator %s\nwant        %s", got, c.denominator)
			}
		})
	}
}

func TestAKPIIsWhatIsCompared(t *testing.T) {
	for query, want := range map[string]string{
		`a > 5`:                         `a`,
		`(sum(a) / sum(b)) > 0.05`:      `sum(a) / sum(b)`,
		`a > b`:                         `a`,
		`a == bool 1`:                   `a`,
		`(a > 5) and on() (b > 0)`:      `a`,
		`a > 5 unless c`:                `a`,
		`sum(a) or vector(0)`:           `sum(a)`,
		`sum(a) or on() vector(0) > 5`:  `sum(a)`,
		`a or b`:                        `a or b`,
		`rate(a[5m])`:                   `rate(a[5m])`,
		`((clamp_max(sum(a), 5))) >= 1`: `clamp_max(sum(a), 5)`,
	} {
		if got := Measured(MustParse(query)).String(); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestKPIsWhosePartsDontAddUpAreRefused(t *testing.T) {
	for query, reason := range map[string]string{
		`max(a)`:     "only sum, count and avg",
		`topk(5, a)`: "only sum, count and avg",
		`histogram_quantile(0.99, sum by (le) (rate(a_bucket[5m])))`: "quantiles don't add up",
		`sum(a) / max(b)`:               "the denominator:",
		`min(a) / sum(b)`:               "the numerator:",
		`(sum(a) / sum(b)) / sum(c)`:    "the numerator:",
		`sum(a) + 3`:                    "don't add up",
		`time() - a`:                    "no parts",
		`absent(a)`:                     "no parts",
		`sum(a) * sum(b)`:               "don't add up",
		`sum(a) / sum(b) * on (i) info`: "don't add up",
		`sum(a) ^ 2`:                    "don't add up",
		`7`:                             "constant",
	} {
		if m, err := Decompose(MustParse(query)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, %+v; want %q", query, err, m, reason)
		}
	}
}

func TestFlowsKeepTheirUnit(t *testing.T) {
	for query, want := range map[string]time.Duration{
		`sum(rate(a_total[5m]))`:                                    time.Second,
		`irate(a_total[5m])`:                                        time.Second,
		`sum(increase(a_total[5m]))`:                                5 * time.Minute,
		`sum(sum by (x) (increase(a_total[2m])))`:                   2 * time.Minute,
		`sum(rate(a_total[5m]) * on(p) group_left() b)`:             time.Second,
		`sum(histogram_count(rate(a[5m])))`:                         time.Second,
		`sum(a)`:                                                    0,
		`count(rate(a_total[5m]))`:                                  0,
		`sum(max by (x) (rate(a_total[5m])))`:                       0,
		`sum(deriv(a[5m]))`:                                         0,
		`sum(rate(a_total[5m]) > 3)`:                                0,
		`sum(max_over_time((sum by (x) (rate(a_total[5m])))[1h:]))`: 0,
	} {
		m, err := Decompose(MustParse(query))
		if err != nil {
			t.Errorf("%s: %v", query, err)
		} else if m.Numerator[0].Per != want {
			t.Errorf("%s: unit %s, want %s", query, m.Numerator[0].Per, want)
		}
	}
}

func TestEventsAreToldFromAmounts(t *testing.T) {
	for query, want := range map[string]bool{
		`sum(rate(http_requests_total[5m]))`:                             true,
		`sum(rate(http_request_duration_seconds_count[5m]))`:             true,
		`sum(rate(b_bucket{le="0.5"}[5m])) / sum(rate(b_count[5m]))`:     true,
		`1 - sum(rate(b_bucket{le="0.5"}[5m])) / sum(rate(b_count[5m]))`: true,
		`sum(rate(a_sum[5m])) / sum(rate(a_count[5m]))`:                  false,
		`sum(rate(process_cpu_seconds_total[5m]))`:                       false,
		`sum(rate(node_network_receive_bytes_total[5m]))`:                false,
		`sum(queue_length)`:        false,
		`sum(http_requests_total)`: false,
	} {
		m, err := Decompose(MustParse(query))
		if err != nil || m.Count != want {
			t.Errorf("%s: count %v, %v", query, m.Count, err)
		}
	}
}

func TestRangesAreThoseOfOneEvaluation(t *testing.T) {
	for query, want := range map[string][2]time.Duration{
		`a`:                                   {0, 0},
		`sum(rate(a[2m])) / sum(rate(b[5m]))`: {2 * time.Minute, 5 * time.Minute},
		`max_over_time((rate(a[5m]))[1h:1m])`: {5 * time.Minute, time.Hour + 5*time.Minute},
		`max_over_time(a[10m:])`:              {10 * time.Minute, 10 * time.Minute},
	} {
		shortest, longest := Ranges(MustParse(query))
		if shortest != want[0] || longest != want[1] {
			t.Errorf("%s: %s, %s; want %v", query, shortest, longest, want)
		}
	}
}
