// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
)

// fault is the extent of a fault at a minute, from 0 to 1: it begins at once, and fades within
// minutes after its end.
type fault struct{ from, to, recovers int }

func (f fault) at(m int) float64 {
	switch {
	case m < f.from:
		return 0
	case m < f.to:
		return 1
	case m < f.to+f.recovers:
		return 1 - float64(m-f.to)/float64(f.recovers)
	}
	return 0
}

// broken is a shop of three regions and two endpoints. One region declined payments at one time,
// and one endpoint waited for its database at another.
func broken(region, endpoint fault) (series []InputSeries) {
	for i, r := range []string{"ap", "eu", "us"} {
		for j, e := range []string{"cart", "pay"} {
			sum := 0.
			series = append(series, odd(fmt.Sprintf(`errors_total{region=%q,endpoint=%q}`, r, e), func(m int) string {
				sum += 12 + float64((m*m+i+2*j)%5)
				if r == "us" {
					sum += 120 * region.at(m)
				}
				if e == "pay" {
					sum += 100 * endpoint.at(m)
				}
				return fmt.Sprintf("%.0f", sum)
			}))
		}
		series = append(series, odd(fmt.Sprintf(`declined{region=%q}`, r), func(m int) string {
			n := 20 + (m*m+i)%5
			if r == "us" {
				n += int(200 * region.at(m))
			}
			return fmt.Sprint(n)
		}))
	}
	for i, name := range []string{"orders", "users"} {
		series = append(series, odd(fmt.Sprintf(`db_waiting{db=%q}`, name), func(m int) string {
			n := 30 + (m*m+3*i)%5
			if name == "orders" {
				n += int(200 * endpoint.at(m))
			}
			return fmt.Sprint(n)
		}))
	}
	return series
}

// reported is the report on the errors of the shop.
func reported(t *testing.T, expression string, looked int, series ...InputSeries) report.Report {
	t.Helper()
	rules, err := config.ParseRules("test", []byte(`
rules:
- name: shop
  matchers: ['alertname="Errors"']
  candidates: [{name: declined, query: declined}, {name: waiting, query: db_waiting}]
`))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse("test", []byte(`prometheus: {url: "http://localhost"}`))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Rules = rules
	w := Test{Name: "shop", Interval: Duration(time.Minute), InputSeries: series, Alerts: []Alert{{
		Labels: model.LabelSet{"alertname": "Errors"}, Expr: expression, Verdict: "any",
		Onset: Duration(oddOnset * time.Minute), At: Duration(oddOnset+looked) * Duration(time.Minute),
	}}}
	outcomes, err := w.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes[0].Report
}

// Of two faults in a row the second has its own cause, even if the first had not faded yet.
func TestAnotherFaultSoonAfterHasAnotherCause(t *testing.T) {
	const expression = `sum(rate(errors_total[4m])) > 2.6`
	for _, recovers := range []int{0, 6, 8, 10, 12} {
		first := fault{-34, -9, recovers}
		got := reported(t, expression, 1, append(broken(first, fault{-1, 100, 0}),
			odd(`ALERTS{alertname="Errors",alertstate="firing"}`, func(m int) string {
				if m >= -33 && m < -6 {
					return "1"
				}
				return "_"
			}))...).Summary
		if strings.Contains(got, "declined") || strings.Contains(got, "region=us") || !strings.Contains(got, "endpoint=pay") {
			t.Errorf("recovers within %d minutes: %s", recovers, got)
		}
	}
}

// What went and came back is reported with its full move, even if it was short.
func TestAMoveThatIsOverIsToldAsFarAsItWent(t *testing.T) {
	for expression, looked := range map[string]int{
		`sum(rate(errors_total[4m])) > 2.6`:       15,
		`sum(increase(errors_total[30m])) > 2700`: 14,
	} {
		r := reported(t, expression, looked, broken(fault{}, fault{-1, 5, 0})...)
		if !strings.Contains(r.Summary, `waiting{db="orders"} rose ×7.`) || !strings.Contains(r.Summary, "endpoint=pay") {
			t.Errorf("%s: %s", expression, r.Summary)
		}
		for _, cause := range r.Result.Causes {
			if n := strings.Count(cause.Sentence, "came back"); cause.Name == `waiting{db="orders"}` && n != 1 {
				t.Errorf("%s: %s", expression, cause.Sentence)
			}
		}
	}
}
