// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"testing"
)

func TestMetricsQLIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		`q default 0 > 5`:                    "uses default,",
		`sum(rate(a[5m])) if b`:              "uses if,",
		`lag(q) > 5`:                         "uses lag(),",
		`rate(q) > 5`:                        "uses rate() without a window,",
		`median(q) by (job) > 5`:             "uses median(),",
		`WITH (x = up) x`:                    "uses WITH(),",
		`sum(q{a="default"}`:                 "can't be read: ",
		`label_set(q, "a", "b if c") > 1`:    "uses label_set(),",
		`sum by (job) (q) keep_metric_names`: "uses keep_metric_names,",
	} {
		_, err := Derive(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
