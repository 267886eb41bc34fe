// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

func TestWhatAnExpressionMeasures(t *testing.T) {
	for _, c := range []struct {
		expr string
		kind Kind
		want string // target operator threshold
	}{
		{`up == 0`, KindAdditive, `up == 0`},
		{`5 < sum(rate(a_total[5m]))`, KindAdditive, `sum(rate(a_total[5m])) > 5`},
		{`a >= 24 * 60 * 60`, KindAdditive, `a >= 86400`},
		{`a > bool 5`, KindAdditive, `a > 5`},
		{`(a > bool 5) == 0`, KindAdditive, `a <= 5`},
		{`sum(up == bool 0) > 2`, KindAdditive, `sum(up == bool 0) > 2`},
		{`scalar(sum(up)) > bool 3`, KindAdditive, `sum(up) > 3`},
		{`sum(up) < scalar(count(up)) * 0.5`, KindAdditive, `sum(up) < scalar(count(up)) * 0.5`},
		{`100 * sum(a) / sum(b) > 5`, KindRatio, `100 * sum(a) / sum(b) > 5`},
		{`1 - a / clamp_min(b, 1) > 0.1`, KindRatio, `1 - a / clamp_min(b, 1) > 0.1`},
		{`(a > 0) / b > 0.5`, KindRatio, `(a > 0) / b > 0.5`},
		{`rate(a_sum[5m]) / rate(a_count[5m]) > 3`, KindMean, `rate(a_sum[5m]) / rate(a_count[5m]) > 3`},
		{`100 - avg by (instance) (rate(cpu_total{mode="idle"}[2m])) * 100 > 80`, KindMean, `100 - avg by (instance) (rate(cpu_total{mode="idle"}[2m])) * 100 > 80`},
		{`histogram_quantile(0.9, sum by (le) (rate(d_bucket[5m]))) > 1`, KindQuantile, `histogram_quantile(0.9, sum by (le) (rate(d_bucket[5m]))) > 1`},
		{`d_seconds{quantile="0.99"} > 1`, KindQuantile, `d_seconds{quantile="0.99"} > 1`},
		{`max by (job) (lag) > 10`, KindExtremum, `max by (job) (lag) > 10`},
		{`time() - last_success > 3600`, KindAge, `time() - last_success > 3600`},
		{`last_success < time() - 3600`, KindAge, `time() - last_success > 3600`},
		{`not_after < time() + 3600`, KindAge, `time() - not_after > -3600`},
		{`started > time()`, KindAge, `time() - started < 0`},
		{`(not_after - time()) / 86400 < 20`, KindAge, `(not_after - time()) / 86400 < 20`},
		{`changes(up[10m]) > 2`, KindChange, `changes(up[10m]) > 2`},
		{`predict_linear(free[1h], 3600) < 0`, KindChange, `predict_linear(free[1h], 3600) < 0`},
		{`absent(up{job="x"})`, KindPresence, `(count by (job) (up{job="x"}) or 0 * absent(up{job="x"})) < 1`},
		{`absent(up{job="x"}) == 1`, KindPresence, `(count by (job) (up{job="x"}) or 0 * absent(up{job="x"})) < 1`},
		{`absent(up{job=~"x|y"})`, KindPresence, `(count(up{job=~"x|y"}) or vector(0)) < 1`},
		{`absent(up{job="x",job!="y"})`, KindPresence, `(count(up{job!="y",job="x"}) or vector(0)) < 1`},
		{`absent(sum by (job) (up))`, KindPresence, `(count(up) or vector(0)) < 1`},
		{`absent_over_time(up[5m])`, KindPresence, `(count(present_over_time(up[5m])) or vector(0)) < 1`},
		{`a unless on (i) b`, KindPresence, `(count by (i) (b) or on (i) 0 * group by (i) (a)) * on (i) group_right () (a ^ 0) < 1`},
		{`a unless b`, KindPresence, `(count without () (b) or 0 * group without () (a)) < 1`},
		{`a and on (i) b`, KindPresence, `(count(a and on (i) b) or vector(0)) > 0`},
		{`sum by (job) (a)`, KindPresence, `count by (job) (a) > 0`},
		{`max by (job) (a > 5)`, KindExtremum, `max by (job) (a) > 5`},
		{`sum(a) - 5 > 0`, KindAdditive, `sum(a) > 5`},
		{`5 - sum(a) < 0`, KindAdditive, `sum(a) > 5`},
		{`100 * (sum(a) - 5) > 100 * 0`, KindAdditive, `sum(a) > 5`},
		{`5 - sum(a) < 1`, KindAdditive, `5 - sum(a) < 1`},
		{`a unless on (i) (b == 1)`, KindPresence, `(sum by (i) (b == bool 1) or on (i) 0 * group by (i) (a)) * on (i) group_right () (a ^ 0) < 1`},
		{`100 * max by (job) (a > 5) > 0`, KindExtremum, `max by (job) (a) > 5`},
		{`max by (job) (a > 5) > 0`, KindExtremum, `max by (job) (a) > 5`},
		{`max by (job) (a > 5) >= 7`, KindExtremum, `max by (job) (a) >= 7`},
		{`max by (job) (a >= 5) > 5`, KindExtremum, `max by (job) (a) > 5`},
		{`min(a < 5) < 9`, KindExtremum, `min(a) < 5`},
		{`max(a > 5) < 9`, KindExtremum, `max(a > 5) < 9`},
		{`max(a > 5 or b > 3) > 4`, KindExtremum, `max(a > 5 or b > 3) > 4`},
		{`min by (job) (a < time() - 60)`, KindAdditive, `sum by (job) (a < bool time() - 60) > 0`},
		{`max by (job) (a == 5)`, KindAdditive, `sum by (job) (a == bool 5) > 0`},
		{`max by (job) (a > 5 and on (i) b)`, KindAdditive, `sum by (job) ((a > bool 5) and on (i) b) > 0`},
		{`sum by (n) ((a > 5) * on (i) group_left (n) b)`, KindPresence, `count by (n) ((a > 5) * on (i) group_left (n) b) > 0`},
		{`floor(-(a > 5) / 60)`, KindAdditive, `a > 5`},
		{`(a > 5) * on (i) group_left (n) b`, KindAdditive, `a * on (i) group_left (n) (b ^ 0) > 5`},
		{`b * on (i) group_right (n) (a > 5)`, KindAdditive, `(b ^ 0) * on (i) group_right (n) a > 5`},
		{`(a / b > 5) * on (i) group_left (n) c`, KindRatio, `(a / b) * on (i) group_left (n) (c ^ 0) > 5`},
		{`(a > 5) + (b > 3)`, KindAdditive, `a * ((b > 3) ^ 0) > 5`},
		{`a or vector(0) > 2`, KindPresence, `(count(a) or vector(0)) > 0`},
		{`ALERTS{alertname="x"}`, KindPresence, `(count(ALERTS{alertname="x"}) or vector(0)) > 0`},
		{`group by (job) (up == 0)`, KindAdditive, `sum by (job) (up == bool 0) > 0`},
		{`count by (job) (up == 0) / count by (job) (up) > 0.1`, KindRatio, `sum by (job) (up == bool 0) / count by (job) (up) > 0.1`},
		{`count(up == 1) < 3`, KindAdditive, `count(up == 1) < 3`},
		{`a > b`, KindAdditive, `a - b > 0`},
		{`a > on (pod) 0.9 * b`, KindRatio, `a / on (pod) b > 0.9`},
		{`0.9 * a < b`, KindRatio, `b / a > 0.9`},
		{`2 * a < on (i) group_left () b / 4`, KindRatio, `a / on (i) group_left () b < 0.125`},
		{`0.5 * a < on (i) group_left () b`, KindRatio, `b / on (i) group_right () a > 0.5`},
		{`sum(rate(a_total[5m])) < 0.6 * sum(rate(a_total[5m] offset 1d))`, KindRatio, `sum(rate(a_total[5m])) / sum(rate(a_total[5m] offset 1d)) < 0.6`},
		{`a > a offset 1h`, KindRatio, `a / a offset 1h > 1`},
		{`a > on (job) group_left () avg by (job) (a)`, KindRatio, `a / on (job) group_left () avg by (job) (a) > 1`},
		{`a == 0.9 * b`, KindAdditive, `a - (0.9 * b) == 0`},
		{`delta(a[5m]) > 0.9 * b`, KindChange, `delta(a[5m]) - (0.9 * b) > 0`},
		{`a < on (job) group_left () count by (job) (b)`, KindAdditive, `a - on (job) group_left () count by (job) (b) < 0`},
		{`a + b > c * d`, KindAdditive, `(a + b) - (c * d) > 0`},
		{`stddev by (job) (a) > 3`, KindOther, `stddev by (job) (a) > 3`},
		{`topk(3, rate(a_total[5m]) > 3)`, KindAdditive, `topk(3, rate(a_total[5m])) > 3`},
		{`label_replace(a > 5, "x", "$1", "y", "(.*)")`, KindAdditive, `label_replace(a, "x", "$1", "y", "(.*)") > 5`},
		{`(a / b > 0.9) * 100`, KindRatio, `a / b > 0.9`},
		{`sort_desc(a > 5)`, KindAdditive, `sort_desc(a) > 5`},
	} {
		d, err := Derive(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if got := fmt.Sprintf("%s %s %s", d.Target, d.Operator, d.Threshold); got != c.want || d.Kind != c.kind || len(d.Guards)+len(d.Others) > 0 {
			t.Errorf("%s: %s, %s, guards %v", c.expr, d.Kind, got, d.Guards)
		}
	}
}

func TestTheLargestOfSeveralBranchesIsABranchEach(t *testing.T) {
	d, err := Derive(`max(a > 5 or b > 3) > 0`)
	if err != nil || len(d.Others) != 1 || d.Condition() != `max(a) > 5` || d.Others[0].Condition() != `max(b) > 3` {
		t.Errorf("%s, %v, %v", d.Condition(), d.Others, err)
	}
}

func TestConditionsAroundKPIAreGuards(t *testing.T) {
	for expr, want := range map[string]string{
		`a / b < 0.1 and c == 0`:          `a / b; and (c == 0)`,
		`a > 5 unless on (job) b`:         `a; unless on (job) b`,
		`a > 0.9 < 1`:                     `a; and (a < 1)`,
		`0.9 < a < 1`:                     `a; and (a < 1)`,
		`a != b > 0`:                      `a - b; and (a > 0)`,
		`absent(up) and on () hour() > 5`: `(count(up) or vector(0)); and on () (hour() > 5)`,
		`absent(up{job="a"}) and up`:      `(count by (job) (up{job="a"}) or 0 * absent(up{job="a"})); and up`,
		`topk(3, a == 3)`:                 `a; and topk(3, a == 3)`,
		`(a < 10 and b == 0) * on (instance) group_left (n) info`:         `a * on (instance) group_left (n) (info ^ 0); and ignoring (n) (b == 0)`,
		`(a < 10 and on (i) b) * on (i) group_left (n) info`:              `a * on (i) group_left (n) (info ^ 0); and on (i) b`,
		`(a < 10 and b) * on (i) info`:                                    `a; and b; and on (i) info`,
		`(a and on (x) b > 0) == 0`:                                       `a; and on (x) (b > 0)`,
		`a and b > 5`:                                                     `b; and a`,
		`m_count > 0 and histogram_quantile(0.9, rate(m_bucket[5m])) > 5`: `histogram_quantile(0.9, rate(m_bucket[5m])); and (m_count > 0)`,
		`(hour() >= 9 and hour() < 17) and on () sum(up) == 0`:            `sum(up); and on () (hour() >= 9 and hour() < 17)`,
	} {
		d, err := Derive(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		got := []string{d.Target}
		for _, g := range d.Guards {
			got = append(got, g.Join+" "+g.Expr)
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %q", expr, got)
		}
	}
}

func TestEveryBranchOfAnOrIsADerivation(t *testing.T) {
	for expr, want := range map[string][]string{
		`(a > 5 or b < 2 or vector(1)) and on (job) c == 1`: {`(a > 5) and on (job) (c == 1)`, `(b < 2) and on (job) (c == 1)`},
		`a > 5 or on (i) b < 2`:                             {`a > 5`, `(b < 2) unless on (i) (a > 5)`},
		`a > 5 or vector(0) > 1`:                            {`a > 5`},
	} {
		d, err := Derive(expr)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range d.Branches() {
			got = append(got, b.Condition())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", expr, got)
		}
	}
}

func TestSidesOfRatio(t *testing.T) {
	for expr, want := range map[string][2]string{
		`100 * sum(a) / sum(b) > 5`:                         {`(100 * sum(a))`, `sum(b)`},
		`100 - sum(a) * 100 / sum(b) > 5`:                   {`(100 * sum(b) - (sum(a) * 100))`, `sum(b)`},
		`1 - sum(a) / sum(b) > 0.1`:                         {`(sum(b) - sum(a))`, `sum(b)`},
		`(a - b) / a > 0.1`:                                 {`(a - b)`, `a`},
		`sum(a) / clamp_min(sum(b), 1) > 5`:                 {`sum(a)`, `clamp_min(sum(b), 1)`},
		`1 - sum(a) / clamp_min(sum(b), 1) > 5`:             {`(clamp_min(sum(b), 1) - sum(a))`, `clamp_min(sum(b), 1)`},
		`sum(a) / sum(b) - 1 > 5`:                           {`(sum(a) - sum(b))`, `sum(b)`},
		`avg by (job) (a) > 1`:                              {`sum by (job) (a)`, `count by (job) (a)`},
		`sum(a) > 1`:                                        {``, ``},
		`min by (job) (a / b) > 1`:                          {``, ``},
		`histogram_quantile(0.9, rate(d_bucket[5m])) > 2.5`: {`(rate(d_bucket{le="+Inf"}[5m]) - rate(d_bucket{le="2.5"}[5m]))`, `rate(d_bucket{le="+Inf"}[5m])`},
		`histogram_quantile(0.1, rate(d_bucket[5m])) * 1000 < 2000`: {
			`rate(d_bucket{le=~"2|2\\.0"}[5m])`, `rate(d_bucket{le="+Inf"}[5m])`,
		},
		`histogram_quantile(0.9, sum(rate(d[5m]))) > 2`: {
			`sum(histogram_fraction(2, +Inf, rate(d[5m])) * histogram_count(rate(d[5m])))`, `sum(histogram_count(rate(d[5m])))`,
		},
	} {
		d, err := Derive(expr)
		if err != nil || d.Numerator != want[0] || d.Denominator != want[1] {
			t.Errorf("%s: %v\n%q\n%q", expr, err, d.Numerator, d.Denominator)
		}
	}
}

func TestReasonForNoKPI(t *testing.T) {
	for expr, reason := range map[string]string{
		`up{job="{{ .Values.job }}"} == 0 and {{ $x }}`: "hint: render the rules first",
		`errors > <%= @limit %>`:                        "hint: render the rules first",
		`vector(1)`:                                     "measures no series",
		`hour() > 9`:                                    "measures no series",
		`absent(up) > 1`:                                "can't fire",
		`sum(`:                                          "can't be read",
		`rate(a[5m])[5m:]`:                              "must return an instant vector",
		`vector(time()) > 10`:                           "measures no series",
		`a or vector(0) < 1`:                            "vector(0) < 1 is one of the sides",
		`a > 5 or vector(0)`:                            "fires always",
	} {
		if d, err := Derive(expr); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, %+v", expr, err, d)
		}
	}
}

// Each level is visited once; otherwise these would not terminate.
func TestDeepRulesTerminate(t *testing.T) {
	for _, around := range [][2]string{
		{"max(", ")"},
		{"-abs(", ")"},
		{"(", " and b == 0)"},
		{"((", " and b) == 0)"},
		{"(b > 1 and ", ")"},
		{"(b or ", ")"},
		{"(a unless ", ")"},
		{"((", " > bool 0) == 0)"},
		{"(b * on () group_right (x) ", ")"},
		{"(1 - ", " / b)"},
		{"topk(2, ", ")"},
		{"absent(", ")"},
		{"(time() - ", " < 5)"},
	} {
		for _, core := range []string{"a", "(a / b > 5)"} {
			if _, err := Derive(strings.Repeat(around[0], 150) + core + strings.Repeat(around[1], 150)); err != nil && !strings.Contains(err.Error(), "can't be") {
				t.Errorf("%s…%s: %v", around[0], around[1], err)
			}
		}
	}
}

// Every input is broken down or refused with a reason, and all resulting queries parse.
func FuzzDerive(f *testing.F) {
	for _, file := range []string{"testdata/rules/*.yaml", "testdata/idioms/*.yaml"} {
		for _, r := range publicRules(f, file) {
			f.Add(r.Expr)
		}
	}
	for seed := range uint64(200) {
		f.Add(grammar{rand.New(rand.NewPCG(seed, 5)).IntN}.condition(6))
	}
	f.Fuzz(func(t *testing.T, expr string) {
		d, err := Derive(expr)
		if err != nil {
			if d.Target != "" {
				t.Errorf("%s: an error and a KPI: %+v", expr, d)
			}
			return
		}
		for _, b := range d.Branches() {
			checkTexts(t, expr, b)
		}
	})
}

// checkTexts parses all queries of a derivation.
func checkTexts(t *testing.T, expr string, d Derivation) {
	t.Helper()
	texts := []string{d.Condition(), d.Target, d.Target + " " + d.Operator + " " + d.Threshold, d.Threshold + " " + mirrored(operator(t, d.Operator)).String() + " " + d.Target}
	if d.Numerator != "" || d.Denominator != "" {
		texts = append(texts, d.Numerator, d.Denominator, d.Numerator+" / "+d.Denominator)
	}
	for _, text := range texts {
		if _, err := Parse(text); err != nil {
			t.Errorf("%s: %s: %v", expr, text, err)
		}
	}
	if d.Kind == "" {
		t.Errorf("%s: no kind", expr)
	}
}

func operator(t *testing.T, text string) parser.ItemType {
	t.Helper()
	for _, op := range []parser.ItemType{parser.GTR, parser.GTE, parser.LSS, parser.LTE, parser.EQLC, parser.NEQ} {
		if op.String() == text {
			return op
		}
	}
	t.Fatalf("%q is no comparison", text)
	return 0
}
