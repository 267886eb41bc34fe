// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"testing"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql/promtest"
)

func TestAKPIIsHeldToTheAlertsValuesOfWhatItGroupsBy(t *testing.T) {
	own := model.LabelSet{"alertname": "A", "svc": "cart \"x\"", "job": "j", "severity": "page", "le": "5"}
	for query, want := range map[string]string{
		`sum by (svc) (rate(a[5m]))`:               `sum by (svc) (rate(a{svc="cart \"x\""}[5m]))`,
		`sum by (svc, job) (a) / sum by (job) (b)`: `sum by (svc, job) (a{job="j",svc="cart \"x\""}) / sum by (job) (b{job="j"})`,
		`sum by (svc) (a{svc="cart \"x\""})`:       `sum by (svc) (a{svc="cart \"x\""})`,
		`sum(a)`:                                   `sum(a)`,
		`rate(a[5m])`:                              `rate(a[5m])`,
		`sum without (pod) (a)`:                    `sum without (pod) (a)`,
		`sum by (path) (a)`:                        `sum by (path) (a)`,
		`sum by (le, job) (a)`:                     `sum by (le, job) (a{job="j"})`,
		`100 * (1 - sum by (job) (a))`:             `100 * (1 - sum by (job) (a{job="j"}))`,
		`-sum by (job) (a)`:                        `-sum by (job) (a{job="j"})`,
		`clamp_min(sum by (job) (a), 1)`:           `clamp_min(sum by (job) (a{job="j"}), 1)`,
		`sum by (svc) (label_replace(a, "svc", "$1", "app", "(.*)"))`: `sum by (svc) (label_replace(a, "svc", "$1", "app", "(.*)") and on (svc) label_replace(vector(1), "svc", "cart \"x\"", "", ""))`,
		`sum by (svc, job) (label_replace(a, "x", "y", "z", "(.*)"))`: `sum by (svc, job) (label_replace(a{job="j",svc="cart \"x\""}, "x", "y", "z", "(.*)"))`,
		`label_replace(sum by (job) (a), "x", "y", "job", ".*")`:      `label_replace(sum by (job) (a{job="j"}), "x", "y", "job", ".*")`,
		`sum by (svc, pod) (a * on (pod) b)`:                          `sum by (svc, pod) (a * on (pod) b)`,
		`sum by (svc, pod) (a * on (pod) group_left b)`:               `sum by (svc, pod) (a{svc="cart \"x\""} * on (pod) group_left () b)`,
		`label_replace(sum by (job) (a), "job", "y", "job", ".*")`:    `label_replace(sum by (job) (a), "job", "y", "job", ".*")`,
		`sum by (job) (a and on () (b == 1))`:                         `sum by (job) (a{job="j"} and on () (b == 1))`,
		`sum by (job) (a unless on (pod) b)`:                          `sum by (job) (a{job="j"} unless on (pod) b)`,
		`sum by (job) (a and on (job) b)`:                             `sum by (job) (a{job="j"} and on (job) b{job="j"})`,
		`sum by (job) (a * on (node) group_left () b)`:                `sum by (job) (a{job="j"} * on (node) group_left () b)`,
		`sum by (job) (b * on (node) group_right () a)`:               `sum by (job) (b * on (node) group_right () a{job="j"})`,
		`sum by (job) (a / b)`:                                        `sum by (job) (a{job="j"} / b{job="j"})`,
		`count by (job) (a > scalar(avg(a)))`:                         `count by (job) (a{job="j"} > scalar(avg(a)))`,
		`count by (job) (a > on () group_left () avg(a))`:             `count by (job) (a{job="j"} > on () group_left () avg(a))`,
		`max by (job) (sum by (job, svc) (a) or b)`:                   `max by (job) (sum by (job, svc) (a{job="j"}) or b{job="j"})`,
		`sum by (job) (max_over_time(sum by (pod) (a)[5m:]))`:         `sum by (job) (max_over_time(sum by (pod) (a)[5m:]))`,
		`sum by (svc) (a * on(pod) group_left(svc) b)`:                `sum by (svc) ((a * on (pod) group_left (svc) b) and on (svc) label_replace(vector(1), "svc", "cart \"x\"", "", ""))`,
	} {
		e := MustParse(query)
		Scope(e, own)
		if e.String() != want {
			t.Errorf("%s: %s, want %s", query, e, want)
		}
	}
}

