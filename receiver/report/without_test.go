// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// redrawn is 12 steps of two leaves, /pay and the rest, and an incident.
func redrawn(rest func(step int) float64, now [2]float64) (analysis.Frame, analysis.Result) {
	c := analysis.Course{Length: 300, End: 3600, From: 3660, To: 3960, Factor: 1, Likeness: true}
	for k := range 12 {
		c.Numerator = append(c.Numerator, []float64{1, rest(k)})
	}
	b := &analysis.Breakdown{
		Labels: []string{"path"}, Leaves: [][]string{{"/pay"}, {"/"}},
		Numerator: analysis.Pieces{Actual: now[:]}, Course: c,
	}
	cause := with(payV2(), func(f *analysis.Finding) { f.Labels = []map[string]string{{"path": "/pay"}} })
	return analysis.Frame{Targets: []analysis.Target{{Name: "errors", Breakdown: b}}}, analysis.Result{Causes: []analysis.Finding{cause}}
}

func TestFlatIsOnlyWhatIsFlat(t *testing.T) {
	wavy := func(k int) float64 { return 3 + 0.1*float64(k%3) }
	for name, c := range map[string]struct {
		rest func(int) float64
		now  [2]float64
		flat bool
	}{
		"as before":                        {wavy, [2]float64{40, 3.1}, true},
		"a little above":                   {wavy, [2]float64{40, 4.2}, false},
		"a tenth of a move that is larger": {wavy, [2]float64{9, 4.2}, false},
		"fell":                             {wavy, [2]float64{40, 0}, false},
		"below a tenth of the move, and many times itself": {func(k int) float64 {
			if k == 3 {
				return 1000
			}
			return 50
		}, [2]float64{9100, 900}, false},
		"so noisy that all is usual": {func(k int) float64 { return float64(30 * (k % 2)) }, [2]float64{40, 30}, false},
	} {
		f, res := redrawn(c.rest, c.now)
		w := NewWithout(f, res)
		if w == nil || w.Flat != c.flat {
			t.Errorf("%s: %+v", name, w)
			continue
		}
		if says := (Report{Without: w}).SayWithout(); strings.Contains(says, "flat") != c.flat || !c.flat && !strings.Contains(says, "; as it is, from ") {
			t.Errorf("%s: %s", name, says)
		}
	}
}

func TestAnEarlierIncidentIsNotWhatWasBefore(t *testing.T) {
	f, res := redrawn(func(k int) float64 {
		if k < 7 {
			return 50
		}
		return 3
	}, [2]float64{40, 3})
	if w := NewWithout(f, res); w.Before != 50 {
		t.Errorf("%g before", w.Before)
	}
	f.Fired = []analysis.Stretch{{From: 0, To: 7 * 300}}
	if w := NewWithout(f, res); w.Before != 3 || w.Flat {
		t.Errorf("%g before, of 5 steps, flat: %v", w.Before, w.Flat)
	}
}

func TestNothingIsLeftOutThatTheLeavesDoNotTell(t *testing.T) {
	for name, labels := range map[string][]map[string]string{
		"a label of others":  {{"pod": "a"}},
		"all":                {{"path": "/pay"}, {"path": "/"}},
		"a value of nothing": {{"path": "/gone"}},
		"one of nothing":     {{"path": "/pay"}, {"path": "/gone"}},
		"small ones as one":  {{"path": "/pay"}, {"path": "__other__"}},
		"no set":             nil,
	} {
		f, res := redrawn(func(int) float64 { return 3 }, [2]float64{40, 3})
		res.Causes[0].Labels = labels
		if w := NewWithout(f, res); w != nil {
			t.Errorf("%s: %+v", name, w)
		}
	}
	f, res := redrawn(func(int) float64 { return 3 }, [2]float64{40, 3})
	res.Causes[0].Confidence = analysis.Low
	if w := NewWithout(f, res); w != nil {
		t.Errorf("a guess: %+v", w)
	}
	f.Targets[0].Breakdown = nil
	if w := NewWithout(f, res); w != nil {
		t.Errorf("no breakdown: %+v", w)
	}
}
