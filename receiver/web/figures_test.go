// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

func TestEvidenceIsInPlainWords(t *testing.T) {
	figures := analysis.Evidence{
		Scope: `{instance="a"}`, Forecast: new(1.1), Actual: new(32.2), Share: new(0.823), Ratio: new(29.3),
		ScoreByChance: new(7.96), Leaves: 2, PartialLeaves: 1, MixEffect: new(4.9e-05), RateEffect: new(0.9913),
		Offsetting: []string{"path=/a", "path=/b", `path=""`}, Appeared: true, Selected: new(false),
		Members: []string{}, Shares: map[string]float64{"Slow": 0.5, "Errors": 1}, Since: new(1773457260.0),
	}
	want := []pair{
		{"looked at inside", `{instance="a"}`},
		{"expected", "1.1/s"},
		{"actual", "32.2/s"},
		{"moved since", "03:01:00 UTC"},
		{"share of the change", "82 %"},
		{"actual by expected", "29.3"},
		{"there was nothing of it before", "yes"},
		{"moved against the total", `path=/a, path=/b and path=""`},
		{"score that chance hardly reaches", "7.96"},
		{"combinations of labels in it", "2"},
		{"of them lack samples", "1"},
		{"share of the change by changed rates", ">99 %"},
		{"share of the change by changed traffic", "0 %"},
		{"chosen by the regression", "no"},
		{"share of each alert", "Errors 100 %, Slow 50 %"},
	}
	if diff := cmp.Diff(want, evidence(analysis.Finding{Evidence: figures}, words.PerSecond)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := json.Marshal(figures)
	if err != nil {
		t.Fatal(err)
	}
	var stored analysis.Evidence
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, evidence(analysis.Finding{Evidence: stored}, words.PerSecond)); diff != "" {
		t.Errorf("stored and read (-want +got):\n%s", diff)
	}
}

func TestEmptyFiguresAreLeftOut(t *testing.T) {
	f := analysis.Finding{Name: "up{job=\"a\"}", Evidence: analysis.Evidence{
		Service: "up{job=\"a\"}", Kind: "unknown", Members: []string{}, Query: "up",
	}}
	if diff := cmp.Diff([]pair{{"query", "up"}}, evidence(f, "")); diff != "" {
		t.Error(diff)
	}
}
