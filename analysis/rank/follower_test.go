// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math/rand/v2"
	"testing"
)

// later is a system whose KPI steps with the first series at row 300. The second series steps
// at row 306, and the KPI with it by the given amount.
func later(again float64) Input {
	rng := rand.New(rand.NewPCG(7, 7))
	in := Input{KPI: Series{Kind: Latency}, Onset: 300}
	steps := []map[int]float64{{300: 60}, {306: 60}, {}, {}, {}}
	for service, step := range steps {
		in.Series = append(in.Series, Series{Service: service, Values: stepping(rng, step)})
	}
	in.KPI.Values = stepping(rng, map[int]float64{300: 60, 306: again})
	return in
}

// stepping is noise of 1 around 100 that steps up at some rows.
func stepping(rng *rand.Rand, steps map[int]float64) []float64 {
	values := make([]float64, 320)
	for i := range values {
		values[i] = 100 + rng.NormFloat64()
		for row, by := range steps {
			if i >= row {
				values[i] += by
			}
		}
	}
	return values
}

// TestSecondStepOfKPIHasItsOwnCause: a series that moves after the KPI is a victim,
// unless the KPI moves again with it.
func TestSecondStepOfKPIHasItsOwnCause(t *testing.T) {
	for again, follows := range map[float64]bool{0: true, 3: true, 50: false} {
		r := Rank(later(again), Options{})
		clean(t, r)
		if r.Effect.At != 300 || r.Effect.After(r.Causes[0].Began) {
			t.Errorf("the KPI began at %+v, the first cause at %+v", r.Effect, r.Causes[0].Began)
		}
		for _, c := range r.Causes {
			want := c.Series == 1 && follows
			if c.Follows != want {
				t.Errorf("the KPI goes on by %g: series %d, from %+v on, follows: %v", again, c.Series, c.Began, c.Follows)
			}
		}
	}
}

// TestFollowerLendsNoConfidence: if one series of a service moved far, but after the KPI,
// another that hardly moved before is no confident cause.
func TestFollowerLendsNoConfidence(t *testing.T) {
	for late, want := range map[bool]Confidence{true: Low, false: High} {
		rng := rand.New(rand.NewPCG(9, 9))
		in := Input{KPI: Series{Kind: Latency, Values: stepping(rng, map[int]float64{300: 60})}, Onset: 300}
		row := 300
		if late {
			row = 311
		}
		in.Series = []Series{
			{Service: 0, Values: stepping(rng, map[int]float64{300: 4})},
			{Service: 0, Values: stepping(rng, map[int]float64{row: 400})},
			{Service: 1, Values: stepping(rng, nil)},
			{Service: 2, Values: stepping(rng, nil)},
		}
		r := Rank(in, Options{})
		clean(t, r)
		if got := r.Services[0].Confidence; r.Services[0].Service != 0 || got != want {
			t.Errorf("late %t: service %d has %s confidence, a lift of %g", late, r.Services[0].Service, got, r.Services[0].Lift)
		}
	}
}