func TestAKPIIsHeldToAllLabelsOfItsResult(t *testing.T) {
	result := model.LabelSet{"job": "j", "version": "2"}
	for query, want := range map[string]string{
		`sum without (pod) (a)`:                                             `sum without (pod) (a{job="j",version="2"})`,
		`sum without (job) (a)`:                                             `sum without (job) (a{version="2"})`,
		`sum without (pod) (sum by (job) (a))`:                              `sum without (pod) (sum by (job) (a{job="j"}))`,
		`sum without (pod) (a) / on (job) sum(b)`:                           `sum without (pod) (a{job="j"}) / on (job) sum(b)`,
		`count_values without (pod) ("version", a)`:                         `count_values without (pod) ("version", a{job="j"})`,
		`max without (pod) (sum by (job, version) (a))`:                     `max without (pod) (sum by (job, version) (a{job="j",version="2"}))`,
		`max without (pod) (count_values by (job, version) ("version", a))`: `max without (pod) (count_values by (job, version) ("version", a{job="j"}))`,
		`label_replace(sum without (pod) (a), "x", "", "", "")`:             `label_replace(sum without (pod) (a), "x", "", "", "")`,
	} {
		e := MustParse(query)
		ScopeResult(e, result)
		if e.String() != want {
			t.Errorf("%s: %s, want %s", query, e, want)
		}
	}
}

func TestAKPIIsHeldToAnyValue(t *testing.T) {
	for _, v := range promtest.HostileValues() {
		made := MustParse(`sum by (l) (label_replace(a, "l", "$1", "k", "(.*)"))`)
		Scope(made, model.LabelSet{"l": model.LabelValue(v)})
		if again, err := Parse(made.String()); err != nil || len(Selectors(again)) != 1 || again.String() != made.String() {
			t.Errorf("%q: %s: %v", v, made, err)
		}
		e := MustParse(`sum by (l) (rate(a[5m])) / sum by (l) (b)`)
		Scope(e, model.LabelSet{"l": model.LabelValue(v)})
		own := FiringAlerts(v).Target
		for text, label := range map[string]string{e.String(): "l", own: model.AlertNameLabel} {
			if _, err := Parse(text); err != nil {
				t.Errorf("%q: %s: %v", v, text, err)
				continue
			}
			for _, s := range Selectors(MustParse(text)) {
				values := map[string]string{}
				for _, m := range s.LabelMatchers {
					values[m.Name] = m.Value
				}
				if values[label] != v {
					t.Errorf("%q: %s selects %q", v, text, values[label])
				}
			}
		}
	}
}

// The labels of a result restrict every selector inside, as far as they pass through.
func TestAKPIIsHeldWhereTheLabelsOfItsResultComeFrom(t *testing.T) {
	result := model.LabelSet{"instance": "i", "job": "j"}
	for query, want := range map[string]string{
		`sum without (mode) (avg without (cpu) (rate(a[5m])))`:                  `sum without (mode) (avg without (cpu) (rate(a{instance="i",job="j"}[5m])))`,
		`sum without (x) (a) / on (job) group_left sum without (y) (b)`:         `sum without (x) (a{instance="i",job="j"}) / on (job) group_left () sum without (y) (b{job="j"})`,
		`sum without (x) (a) / on (job) group_right sum without (y) (b)`:        `sum without (x) (a{job="j"}) / on (job) group_right () sum without (y) (b{instance="i",job="j"})`,
		`sum without (x) (a) / ignoring (job) group_left sum without (y) (b)`:   `sum without (x) (a{instance="i",job="j"}) / ignoring (job) group_left () sum without (y) (b{instance="i"})`,
		`sum without (x) (a) / on (job) group_left (instance) sum by (job) (b)`: `sum without (x) (a{job="j"}) / on (job) group_left (instance) sum by (job) (b{job="j"})`,
		`sum without (x) (topk(3, a))`:                                          `sum without (x) (topk(3, a))`,
		`sum without (x) (a) and on (job) sum without (y) (b)`:                  `sum without (x) (a{instance="i",job="j"}) and on (job) sum without (y) (b{job="j"})`,
		`sum without (x) (a) or sum without (y) (b)`:                            `sum without (x) (a{instance="i",job="j"}) or sum without (y) (b{instance="i",job="j"})`,
	} {
		e := MustParse(query)
		ScopeResult(e, result)
		if e.String() != want {
			t.Errorf("%s: %s, want %s", query, e, want)
		}
	}
}
