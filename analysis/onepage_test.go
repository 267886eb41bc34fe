// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// A report gives the same figures wherever it mentions them: in the KPI's change, in the values
// of each label, and in the causes.
func TestReportIsConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawnBreakdown(t)
		r := Run(Frame{Targets: []Target{{Name: "kpi", Breakdown: b}}}, Options{})
		c := r.Change
		if c == nil {
			return
		}
		for _, d := range r.Dimensions {
			var forecast, actual float64
			for _, e := range d.Elements {
				forecast, actual = forecast+e.Forecast, actual+e.Actual
				same(t, d.Label+": change of "+e.Value, e.Change, e.Actual-e.Forecast)
			}
			if len(d.Elements) > 0 {
				same(t, d.Label+": expected of all", forecast, c.Forecast)
				same(t, d.Label+": actual of all", actual, c.Actual)
			}
		}
		for _, f := range r.Causes {
			e := f.Evidence
			same(t, f.Name+": share", *e.Share, f.Share)
			if len(f.Labels) == 1 && len(f.Labels[0]) == 1 {
				of := element(r, f.Labels[0])
				same(t, f.Name+": expected", *e.Forecast, of.Forecast)
				same(t, f.Name+": actual", *e.Actual, of.Actual)
				same(t, f.Name+": share of the change", f.Share, of.EP)
			}
			if f.Share > 1 || f.Share < -1 {
				t.Errorf("%s: a share of %g is more than all", f.Name, f.Share)
			}
		}
	})
}

// drawnBreakdown draws a breakdown by two labels, in which one value or one leaf moved.
func drawnBreakdown(t *rapid.T) *Breakdown {
	b := &Breakdown{Labels: []string{"path", "zone"}, Seconds: rapid.SampledFrom([]float64{0, 300}).Draw(t, "seconds")}
	n, m := rapid.IntRange(2, 6).Draw(t, "paths"), rapid.IntRange(1, 4).Draw(t, "zones")
	factor := rapid.Float64Range(0, 8).Draw(t, "factor")
	at, zone := rapid.IntRange(0, n-1).Draw(t, "path"), rapid.IntRange(-1, m-1).Draw(t, "zone")
	for i := range n {
		for k := range m {
			forecast := rapid.Float64Range(1, 1000).Draw(t, "forecast")
			actual := forecast * rapid.Float64Range(.98, 1.02).Draw(t, "noise")
			if i == at && (zone < 0 || k == zone) {
				actual *= factor
			}
			b.Leaves = append(b.Leaves, []string{string(rune('a' + i)), string(rune('0' + k))})
			b.Numerator.Forecast, b.Numerator.Actual = append(b.Numerator.Forecast, forecast), append(b.Numerator.Actual, actual)
		}
	}
	return b
}

// element returns the value of a label that a label set names.
func element(r Result, set map[string]string) Element {
	for _, d := range r.Dimensions {
		for _, e := range d.Elements {
			if set[d.Label] == e.Value {
				return e
			}
		}
	}
	return Element{}
}

func same(t *rapid.T, what string, got, want float64) {
	if math.Abs(got-want) > 1e-6*max(1, math.Abs(got), math.Abs(want)) {
		t.Errorf("%s is %g in one place and %g in another", what, got, want)
	}
}
