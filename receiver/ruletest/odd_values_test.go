// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// oddOnset is the start of an incident of odd values, in minutes.
const oddOnset = 180

// withRules is a configuration with rules, which may be empty.
func withRules(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("test", []byte(`prometheus: {url: "http://localhost"}`))
	if err != nil {
		t.Fatal(err)
	}
	if text == "" {
		return cfg
	}
	if cfg.Rules, err = config.ParseRules("test", []byte(text)); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// saysOf is the first line about an alert on series with one value a minute.
func saysOf(t *testing.T, expression string, own model.LabelSet, series ...InputSeries) string {
	t.Helper()
	labels := model.LabelSet{"alertname": "Odd"}
	for name, value := range own {
		labels[name] = value
	}
	w := Test{Name: "odd", Interval: Duration(time.Minute), InputSeries: series, Alerts: []Alert{{
		Labels: labels, Expr: expression, Verdict: "any",
		Onset: Duration(oddOnset * time.Minute), At: Duration((oddOnset + 10) * time.Minute),
	}}}
	outcomes, err := w.Run(t.Context(), withRules(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, cause := range outcomes[0].Result.Causes {
		if strings.Contains(cause.Sentence, "comes (") || strings.Contains(cause.Sentence, " and p2 is gone") {
			t.Errorf("%s", cause.Sentence)
		}
	}
	for _, warning := range outcomes[0].Result.Warnings {
		if strings.Contains(warning.Text, "bug in culprit") {
			t.Errorf("%s", warning.Text)
		}
	}
	return outcomes[0].Summary
}

// odd is a series with a value per minute, counted from the onset.
func odd(series string, value func(minute int) string) InputSeries {
	var values []string
	for i := range oddOnset + 20 {
		values = append(values, value(i-oddOnset))
	}
	return InputSeries{Series: series, Values: strings.Join(values, " ")}
}

// queues are five of about twenty; q3 has eight times as much since the onset, and q1 has odd
// values.
func queues(q1 func(minute int) string) (series []InputSeries) {
	for i := range 5 {
		series = append(series, odd(fmt.Sprintf(`queue_length{queue="q%d"}`, i), func(m int) string {
			n := 20 + (m*m+7*i)%3
			switch {
			case i == 1:
				return q1(m)
			case i == 3 && m >= 0:
				n *= 8
			}
			return fmt.Sprint(n)
		}))
	}
	return series
}

// A NaN series says nothing about the others, and does not mean that history is missing.
func TestASeriesThatIsNoNumberHidesNoOther(t *testing.T) {
	never := func(int) string { return "NaN" }
	often := func(m int) string {
		if m%3 == 0 {
			return "Inf"
		}
		return "20"
	}
	for name, test := range map[string]struct {
		expression string
		own        model.LabelSet
		q1         func(int) string
	}{
		"NaN, largest":      {`max(queue_length) > 100`, nil, never},
		"NaN, each":         {`queue_length > 100`, model.LabelSet{"queue": "q3"}, never},
		"infinite, largest": {`max(queue_length) > 100`, nil, often},
		"infinite, sum":     {`sum(queue_length) > 100`, nil, often},
	} {
		t.Run(name, func(t *testing.T) {
			got := saysOf(t, test.expression, test.own, queues(test.q1)...)
			if !strings.Contains(got, "queue=q3") || strings.Contains(got, "fall") || strings.Contains(got, "0 → 0") {
				t.Errorf("%s", got)
			}
		})
	}
}

// Infinity is neither 0, nor as expected, nor gone.
func TestAKPIThatIsInfiniteIsSaidToBe(t *testing.T) {
	now := func(m int) string {
		if m < 0 {
			return "20"
		}
		return "Inf"
	}
	always := func(int) string { return "Inf" }
	for name, q1 := range map[string]func(int) string{"since the onset": now, "always": always} {
		for expression, own := range map[string]model.LabelSet{
			`queue_length > 500`: {"queue": "q1"}, `max(queue_length) > 500`: nil, `sum(queue_length) > 500`: nil,
		} {
			if got := saysOf(t, expression, own, queues(q1)...); !strings.HasPrefix(got, "No answer: ") || !strings.Contains(got, "is infinite") {
				t.Errorf("%s, %s: %s", name, expression, got)
			}
		}
	}
}

// If nothing is scraped, as with pushed metrics, there is no series up to show that Prometheus ran.
func TestWhatIsAbsentIsFoundWithoutUp(t *testing.T) {
	var series []InputSeries
	for i := range 3 {
		series = append(series, odd(fmt.Sprintf(`payments_total{instance="p%d"}`, i), func(m int) string {
			if m >= 0 {
				return "_"
			}
			return fmt.Sprint(300 * (m + oddOnset))
		}))
	}
	for _, expression := range []string{`absent(payments_total)`, `absent(rate(payments_total[2m]))`} {
		if got := saysOf(t, expression, nil, series...); !strings.Contains(got, "p0, p1 and p2 are gone") {
			t.Errorf("%s: %s", expression, got)
		}
	}
	if got := saysOf(t, `sum(rate(payments_total[2m])) < 1 or absent(payments_total)`, nil, series...); strings.Contains(got, "alike") {
		t.Errorf("%s", got)
	}
}

// The other operand of a join by other labels lacks the alert's labels.
func TestWhatASumIsJoinedWithIsNotHeldToTheAlert(t *testing.T) {
	var series []InputSeries
	for _, job := range []string{"j1", "j2"} {
		for i := range 3 {
			series = append(series, odd(fmt.Sprintf(`failing{job=%q,zone="z%d"}`, job, i), func(m int) string {
				if m >= 0 && job == "j1" && i == 2 {
					return fmt.Sprint(90 + m*m%7)
				}
				return fmt.Sprint(10 + m*m%3)
			}))
		}
	}
	series = append(series, odd("watching", func(int) string { return "1" }))
	own := model.LabelSet{"job": "j1"}
	if got := saysOf(t, `sum by (job) (failing and on () (watching == 1)) > 50`, own, series...); !strings.Contains(got, "zone=z2") {
		t.Errorf("%s", got)
	}
}
