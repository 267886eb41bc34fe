// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"strings"
	"testing"
)

// connections are about fifty for each of six pods in two zones; a1 has four times as many since a
// minute before the onset.
func connections() (series []InputSeries) {
	for _, zone := range []string{"a", "b"} {
		for i := range 3 {
			labels := fmt.Sprintf(`{zone=%q,pod="%s%d"}`, zone, zone, i)
			series = append(series, odd("connections"+labels, func(m int) string {
				n := 50 + (m*m+3*i)%5
				if m >= -1 && labels == `{zone="a",pod="a1"}` {
					n *= 4
				}
				return fmt.Sprint(n)
			}), odd(`up{pod="`+zone+fmt.Sprint(i)+`"}`, func(int) string { return "1" }))
		}
	}
	return series
}

// An anomaly alert compares a sum with its own average, whose parts are those of its series; a
// standard deviation has no parts.
func TestAKPIBesideItsOwnAverageIsBrokenDown(t *testing.T) {
	const past = `_over_time(sum(connections)[1h:1m] offset 15m)`
	if got := saysOf(t, `sum(connections) / avg`+past+` > 1.3`, nil, connections()...); !strings.Contains(got, "zone=a (") || !strings.Contains(got, " of the rise") {
		t.Errorf("%s", got)
	}
	got := saysOf(t, `(sum(connections) - avg`+past+`) / stddev`+past+` > 5`, nil, connections()...)
	if !strings.HasPrefix(got, "No answer: ") || !strings.Contains(got, "denominator") {
		t.Errorf("%s", got)
	}
}

// What only one series has is not widespread.
func TestWhatOneSeriesHasIsNotEverywhere(t *testing.T) {
	for _, expression := range []string{`sum(connections > 150) > 0`, `sum(connections > 150) by (job) > 0`} {
		if got := saysOf(t, expression, nil, connections()...); strings.Contains(got, "alike") {
			t.Errorf("%s: %s", expression, got)
		}
	}
}
