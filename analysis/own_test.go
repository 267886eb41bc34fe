// SPDX-License-Identifier: Apache-2.0

package analysis

import "testing"

// The change of a KPI with siblings has the values of its own leaf, or, if the leaves measure
// something else, those of its samples.
func TestKPIAmongSiblingsHasValuesOfItsLeaf(t *testing.T) {
	f := oneOf(1)
	f.Targets[0].Breakdown.Unlike = false
	r := Run(f, Options{})
	if c := r.Change; c.Forecast != 4000 || c.Actual != 1000 || c.Rising || c.Siblings != 4 {
		t.Errorf("%+v", *c)
	}
	cause := r.Causes[0].Evidence
	if *cause.Forecast != r.Change.Forecast || *cause.Actual != r.Change.Actual {
		t.Errorf("the cause went from %g to %g, the KPI %+v", *cause.Forecast, *cause.Actual, *r.Change)
	}
}

// A series that moves minutes after the KPI can't have started it.
func TestSeriesThatMovesAfterTheKPIIsNoCause(t *testing.T) {
	f := slowQueue(400, 20)
	onset := len(f.Times) - 20
	for _, s := range f.Targets[0].Candidates {
		if s.Name == "queue|wait" { // starts ten rows later
			for i := onset; i < onset+10; i++ {
				s.Values[i] -= 40
			}
		}
	}
	for _, c := range Run(f, Options{}).Causes {
		if c.Series == "queue|wait" && (c.Confidence != Low || c.Evidence.Since != nil) {
			t.Errorf("%s: %s confidence, since %v", c.Sentence, c.Confidence, c.Evidence.Since)
		}
	}
}
