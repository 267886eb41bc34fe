// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

func TestAPartIsHeldWhereItsLabelIs(t *testing.T) {
	for query, want := range map[string]string{
		`a`:                                        `a{l="v"}`,
		`sum(rate(a[5m])) / sum(rate(b[5m]))`:      `sum(rate(a{l="v"}[5m])) / sum(rate(b{l="v"}[5m]))`,
		`-(1 - avg_over_time(sum(a)[5m:1m]))`:      `-(1 - avg_over_time(sum(a{l="v"})[5m:1m]))`,
		`sum(a and on () (b == 1))`:                `sum(a{l="v"} and on () (b == 1))`,
		`sum(a unless on (l) b)`:                   `sum(a{l="v"} unless on (l) b{l="v"})`,
		`sum(a and b)`:                             `sum(a{l="v"} and b{l="v"})`,
		`a * on (node) group_left () b`:            `a{l="v"} * on (node) group_left () b`,
		`b * on (node) group_right () a`:           `b * on (node) group_right () a{l="v"}`,
		`a / ignoring (l) group_left () sum(a)`:    `a{l="v"} / ignoring (l) group_left () sum(a)`,
		`a * on (node) group_left (l) b`:           `a * on (node) group_left (l) b{l="v"}`,
		`b * on (node) group_right (l) a`:          `b{l="v"} * on (node) group_right (l) a`,
		`sum by (l) (a or on () vector(0))`:        `sum by (l) (a{l="v"} or on () vector(0))`,
		`label_replace(a, "x", "$1", "y", "(.*)")`: `label_replace(a{l="v"}, "x", "$1", "y", "(.*)")`,
	} {
		e := MustParse(query)
		HoldPart(e, labels.MustNewMatcher(labels.MatchEqual, "l", "v"))
		if e.String() != want {
			t.Errorf("%s: %s, want %s", query, e, want)
		}
	}
}
