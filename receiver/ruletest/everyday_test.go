// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

// containers use 200 of a limit of 1,000; p1 uses four times as much since a minute before the
// onset. p3 has no limit, which its exporter writes as 0.
func containers() (series []InputSeries) {
	for i := range 4 {
		labels := fmt.Sprintf(`{pod="p%d"}`, i)
		series = append(series, odd("memory_used"+labels, func(m int) string {
			n := 200 + (m*m+i)%5
			if i == 1 && m >= -1 {
				n *= 4
			}
			return fmt.Sprint(n)
		}), odd("memory_limit"+labels, func(int) string {
			if i == 3 {
				return "0"
			}
			return "1000"
		}))
	}
	return series
}

// A comparison inside an aggregation is a filter, not the alert's condition, unless the aggregation
// is of what it compares.
func TestAFilterInsideIsNotTheCondition(t *testing.T) {
	for _, expression := range []string{
		`max(memory_used / (memory_limit > 0)) > 0.7`,
		`max(memory_used / (memory_limit != 0)) > 0.7`,
		`max(100 * (memory_used / (memory_limit > 0))) > 70`,
	} {
		if got := saysOf(t, expression, nil, containers()...); !strings.Contains(got, "pod=p1") || !strings.Contains(got, "% → 8") {
			t.Errorf("%s: %s", expression, got)
		}
	}
	if got := saysOf(t, `max(memory_used > 500) > 0`, nil, containers()...); !strings.Contains(got, "pod=p1") {
		t.Errorf("%s", got)
	}
}

// Without a denominator there is no ratio that could have risen from 0.
func TestAPartWithoutADenominatorDidNotMove(t *testing.T) {
	got := saysOf(t, `sum(memory_used) / sum(memory_limit) > 0.3`, nil, containers()...)
	if !strings.Contains(got, ">99 % of the rise is pod=p1 ") && !strings.Contains(got, "100 % of the rise is pod=p1 ") {
		t.Errorf("%s", got)
	}
}

// The difference of two levels is reported as it is, not as shifted for the kernels.
func TestADifferenceBelowZeroIsToldAsItIs(t *testing.T) {
	var series []InputSeries
	for _, name := range []string{"x", "y", "z"} {
		labels := fmt.Sprintf(`{deployment=%q}`, name)
		series = append(series, odd("wanted"+labels, func(int) string { return "3" }), odd("available"+labels, func(m int) string {
			if name == "y" && m >= -1 {
				return "1"
			}
			return "3"
		}))
	}
	if got := saysOf(t, `available < wanted`, model.LabelSet{"deployment": "y"}, series...); !strings.Contains(got, "only deployment=y of 3 series (0 → -2)") {
		t.Errorf("%s", got)
	}
}

// clockSays is the first line about an alert on a time, next to a candidate that moved when it
// began.
func clockSays(t *testing.T, expression string, series ...InputSeries) string {
	t.Helper()
	cfg := withRules(t, `
rules:
- name: clock
  matchers: ['alertname="Clock"']
  candidates: [{name: disk, query: disk_left}]
`)
	disk := odd("disk_left", func(m int) string { return fmt.Sprint(1000 + m*m%7 - 90*max(0, m)) })
	w := Test{Name: "clock", Interval: Duration(time.Minute), InputSeries: append(series, disk), Alerts: []Alert{{
		Labels: model.LabelSet{"alertname": "Clock", "instance": "y"}, Expr: expression, Verdict: "any",
		Onset: Duration(oddOnset * time.Minute), At: Duration((oddOnset + 8) * time.Minute),
	}}}
	outcomes, err := w.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes[0].Summary
}

// A time passes its limit whatever else moves.
func TestNothingMakesTheClockGo(t *testing.T) {
	expiry := odd(`cert_expiry{instance="y"}`, func(int) string { return fmt.Sprint(oddOnset*60 + 14*86400) })
	for _, expression := range []string{`cert_expiry - time() < 14 * 86400`, `(cert_expiry - time()) / 86400 < 14`, `avg by (instance) (cert_expiry - time()) < 14 * 86400`} {
		if got := clockSays(t, expression, expiry); !strings.HasPrefix(got, "Only the clock moved: ") {
			t.Errorf("%s: %s", expression, got)
		}
	}
}

// A restart is not time passing.
func TestAStartIsNoClockThatMoved(t *testing.T) {
	var series []InputSeries
	for _, name := range []string{"x", "y", "z"} {
		series = append(series, odd(fmt.Sprintf(`start_seconds{instance=%q}`, name), func(m int) string {
			if name == "y" && m >= -1 {
				return fmt.Sprint((oddOnset - 1) * 60)
			}
			return "100"
		}))
	}
	got := clockSays(t, `time() - start_seconds < 600`, series...)
	if strings.Contains(got, "rise") || strings.Contains(got, "by itself") || !strings.Contains(got, "instance=y") {
		t.Errorf("%s", got)
	}
}

