// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"testing"
)

func TestEveryGuardIsAKPIOfItsOwn(t *testing.T) {
	for expr, want := range map[string][]string{
		`(ready == 1) unless on (c) (up{job="k"} == 1)`:                       {`((sum by (c) (up{job="k"} == bool 1) or on (c) 0 * group by (c) (ready)) * on (c) group_right () (ready ^ 0)) < 1`},
		`(ready == 1) unless on (c) count by (c) (count by (c, i) (up == 1))`: {`((sum by (c) (up == bool 1) or on (c) 0 * group by (c) (ready)) * on (c) group_right () (ready ^ 0)) < 1`},
		`(ready == 1) unless on (c) count by (job) (up == 1)`:                 {`((count by (c) (count by (job) (up == 1)) or on (c) 0 * group by (c) (ready)) * on (c) group_right () (ready ^ 0)) < 1`},
		`(enabled == 1) and on (db) (running == 0) and on (db) primary`:       {`running == 0`, `(count(primary) or vector(0)) > 0`},
		`a > 5 and on () hour() > 9`:                                          nil,
		`(a > 5 and on (x) (b == 0)) and (a > 5 and on (x) (b == 0))`:         {`b == 0`},
		`(ready == 1) unless on () absent(up{job="k"})`:                       {`((count(absent(up{job="k"})) or on () 0 * group(ready)) * on () group_right () (ready ^ 0)) < 1`},
	} {
		d, err := Derive(expr)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range d.Flips() {
			got = append(got, f.Condition())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%q\n%q", expr, got, want)
		}
	}
	d, _ := Derive(`(ready == 1) unless on (c) (up{job="k"} == 1)`)
	if f := d.Flips()[0]; !slices.Equal(f.Series, []string{`{__name__="up",job="k"}`}) && !slices.Equal(f.Series, []string{`up{job="k"}`}) {
		t.Errorf("%q", f.Series)
	}
}

func TestTheOddOneOutIsCounted(t *testing.T) {
	for expr, want := range map[string]string{
		`count by (job) (count_values by (job) ("h", m)) > 1`:       `m != bool on (job) group_left () quantile by (job) (0.5, m)`,
		`count(count_values("h", m)) - 1 > 0`:                       `m != bool on () group_left () quantile (0.5, m)`,
		`max by (job) (m) != min by (job) (m)`:                      `m != bool on (job) group_left () quantile by (job) (0.5, m)`,
		`stddev(m) > 0`:                                             `m != bool on () group_left () quantile (0.5, m)`,
		`max(temperature) - min(temperature) > 5`:                   ``,
		`count by (job) (count by (job, version) (build_info)) > 1`: ``,
	} {
		d, err := Derive(expr)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if odd := d.oddOnesOut(MustParse(d.Target)); odd != nil {
			got = odd.String()
		}
		if got != want && got != MustParse(orNumber(want)).String() {
			t.Errorf("%s: %s", expr, got)
		}
	}
}

// orNumber returns text, or a number if it is empty.
func orNumber(text string) string {
	if text == "" {
		return "0"
	}
	return text
}
