// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

func TestALevelSaysSinceWhenAndHowFar(t *testing.T) {
	for want, c := range map[string]struct {
		level  analysis.Level
		actual float64
		unit   words.Unit
	}{
		": it has been above 90 % for at least 5 h, by 5.56 % now": {analysis.Level{Operator: ">", Threshold: 90, Held: 18000, AtLeast: true}, 95, words.Percentage},
		": it has been below 1 GiB for 25 min, by 50 % now":        {analysis.Level{Operator: "<", Threshold: 1 << 30, Held: 1500}, 1 << 29, words.Bytes},
		": it has been at 0 for at least 2 h":                      {analysis.Level{Operator: "==", Held: 7200, AtLeast: true}, 0, ""},
		": it has been above 0 for 3 min":                          {analysis.Level{Operator: ">", Held: 180}, 4, ""},
		": it is no longer above 90":                               {analysis.Level{Operator: ">", Threshold: 90}, 80, ""},
	} {
		if got := strings.Join(sayLevel(analysis.Change{Actual: c.actual, Level: &c.level}, c.unit), ""); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := sayLevel(analysis.Change{}, ""); got != nil {
		t.Errorf("%q of a threshold that is not known", got)
	}
}

func TestNoAnswerNamesWhatWouldHelp(t *testing.T) {
	r := Report{Result: analysis.Result{Warnings: []analysis.Warning{
		{Source: "labels", Text: "the value -3 of x is negative"},
		{Source: analysis.SourceNeeded, Text: "disk used has 10 min of history before the onset; 20 min more would help"},
	}}}
	if got := r.sayNoAnswer()[0]; got != "No answer: disk used has 10 min of history before the onset; 20 min more would help" {
		t.Error(got)
	}
}
