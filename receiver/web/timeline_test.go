// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
)

func TestChangesStandOnTheChartAndBelowIt(t *testing.T) {
	r := example(t)
	times := r.Charts[0].Times
	last := times[len(times)-1]
	change := func(at float64, title string) changes.Change {
		return changes.Change{At: at, Title: title, From: "v41", To: "v42", Labels: map[string]string{"service": "checkout"}}
	}
	cause := change(times[0]+60, "checkout was <b>rolled</b> out")
	r.Result.Causes = append(r.Result.Causes, analysis.Finding{
		Rank: 9, Kind: analysis.KindChange, Name: cause.Title + " (v41 → v42)", Change: &cause, Confidence: analysis.Medium, Sentence: cause.Title,
	})
	r.Result.Changes = &analysis.Changes{Before: 1, Later: []changes.Change{change(last+600, "cart was scaled up")}}
	view := kpiChart(r, r.Unit())
	if len(view.Moments) != 2 || view.Moments[0].X == "" || view.Moments[0].Later || view.Moments[1].X != "" || !view.Moments[1].Later {
		t.Fatalf("%+v", view.Moments)
	}
	var page strings.Builder
	if err := newPages("").byName["report"].ExecuteTemplate(&page, "chart", view); err != nil {
		t.Fatal(err)
	}
	html := page.String()
	for _, want := range []string{"checkout was &lt;b&gt;rolled&lt;/b&gt; out (v41 → v42)", "cart was scaled up (v41", `class="change"`, "after the onset"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q:\n%s", want, html)
		}
	}
}
