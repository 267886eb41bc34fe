// SPDX-License-Identifier: Apache-2.0

package analysis

import "testing"

// The members that vanished are where a "missing" alert comes from, with high confidence.
func TestMissingMembersAreConfident(t *testing.T) {
	b := &Breakdown{
		Labels: []string{"instance"}, Leaves: [][]string{{"a"}, {"b"}}, Missing: true,
		Numerator: Pieces{Forecast: []float64{40, 60}, Actual: []float64{0, 0}},
	}
	r := Run(Frame{Targets: []Target{{Name: "up", Breakdown: b}}}, Options{})
	if len(r.Causes) != 1 || r.Causes[0].Confidence != High || r.Causes[0].Method != "missing" {
		t.Errorf("%s", asJSON(t, r.Causes))
	}
}
