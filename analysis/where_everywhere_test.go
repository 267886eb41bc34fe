// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"encoding/json"
	"testing"
)

func TestReasonForExternalVerdict(t *testing.T) {
	clear := func(_, _, _ int) bool { return true }
	nothing := shop(4, 1, never)
	nothing.Numerator.Forecast = make([]float64, len(nothing.Leaves))
	for _, tt := range []struct {
		name string
		b    *Breakdown
		want Everywhere
	}{
		{"all alike", shop(5, 3, clear), MovedAlike},
		{"from nothing", nothing, MovedAlike},
		{"outage", shop(6, 0, clear), AllStopped},
		{"traffic", mixShift(), MixShifted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := analyse(t, tt.b, LabelOptions{})
			if got := r.Everywhere; r.Verdict != External || got != tt.want {
				t.Errorf("verdict %s, %s, want %s", r.Verdict, got, tt.want)
			}
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var stored Result
			if err := json.Unmarshal(text, &stored); err != nil {
				t.Fatal(err)
			}
			if got := stored.Everywhere; got != tt.want {
				t.Errorf("stored and read it is %s", got)
			}
		})
	}
}

func TestReasonForExternalVerdictOfOneTarget(t *testing.T) {
	f := Frame{Targets: []Target{
		{Name: "orders", Breakdown: shop(4, 1, never)}, // did not move
		{Name: "errors", Breakdown: mixShift()},
	}}
	if r := Run(f, Options{}); r.Verdict != External || r.Everywhere != MixShifted {
		t.Errorf("verdict %s, %s; warnings %v", r.Verdict, r.Everywhere, r.Warnings)
	}
}
