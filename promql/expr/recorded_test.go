// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

func TestAMatcherIsPushedToWhereItsLabelComesFrom(t *testing.T) {
	for expr, want := range map[string]string{
		`rate(a[5m])`:                              `rate(a{l="x"}[5m])`,
		`sum by (l) (a) / sum by (l) (b)`:          `sum by (l) (a{l="x"}) / sum by (l) (b{l="x"})`,
		`sum without (m) (a)`:                      `sum without (m) (a{l="x"})`,
		`a * on (l) group_left (m) b`:              `a{l="x"} * on (l) group_left (m) b{l="x"}`,
		`a * on (k) group_left (m) b`:              `a{l="x"} * on (k) group_left (m) b`,
		`a / ignoring (l) group_left () b`:         `a{l="x"} / ignoring (l) group_left () b`,
		`a or b`:                                   `a{l="x"} or b{l="x"}`,
		`a and on (k) b`:                           `a{l="x"} and on (k) b`,
		`2 * max_over_time((a)[5m:])`:              `2 * max_over_time((a{l="x"})[5m:])`,
		`sum(a)`:                                   ``,
		`sum without (l) (a)`:                      ``,
		`a * on (k) group_left (l) b`:              ``,
		`label_replace(a, "l", "$1", "k", "(.*)")`: ``,
		`absent(a)`:                                ``,
		`vector(1)`:                                ``,
		`a / on (k) b`:                             ``,
	} {
		e := MustParse(expr)
		ok := push(e, labels.MustNewMatcher(labels.MatchEqual, "l", "x"))
		if got := e.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %v, %s", expr, ok, got)
		}
	}
}

func TestRecordedSeriesAreExpanded(t *testing.T) {
	rules := map[string][]Recording{
		"job:errors:ratio": {{Query: `job:errors:rate / job:all:rate`}},
		"job:errors:rate":  {{Query: `sum by (job) (rate(errors_total[5m]))`}},
		"job:all:rate":     {{Query: `sum by (job) (rate(all_total[5m]))`}},
		"api:burn":         {{Query: `sum by (c) (rate(bad_r[1h]))`, Labels: model.LabelSet{"verb": "read"}}, {Query: `sum by (c) (rate(bad_w[1h]))`, Labels: model.LabelSet{"verb": "write"}}},
		"twice:x":          {{Query: `sum(a)`}, {Query: `sum(b)`}},
		"self:x":           {{Query: `self:x + a`}},
		"slo:ratio":        {{Query: `sum(a) / sum(b)`, Labels: model.LabelSet{"slo": "x"}}},
	}
	for query, want := range map[string]string{
		`sum by (job) (job:errors:ratio{job="j"})`: `sum by (job) (((sum by (job) (rate(errors_total{job="j"}[5m]))) / (sum by (job) (rate(all_total{job="j"}[5m])))))`,
		`sum(api:burn)`:               `sum(((label_replace(sum by (c) (rate(bad_r[1h])), "verb", "read", "", "")) or (label_replace(sum by (c) (rate(bad_w[1h])), "verb", "write", "", ""))))`,
		`api:burn{verb="read"}`:       `sum by (c) (rate(bad_r[1h]))`,
		`twice:x`:                     `twice:x`,
		`max without (w) (slo:ratio)`: `max without (w) ((sum(a) / sum(b)))`,
		`max by (slo) (slo:ratio)`:    `max by (slo) (label_replace(sum(a) / sum(b), "slo", "x", "", ""))`,
		`self:x`:                      `((((self:x + a) + a) + a) + a)`,
		`rate(job:all:rate[5m])`:      `rate(job:all:rate[5m])`,
	} {
		out, changed := WrittenOut(MustParse(query), rules)
		if strip(out.String()) != strip(want) || changed != (query != want) {
			t.Errorf("%s: %s, want %s", query, out, want)
		}
		if _, err := Parse(out.String()); err != nil {
			t.Errorf("%s: %v", out, err)
		}
	}
}

// strip removes parentheses, some of which are redundant.
func strip(text string) string { return strings.NewReplacer("(", "", ")", "").Replace(text) }
