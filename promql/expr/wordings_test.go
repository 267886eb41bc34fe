// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// rules are comparisons of many forms.
func rules() []string {
	return []string{
		`up == 0`, `sum(rate(alpha_total[5m])) > 5`, `alpha >= 86400`,
		`100 * sum(alpha) / sum(beta) > 5`, `sum by (job) (rate(alpha_total{code=~"5.."}[5m])) / sum by (job) (rate(alpha_total[5m])) > 0.1`,
		`rate(alpha_sum[5m]) / rate(alpha_count[5m]) > 3`,
		`histogram_quantile(0.9, sum by (le) (rate(alpha_bucket[5m]))) > 1`, `alpha{quantile="0.99"} > 1`,
		`max by (job) (alpha) > 10`, `time() - alpha > 3600`, `changes(alpha[10m]) > 2`,
		`sum(up) < scalar(count(up)) * 0.5`, `100 - avg by (instance) (rate(alpha_total{mode="idle"}[2m])) * 100 > 80`,
		`alpha / on (job) group_left () beta > 0.9`, `count(up == 0) > 2`, `quantile(0.5, alpha) > 7`,
		`(sum(alpha) - sum(beta)) / sum(alpha) > 0.2`, `max(alpha) - min(alpha) > 5`, `avg_over_time(alpha[1h]) > 2`,
		`sum(alpha) > 2 * sum(alpha offset 1d)`, `deriv(alpha[1h]) < 0`, `alpha > beta`,
	}
}

// turned swaps the sides of a comparison.
func turned(t *testing.T, text string) string {
	e := MustParse(text).(*parser.BinaryExpr)
	op := map[parser.ItemType]string{parser.GTR: "<", parser.GTE: "<=", parser.LSS: ">", parser.LTE: ">=", parser.EQLC: "==", parser.NEQ: "!="}[e.Op]
	if op == "" {
		t.Fatalf("%s is no comparison", text)
	}
	return e.RHS.String() + " " + op + " " + e.LHS.String()
}

// Parentheses, whitespace, the side of the threshold and the names of metrics don't change what
// a rule measures.
func TestWordingOfRuleDoesNotMatter(t *testing.T) {
	for _, text := range rules() {
		want, err := Derive(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, other := range []string{
			"(" + text + ")", "(((" + text + ")))",
			"  " + strings.ReplaceAll(text, " ", "\n  "), MustParse(text).Pretty(0), turned(t, text),
		} {
			if text == `alpha > beta` && other == turned(t, text) {
				continue // if both sides are series, the left one is the KPI
			}
			if got, err := Derive(other); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s measures\n%+v (%v); %s\n%+v", other, got, err, text, want)
			}
		}
		renamed, err := Derive(strings.NewReplacer("alpha", "omega", "beta", "psi").Replace(text))
		back := strings.NewReplacer("omega", "alpha", "psi", "beta")
		renamed.Target, renamed.Threshold, renamed.Difference = back.Replace(renamed.Target), back.Replace(renamed.Threshold), back.Replace(renamed.Difference)
		renamed.Numerator, renamed.Denominator, renamed.Undone = back.Replace(renamed.Numerator), back.Replace(renamed.Denominator), back.Replace(renamed.Undone)
		if err != nil || !reflect.DeepEqual(renamed, want) {
			t.Errorf("%s under other names measures\n%+v (%v), want\n%+v", text, renamed, err, want)
		}
	}
}

// Each condition added to a rule is a guard, and doesn't change what it measures.
func TestGuardsDoNotChangeKPI(t *testing.T) {
	for _, text := range rules() {
		want, err := Derive(text)
		if err != nil {
			t.Fatal(err)
		}
		for n, guarded := range []string{text, text + ` and on () (gamma > 1)`, "(" + text + ` and on () (gamma > 1)) and on () (delta < 2)`} {
			got, err := Derive(guarded)
			if err != nil || got.Target != want.Target || got.Operator != want.Operator || got.Threshold != want.Threshold || got.Kind != want.Kind {
				t.Errorf("%s measures\n%+v (%v), want\n%+v", guarded, got, err, want)
			}
			if len(got.Guards) != len(want.Guards)+n {
				t.Errorf("%s has %d guards, want %d", guarded, len(got.Guards), len(want.Guards)+n)
			}
		}
	}
}