// Values that replace each other are all that moved, however little remains in the total.
func TestASwapIsNoSmallShare(t *testing.T) {
	var series []InputSeries
	for _, region := range []string{"ap", "eu", "us"} {
		for _, app := range []string{"cart", "pay"} {
			series = append(series, odd(fmt.Sprintf(`leader{region=%q,app=%q}`, region, app), func(m int) string {
				if region == "eu" && m < -1 || region == "us" && m >= -1 {
					return "1"
				}
				return "0"
			}))
		}
	}
	got := saysOf(t, `sum by (app) (leader) != 1`, model.LabelSet{"app": "pay"}, series...)
	if !strings.Contains(got, "changed places") || strings.Contains(got, "of all that moved") {
		t.Errorf("%s", got)
	}
}

// With few events most steps have none. Ten in five minutes, instead of one in fifteen, are
// unexpected; two are not.
func TestFewEventsHideNoManyOnes(t *testing.T) {
	failures := func(now int) (series []InputSeries) {
		for i := range 8 {
			sum := 0
			series = append(series, odd(fmt.Sprintf(`failures_total{job_name="j%d"}`, i), func(m int) string {
				switch {
				case i == 3 && m > -2:
					sum += now
				case (m+oddOnset+4*i)%15 == 0, (m+oddOnset+7*i)%23 == 0:
					sum++
				}
				return fmt.Sprint(sum)
			}))
		}
		return series
	}
	own := model.LabelSet{"job_name": "j3"}
	if got := saysOf(t, `increase(failures_total[5m]) > 3`, own, failures(2)...); !strings.Contains(got, "only job_name=j3 of 8 series") {
		t.Errorf("%s", got)
	}
	if got := saysOf(t, `increase(failures_total[5m]) > 0`, own, failures(0)...); strings.Contains(got, "j3") {
		t.Errorf("%s", got)
	}
}

// The figures and the causes of the first line belong to the first KPI of a rule.
func TestACauseOfAnotherKPIIsNotOfTheFirst(t *testing.T) {
	says := func(failing, slow string) (line string, causes []string) {
		cfg := withRules(t, `
rules:
- name: two
  matchers: ['alertname="Two"']
  targets: [{name: failures, query: sum(failures)}, {name: seconds, query: sum(seconds)}]
  candidates: []
`)
		w := Test{Name: "two", Interval: Duration(time.Minute), Alerts: []Alert{{
			Labels: model.LabelSet{"alertname": "Two"}, Expr: "sum(failures) > 100", Verdict: "any",
			Onset: Duration(oddOnset * time.Minute), At: Duration((oddOnset + 8) * time.Minute),
		}}}
		for metric, place := range map[string]string{"failures": failing, "seconds": slow} {
			for _, zone := range []string{"a", "b", "c"} {
				w.InputSeries = append(w.InputSeries, odd(fmt.Sprintf(`%s{zone=%q}`, metric, zone), func(m int) string {
					n := 30 + (m*m+3)%4
					if zone == place && m >= 0 {
						n *= 9
					}
					return fmt.Sprint(n)
				}))
			}
		}
		outcomes, err := w.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return outcomes[0].Summary, outcomes[0].Report.CauseLines(5)
	}
	line, causes := says("a", "c")
	if !strings.Contains(line, "zone=a (failures ") || strings.Contains(line, "zone=c") {
		t.Errorf("%s", line)
	}
	if all := strings.Join(causes, "\n"); !strings.Contains(all, "zone=c: 100 % of the change of seconds") {
		t.Errorf("%s", all)
	}
	if line, _ := says("", "c"); !strings.Contains(line, "of the change of seconds is zone=c") || strings.Contains(line, "→") {
		t.Errorf("%s", line)
	}
}

// How much of a limit a sum fills is reported as a share, not as the sum.
func TestWhatFillsABoundIsToldAsAShareOfIt(t *testing.T) {
	var series []InputSeries
	for _, name := range []string{"x", "y", "z"} {
		labels := fmt.Sprintf(`instance=%q`, name)
		series = append(series, odd(`max_connections{`+labels+`}`, func(int) string { return "200" }))
		series = append(series, odd(`connections{`+labels+`,state="active"}`, func(m int) string {
			if name == "y" && m >= -1 {
				return "180"
			}
			return "20"
		}))
	}
	got := saysOf(t, `sum by (instance) (connections) > min by (instance) (max_connections) * 0.8`, model.LabelSet{"instance": "y"}, series...)
	if !strings.Contains(got, "10 % → 90 %") || !strings.Contains(got, "only instance=y of 3 series") {
		t.Errorf("%s", got)
	}
}
