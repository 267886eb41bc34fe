// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

func TestAKPIOfMadeLabelsIsHeldToTheAlertsValuesAndToNothingElse(t *testing.T) {
	engine := newEngine(t)
	for _, query := range []string{
		`sum by (host) (label_replace(up, "host", "$1", "instance", "(.+)"))`,
		`sum by (host, job) (label_replace(rate(errors_total[5m]), "host", "$1", "instance", "(.+)"))`,
		`max by (where) (label_join(up, "where", "/", "job", "instance"))`,
		`sum by (rack) (rate(errors_total[5m]) * on (instance) group_left (rack) label_replace(max by (instance) (node_info), "rack", "r$1", "instance", ".*(.)"))`,
		`sum by (host) (label_replace(a, "host", "$1", "instance", "(.+)")) / sum by (host) (label_replace(b, "host", "$1", "instance", "(.+)"))`,
		`avg by (kind) (label_replace(sum by (instance) (a), "kind", "x", "", "") or label_replace(sum by (instance) (b), "kind", "y", "", ""))`,
	} {
		for seed := range uint64(6) {
			w := newWorld(MustParse(query), seed)
			whole, err := w.run(t, engine, query)
			if err != nil {
				t.Fatal(query, err)
			}
			for regime, trials := range whole {
				for key, want := range trials {
					own := model.LabelSet{model.AlertNameLabel: "A"}
					want.labels.Range(func(l labels.Label) { own[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
					e := MustParse(query)
					Scope(e, own)
					scoped, err := w.run(t, engine, e.String())
					if err != nil {
						t.Fatal(e, err)
					}
					if got := scoped[regime][key].value; len(scoped[regime]) != 1 || got != want.value && !(math.IsNaN(got) && math.IsNaN(want.value)) {
						t.Errorf("%s of %s is %v, want %v alone", e, key, scoped[regime], want.value)
					}
				}
			}
		}
	}
}

func TestAnAggregationOfOneMemberAGroupChangesNothing(t *testing.T) {
	engine := newEngine(t)
	for query, want := range map[string]string{
		`sum by (job) (sum by (job) (a) / sum by (job) (b))`:                        `sum by (job) (a) / sum by (job) (b)`,
		`max by (job, x) (100 * sum by (job) (rate(a[5m])))`:                        `100 * sum by (job) (rate(a[5m]))`,
		`avg without (instance) (sum by (job) (a))`:                                 `sum by (job) (a)`,
		`sum by (job) (sum by (job) (a) or 2 * count by (job) (b))`:                 `sum by (job) (a) or 2 * count by (job) (b)`,
		`min by (job) (clamp_min(sum by (job) (a) / on (job) sum by (job) (b), 1))`: `clamp_min(sum by (job) (a) / on (job) sum by (job) (b), 1)`,
		`sum by (job, y) (label_replace(sum by (job) (a), "y", "z", "", ""))`:       `label_replace(sum by (job) (a), "y", "z", "", "")`,
		`sum by (job) (sum by (job, pod) (a))`:                                      ``,
		`sum(sum by (job) (a))`:                                                     ``,
		`sum by (job) (a)`:                                                          ``,
		`count by (job) (sum by (job) (a))`:                                         ``,
		`sum by (job) (label_replace(sum by (job) (a), "y", "$1", "job", "(.)"))`:   ``,
		`sum without (job) (sum by (job) (a))`:                                      ``,
	} {
		e := MustParse(query).(*parser.AggregateExpr)
		inner := singleMembers(e)
		if (inner == nil) != (want == "") || inner != nil && inner.String() != want {
			t.Errorf("%s: %v, want %s", query, inner, want)
			continue
		}
		if inner == nil {
			continue
		}
		for seed := range uint64(4) {
			w := newWorld(e, seed)
			outer, err := w.run(t, engine, query)
			if err != nil {
				t.Fatal(query, err)
			}
			same, err := w.run(t, engine, want)
			if err != nil {
				t.Fatal(want, err)
			}
			for regime := range outer {
				for key, got := range outer[regime] {
					if v := same[regime][key].value; v != got.value && !(math.IsNaN(v) && math.IsNaN(got.value)) {
						t.Errorf("%s of %s is %g, want %g", query, key, v, got.value)
					}
				}
			}
		}
	}
}
