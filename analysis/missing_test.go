// SPDX-License-Identifier: Apache-2.0

package analysis

import "testing"

// Those that were there are the place of an alert about what isn't there, for certain.
func TestWhoIsMissingIsToldWithConfidence(t *testing.T) {
	b := &Breakdown{
		Labels: []string{"instance"}, Leaves: [][]string{{"a"}, {"b"}}, Missing: true,
		Numerator: Pieces{Forecast: []float64{40, 60}, Actual: []float64{0, 0}},
	}
	r := Run(Frame{Targets: []Target{{Name: "up", Breakdown: b}}}, Options{})
	if len(r.Causes) != 1 || r.Causes[0].Confidence != High || r.Causes[0].Method != "missing" {
		t.Errorf("%s", asJSON(t, r.Causes))
	}
}
