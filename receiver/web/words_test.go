// SPDX-License-Identifier: Apache-2.0

package web

import (
	"testing"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

func TestALabelSaysWhichOfItsValuesStandsOut(t *testing.T) {
	element := func(value string, forecast, ep float64) analysis.Element {
		return analysis.Element{Value: value, Forecast: forecast, EP: ep}
	}
	for _, tt := range []struct {
		name     string
		elements []analysis.Element
		want     string
	}{
		{"one holds nearly all", []analysis.Element{element("a", 50, 0.95), element("b", 50, 0.05)}, "a 95 %"},
		{"the most surprising is not the largest", []analysis.Element{element("a", 10, -0.4), element("b", 50, 1.4)}, "b 140 %"},
		{"each moved as much as its share", []analysis.Element{element("a", 75, 0.72), element("b", 25, 0.28)}, "no value stands out"},
		{"there was nothing before", []analysis.Element{element("a", 0, 0.6), element("", 0, 0.4)}, "a 60 %"},
		{"nothing moved", []analysis.Element{element("a", 5, 0), element("b", 0, 0)}, "no value stands out"},
		{"not broken down", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := mostOf(analysis.Dimension{Elements: tt.elements}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheSentenceOfASeriesDoesNotRepeatItsName(t *testing.T) {
	for _, tt := range []struct{ kind, name, sentence, want string }{
		{analysis.KindSeries, `cpu{pod="a"}`, `cpu{pod="a"} rose ×3 (1 → 3)`, "Rose ×3 (1 → 3)"},
		{analysis.KindSeries, "cpu", "something else", "something else"},
		{analysis.KindLabels, `{path="/a"}`, "all of the rise comes from path=/a", "All of the rise comes from path=/a"},
		{analysis.KindLabels, `{path="/a"}`, "path=/a moved, and the total did not", "path=/a moved, and the total did not"},
		{analysis.KindLabels, "", "", ""},
	} {
		if got := sentence(analysis.Finding{Kind: tt.kind, Name: tt.name, Sentence: tt.sentence}); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestOneSeriesIsSingular(t *testing.T) {
	for _, tt := range []struct {
		fit              analysis.Fit
		text, regression string
	}{
		{analysis.Fit{Series: 1, Moved: 1, Selected: 1, Explained: 0.35, Converged: true}, "1 series was looked at, 1 moved in the incident.", "1 series chosen, 35 % of the KPI's variance explained"},
		{analysis.Fit{Series: 14, Of: []string{"Redis", "node_exporter"}, Selected: 1, Explained: 0.35, Converged: true}, "14 series of Redis and node_exporter were looked at; none moved.", "1 series chosen, 35 % of the KPI's variance explained"},
		{analysis.Fit{Series: 1234, Selected: 2, Explained: 0.9}, "1234 series were looked at; none moved.", "2 series chosen, 90 % of the KPI's variance explained; it did not converge"},
		{analysis.Fit{}, "", ""},
	} {
		if got := fitText(&tt.fit); got != tt.text {
			t.Errorf("got %q, want %q", got, tt.text)
		}
		if got := regression(&tt.fit); got != tt.regression {
			t.Errorf("got %q, want %q", got, tt.regression)
		}
	}
}

func TestAnAmountIsNotTornApart(t *testing.T) {
	doc := examplePage(t, func(r *report.Report) { r.Summary = "82 % of 0.284 % → 9.67 %" })
	if got := doc.Find("h1").Text(); got != "82\u00a0% of 0.284\u00a0%\u00a0→ 9.67\u00a0%" {
		t.Errorf("got %q", got)
	}
}
