// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

const quantileAlert = `histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[2m]))) > 1`

// histogramOf is a service with 1,200 requests a minute. Two in a thousand take longer than a
// second; if it is slow, three in ten do from the onset on. bounds returns the texts of its buckets
// at a minute, or nil if it is absent.
func histogramOf(service string, slow bool, bounds func(minute int) []string) []InputSeries {
	values := map[string][]string{}
	counts := map[string]float64{}
	var texts []string
	for i := range oddOnset + 20 {
		m := i - oddOnset
		share := .002
		if slow && m >= 0 {
			share = .3
		}
		for _, le := range bounds(m) {
			if _, known := values[le]; !known {
				texts = append(texts, le)
			}
			bound, _ := strconv.ParseFloat(le, 64)
			below := (1-share)*(1-math.Exp(-bound/.08)) + share*(1-math.Exp(-bound/1.5))
			counts[le] += math.Round(1200 * below)
			for len(values[le]) < i {
				values[le] = append(values[le], "_")
			}
			values[le] = append(values[le], fmt.Sprint(counts[le]))
		}
	}
	var series []InputSeries
	for _, le := range texts {
		series = append(series, InputSeries{Series: fmt.Sprintf(`latency_seconds_bucket{service=%q,le=%q}`, service, le), Values: strings.Join(values[le], " ")})
	}
	return series
}

// always returns the same buckets at all times.
func always(bounds ...string) func(int) []string {
	return func(int) []string { return append(bounds, "+Inf") }
}

// until switches from one set of buckets to another.
func until(minute int, before, then []string) func(int) []string {
	return func(m int) []string {
		if m < minute {
			return append(before, "+Inf")
		}
		return append(then, "+Inf")
	}
}

// One client writes the bound 1, another 1.0, and Prometheus 3 writes 1.0 for both. A service
// without the bucket nearest to the threshold is not slow as a whole.
func TestBucketsAreFoundHoweverTheyAreWritten(t *testing.T) {
	usual, other := []string{"0.1", "0.5", "1", "2.5"}, []string{"0.1", "0.5", "1.0", "2.5"}
	apart := []string{"0.2", "0.8", "2"}
	all := func(b func(int) []string) map[string]func(int) []string {
		return map[string]func(int) []string{"cart": b, "list": b, "pay": b}
	}
	for name, bounds := range map[string]map[string]func(int) []string{
		"one way":                    all(always(usual...)),
		"another way since an hour":  all(until(-60, usual, other)),
		"the slow one another way":   {"cart": always(usual...), "list": always(usual...), "pay": always(other...)},
		"a quick one another way":    {"cart": always(usual...), "list": always(other...), "pay": always(usual...)},
		"the slow one other buckets": {"cart": always(usual...), "list": always(usual...), "pay": always(apart...)},
		"a quick one other buckets":  {"cart": always(usual...), "list": always(apart...), "pay": always(usual...)},
	} {
		t.Run(name, func(t *testing.T) {
			var series []InputSeries
			for _, service := range []string{"cart", "list", "pay"} {
				series = append(series, histogramOf(service, service == "pay", bounds[service])...)
			}
			got := saysOf(t, quantileAlert, nil, series...)
			if !strings.Contains(got, "service=pay") || strings.Contains(got, "fall") {
				t.Errorf("%s", got)
			}
		})
	}
}

// Shares above bounds that have changed can't be compared.
func TestBucketsThatChangedAreSaidToHave(t *testing.T) {
	var series []InputSeries
	for _, service := range []string{"cart", "list", "pay"} {
		series = append(series, histogramOf(service, service == "pay", until(0, []string{"0.1", "0.5", "1", "2.5"}, []string{"0.2", "0.8", "2"}))...)
	}
	if got := saysOf(t, quantileAlert, nil, series...); !strings.Contains(got, "had others before the incident") {
		t.Errorf("%s", got)
	}
}
