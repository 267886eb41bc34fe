// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// A rollout can have caused what moved after it, not what moved before or went on as before.
func TestARolloutThatCameTooLateIsNoCause(t *testing.T) {
	says := func(ago int, level func(minute float64) float64) string {
		const labels = `{namespace="shop",deployment="shop"}`
		return saysOf(t, `queue_depth > 100`, nil,
			odd(`queue_depth`+labels, func(m int) string { return fmt.Sprintf("%.1f", level(float64(m))*(1+.01*float64((m*m+7)%5-2))) }),
			odd(`kube_deployment_status_observed_generation`+labels, func(m int) string { return fmt.Sprint(3 + min(1, max(0, m+ago+1))) }))
	}
	step := func(m float64) float64 { return 40 + 80*min(1, max(0, m+2)) }
	ramp := func(m float64) float64 { return 40 + 65*min(1, max(0, (m+25)/25)) }
	morning := func(m float64) float64 { return 100 + 60*math.Sin(2*math.Pi*m/1440) }
	for _, c := range []struct {
		name  string
		level func(float64) float64
		ago   int
		named bool
	}{
		{"a step", step, 3, true},
		{"a step, and a scrape late", step, 1, true},
		{"a ramp, at its beginning", ramp, 25, true},
		{"a ramp, in its last third", ramp, 6, false},
		{"a morning", morning, 5, false},
		{"a morning, half an hour before", morning, 30, false},
	} {
		if got := says(c.ago, c.level); strings.Contains(got, "rolled out") != c.named {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// Replicas that an autoscaler adds under load are not its cause.
func TestReplicasAddedUnderLoadAreNoCause(t *testing.T) {
	for _, added := range []bool{true, false} {
		const labels = `{namespace="shop",deployment="shop"}`
		replicas := func(m int) string {
			if (m >= -2) == added {
				return "9"
			}
			return "4"
		}
		got := saysOf(t, `cpu_load > 6`, nil,
			odd(`cpu_load`+labels, func(m int) string { return fmt.Sprint(2+6*min(1, max(0, m+2)), ".", (m*m+3)%7) }),
			odd(`kube_deployment_spec_replicas`+labels, replicas))
		if strings.Contains(got, "scaled") == added {
			t.Errorf("added %v: %s", added, got)
		}
	}
}
