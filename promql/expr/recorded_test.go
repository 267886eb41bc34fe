// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"testing"

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
