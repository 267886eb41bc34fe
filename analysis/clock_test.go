// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"strings"
	"testing"
)

// ages is the time since the last backup of one of three databases, one row a minute; the other
// two are at two and four hours.
func ages() Frame {
	f := Frame{Onset: 1_700_000_000 + 60*60, End: 1_700_000_000 + 69*60}
	values := make([]float64, 72)
	for i := range values {
		f.Times = append(f.Times, float64(1_700_000_000+60*i))
		values[i] = 24 + float64(i)/60
	}
	values[3] = math.NaN()
	f.Targets = []Target{{
		Name: "BackupOld", Title: "time since backup", Values: values, Clock: true,
		Breakdown: &Breakdown{
			Labels: []string{"db"}, Leaves: [][]string{{"mail"}, {"orders"}, {"users"}}, Beside: true, Own: map[string]string{"db": "orders"},
			Numerator: Pieces{Actual: []float64{2 * 3600, 25.15 * 3600, 4 * 3600}, Forecast: []float64{1, 1, 1}},
		},
	}}
	return f
}

func TestAgeIsNoChange(t *testing.T) {
	r := Run(ages(), Options{})
	c := r.Change
	if r.Verdict != NoChange || len(r.Causes) != 0 || c == nil {
		t.Fatalf("%s %v %+v", r.Verdict, r.Causes, c)
	}
	if c.Target != "time since backup" || !c.Clock || !c.Rising || c.Siblings != 2 || math.Abs(c.Actual-25.15) > 1e-9 {
		t.Errorf("%+v", *c)
	}
	if math.Abs(c.Others-3) > 1e-9 { // the median of 2 and 4 hours, in the KPI's unit
		t.Errorf("the others are at %v", c.Others)
	}
}

func TestTimeUntilFalls(t *testing.T) {
	f := ages()
	for i := range f.Targets[0].Values {
		f.Targets[0].Values[i] *= -1
	}
	f.Targets[0].Breakdown = nil
	if c := Run(f, Options{}).Change; c == nil || c.Rising || c.Others != 0 || c.Siblings != 0 {
		t.Errorf("%+v", c)
	}
}

// oneOf is the KPI of one of five series that fell from 40 to 10; the breakdown has sums. hit
// is the number of series that fell.
func oneOf(hit int) Frame {
	f := Frame{Onset: 1_700_000_000 + 50*60}
	values := make([]float64, 60)
	for i := range values {
		f.Times = append(f.Times, float64(1_700_000_000+60*i))
		if values[i] = 40; i >= 50 {
			values[i] = 10
		}
	}
	b := &Breakdown{Labels: []string{"instance", "zone"}, Beside: true, Unlike: true, Own: map[string]string{"instance": "a", "zone": "1"}}
	for i, name := range []string{"a", "b", "c", "d", "e"} {
		now := 4000.0 + float64(i)
		if i < hit {
			now = 1000
		}
		b.Leaves = append(b.Leaves, []string{name, string(rune('1' + i%3))})
		b.Numerator.Forecast = append(b.Numerator.Forecast, 4000)
		b.Numerator.Actual = append(b.Numerator.Actual, now)
	}
	f.Targets = []Target{{Name: "Low", Values: values, Crossing: true, Breakdown: b}}
	return f
}

func TestChangeOfKPIAmongSiblings(t *testing.T) {
	r := Run(oneOf(1), Options{})
	if c := r.Change; c.Forecast != 40 || c.Actual != 10 || c.Rising || c.Siblings != 4 {
		t.Errorf("%+v", *c)
	}
	f := r.Causes[0]
	if f.Evidence.OnlyOf != 5 || !strings.HasPrefix(f.Sentence, "of 5 series only instance=a fell (forecast 4") {
		t.Errorf("%q, of %d series", f.Sentence, f.Evidence.OnlyOf)
	}
}

func TestCauseSharedBySiblingsIsNotUnique(t *testing.T) {
	for _, f := range Run(oneOf(2), Options{}).Causes {
		if f.Evidence.OnlyOf != 0 {
			t.Errorf("%s: of %d series", f.Sentence, f.Evidence.OnlyOf)
		}
	}
}

func TestLastOfFewSamplesIsActual(t *testing.T) {
	f := oneOf(1)
	v := f.Targets[0].Values
	v[50], v[51], v[52] = 40, 40, 40 // the incident was stretched to four rows
	f.End = f.Times[53]
	if c := Run(f, Options{}).Change; c.Actual != 10 {
		t.Errorf("%+v", *c)
	}
}

func TestTotalOutageNeedsNoMoreEvidence(t *testing.T) {
	f := oneOf(1)
	f.Targets[0].Breakdown = nil
	if r := Run(f, Options{}); r.Verdict != InsufficientEvidence {
		t.Errorf("a fall to 10 with nothing to look at: %s", r.Verdict)
	}
	for i := 50; i < 60; i++ {
		f.Targets[0].Values[i] = 0
	}
	if r := Run(f, Options{}); r.Verdict != External || r.Everywhere != AllStopped {
		t.Errorf("%s %s", r.Verdict, r.Everywhere)
	}
}

// A forecast takes twenty minutes of history. Without one, siblings that still have a value contradict
// that everything stopped.
func TestNotEverythingStoppedWhileSiblingsGoOn(t *testing.T) {
	f := oneOf(1)
	for i := 50; i < 60; i++ {
		f.Targets[0].Values[i] = 0
	}
	b := f.Targets[0].Breakdown
	b.Numerator.Forecast = nil
	b.Numerator.Actual[0] = 0
	if r := Run(f, Options{}); r.Verdict != InsufficientEvidence || r.Everywhere != "" {
		t.Errorf("one of five stopped: %s %s", r.Verdict, r.Everywhere)
	}
	clear(b.Numerator.Actual)
	if r := Run(f, Options{}); r.Verdict != External || r.Everywhere != AllStopped {
		t.Errorf("all five stopped: %s %s", r.Verdict, r.Everywhere)
	}
}

func TestActualOfMovingKPIIsItsLatestValue(t *testing.T) {
	f := oneOf(1)
	for i := 50; i < 60; i++ { // from 40 down to 13
		f.Targets[0].Values[i] = 40 - 3*float64(i-50)
	}
	f.Targets[0].Values[58] = 100 // one outlier in the last three
	if c := Run(f, Options{}).Change; c.Forecast != 40 || c.Actual != 19 {
		t.Errorf("%+v", *c)
	}
	f.Targets[0].Crossing = false // with a given onset: the median of all rows
	if c := Run(f, Options{}).Change; c.Actual != 29.5 {
		t.Errorf("%+v", *c)
	}
}

// The KPI's own leaf converts the unit of its siblings; a leaf of 0 can't.
func TestZeroAgeGivesNoUnitForSiblings(t *testing.T) {
	b := &Breakdown{
		Labels: []string{"job"}, Own: map[string]string{"job": "a"}, Leaves: [][]string{{"a"}, {"b"}, {"c"}},
		Numerator: Pieces{Actual: []float64{0, 86400, 3 * 86400}},
	}
	if got := b.others(0); got != 0 {
		t.Errorf("%v", got)
	}
	b.Numerator.Actual[0] = 86400
	if got := b.others(1); got != 2 { // in days: the leaf is in seconds
		t.Errorf("%v", got)
	}
}
