// SPDX-License-Identifier: Apache-2.0

package expr

import "testing"

// The KPI is the side that can move; the other is its expectation if the rule says so.
func TestWhatIsComparedIsMeasuredByWhatItIsComparedWith(t *testing.T) {
	for _, c := range []struct{ expr, numerator, denominator, expected string }{
		{`used > on (pod) 0.9 * size`, "1·sum by (l) (used)", "1·sum by (l) (size)", ""},
		{`now < 0.6 * now offset 1d`, "1·sum by (l) (now)", "", "1·sum by (l) (now offset 1d)"},
		{`sum(rate(a[5m])) < sum(rate(a[5m] offset 1w))`, "1·sum by (l) (rate(a[5m]))", "", "1·sum by (l) (rate(a[5m] offset 1w))"},
		{`100 * (a - a offset 1h) / a offset 1h > 50`, "1·sum by (l) (a)", "", "1·sum by (l) (a offset 1h)"},
		{`a / a offset 1h - 1 > 0.5`, "1·sum by (l) (a)", "", "1·sum by (l) (a offset 1h)"},
		{`sum(a) < 0.5 * (sum(a offset 1w) + sum(a offset 2w)) / 2`, "1·sum by (l) (a)", "", "0.5·sum by (l) (a offset 1w) + 0.5·sum by (l) (a offset 2w)"},
		{`a - a offset 1h < -5`, "1·sum by (l) (a)", "", "1·sum by (l) (a offset 1h)"},
		{`a > on (job) group_left () 3 * avg by (job) (a)`, "1·sum by (l) (a)", "", ""},
		{`a < on (job) group_left () (avg by (job) (a) - 2 * stddev by (job) (a))`, "1·sum by (l) (a)", "", ""},
		{`abs(a - scalar(avg(a))) / scalar(stddev(a) + 1) > 2`, "1·sum by (l) (a)", "", ""},
		{`quantile by (job) (0.5, a) * 3 < on (job) group_right () a`, "1·sum by (l) (a)", "", ""},
		{`predict_linear(free[1h], 3600) / size < 0.1`, "1·sum by (l) (free)", "1·sum by (l) (size)", ""},
		{`100 * predict_linear(free[1h], 3600) < 0`, "100·sum by (l) (free)", "", ""},
		{`count(deriv(a[5m]) > 0) > 3`, "1·sum by (l) (deriv(a[5m]) > bool 0)", "", ""},
		{`count(up == 0) / count(up) > 0.5`, "1·sum by (l) (up == bool 0)", "1·count by (l) (up)", ""}, // a share, not an outlier
		{`sum(a) / sum(b) > 2 * (sum(a offset 1d) / sum(b offset 1d))`, "1·sum by (l) (a)", "1·sum by (l) (b)", ""},
		{`max(a) > 2 * max(a offset 1d)`, "1·sum by (l) (a)", "", ""},
		{`sum by (host) (used) > min by (host) (size * 0.8)`, "1·sum by (l) (used)", "", ""}, // the bound has no parts
		{`sum by (host) (used) / on (host) max by (host) (size) * 100 > 80`, "1·sum by (l) (used)", "", ""},
		{`sum(used) > sum(0.8 * size)`, "1·sum by (l) (used)", "1·sum by (l) (size)", ""},
		{`a / b offset 1h > 2`, "1·sum by (l) (a)", "1·sum by (l) (b offset 1h)", ""},
	} {
		d, err := Derive(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		m, err := d.Apart(MustParse(d.Target))
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if n, d, e := termTexts(m.Numerator), termTexts(m.Denominator), termTexts(m.Expected); n != c.numerator || d != c.denominator || e != c.expected {
			t.Errorf("%s:\n%s / %s, expected %s", c.expr, n, d, e)
		}
	}
}

func TestWhatIsDividedFiresAsItIsWritten(t *testing.T) {
	d, err := Derive(`label_replace(a > 0.9 * b, "x", "$1", "y", "(.*)") and c`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.Condition(), `(label_replace((a - (0.9 * b)), "x", "$1", "y", "(.*)") > 0) and ignoring (x) c`; got != want && got != `(label_replace(a - (0.9 * b), "x", "$1", "y", "(.*)") > 0) and c` {
		t.Errorf("%s", got)
	}
	if d.Target != `label_replace(a / b, "x", "$1", "y", "(.*)")` {
		t.Errorf("%s", d.Target)
	}
}
