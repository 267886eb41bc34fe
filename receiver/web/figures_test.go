package web

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

func TestEvidenceIsReadAsPeopleSayIt(t *testing.T) {
	figures := map[string]any{
		"scope": `{instance="a"}`, "forecast": 1.1, "actual": 32.2, "share": 0.823, "ratio": 29.3,
		"score_by_chance": 7.96, "leaves": 2, "partial_leaves": 1, "mix_effect": 4.9e-05, "rate_effect": 0.9913,
		"offsetting": []string{"path=/a", "path=/b", `path=""`}, "appeared": true, "rollover": false,
		"members": []string{}, "shares": map[string]float64{"Slow": 0.5, "Errors": 1}, "since": 1773457260,
		"of_another_day": []any{true, 2.5, "x"},
	}
	want := []pair{
		{"looked at inside", `{instance="a"}`},
		{"expected", "1.1/s"},
		{"actual", "32.2/s"},
		{"moved since", "03:01:00 UTC"},
		{"share of the change", "82 %"},
		{"actual by expected", "29.3"},
		{"there was nothing of it before", "yes"},
		{"one value took the place of another", "no"},
		{"moved against the total", `path=/a, path=/b and path=""`},
		{"score that chance hardly reaches", "7.96"},
		{"combinations of labels in it", "2"},
		{"of them lack samples", "1"},
		{"share of the change by changed rates", ">99 %"},
		{"share of the change by changed traffic", "0 %"},
		{"share of each alert", "Errors 100 %, Slow 50 %"},
		{"of another day", "yes, 2.5 and x"},
	}
	if diff := cmp.Diff(want, evidence(analysis.Finding{Evidence: figures}, words.PerSecond)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := json.Marshal(figures)
	if err != nil {
		t.Fatal(err)
	}
	var stored map[string]any
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, evidence(analysis.Finding{Evidence: stored}, words.PerSecond)); diff != "" {
		t.Errorf("stored and read (-want +got):\n%s", diff)
	}
}

func TestAFigureOfAnotherTypeIsStillShown(t *testing.T) {
	got := evidence(analysis.Finding{Evidence: map[string]any{"share": "none", "since": nil}}, "")
	if diff := cmp.Diff([]pair{{"share of the change", "none"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFiguresThatTellNothingAreLeftOut(t *testing.T) {
	f := analysis.Finding{Name: "up{job=\"a\"}", Evidence: map[string]any{
		"service": "up{job=\"a\"}", "kind": "unknown", "members": []any{}, "query": "up",
	}}
	if diff := cmp.Diff([]pair{{"query", "up"}}, evidence(f, "")); diff != "" {
		t.Error(diff)
	}
}
