// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// moving is the standard score of a series with noise 1 that moves to size over some rows, from
// row 100 of 120 on.
func moving(rng *rand.Rand, size float64, over int) []float64 {
	z := make([]float64, 120)
	for i := range z {
		z[i] = rng.NormFloat64()
		if i >= 100 {
			z[i] += size * min(1, float64(i-99)/float64(over))
		}
	}
	return z
}

func began(z []float64) Beginning {
	t := &table{rows: len(z), onset: 100, core: 60}
	return t.beginning(&series{z: z}, period{onset: 100}, 1)
}

func TestPrecisionOfOnset(t *testing.T) {
	for _, c := range []struct {
		size   float64
		over   int // rows of the move, such as the range of a rate
		within int // most bounds are this close to the true row
		holds  int // minimum of 400 runs in which the bounds contain the true row
	}{
		{100, 1, 0, 390},
		{20, 1, 1, 390},
		{8, 1, 2, 390},
		{5, 1, 3, 390},
		{3, 1, 6, 380},
		{40, 5, 2, 390},
		{20, 20, 5, 250}, // the first rows of a slope are within the noise
	} {
		const runs = 400
		rng := rand.New(rand.NewPCG(1, 2))
		holds, narrow := 0, 0
		for range runs {
			b := began(moving(rng, c.size, c.over))
			if b.Earliest <= 100 && 100 <= b.Latest {
				holds++
			}
			if b.Earliest >= 100-c.within && b.Latest <= 100+c.within {
				narrow++
			}
		}
		t.Logf("size %g over %d rows: true within the bounds in %d, narrow in %d of %d", c.size, c.over, holds, narrow, runs)
		if holds < c.holds || narrow < runs*7/10 {
			t.Errorf("size %g over %d rows: true within the bounds in %d, narrow in %d of %d", c.size, c.over, holds, narrow, runs)
		}
	}
}

// drawMove draws a series that moves at row 100, with missing samples.
func drawMove(t *rapid.T) []float64 {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5))
	z := moving(rng, rapid.Float64Range(2, 60).Draw(t, "size"), rapid.IntRange(1, 15).Draw(t, "rows"))
	for i := range z {
		if rng.Float64() < .1 {
			z[i] = math.NaN()
		}
	}
	return z
}

// ofScores is a series with the given scores; NaN is missing.
func ofScores(z []float64) *series {
	s := &series{z: slices.Clone(z), gap: make([]bool, len(z))}
	for i := range z {
		if math.IsNaN(z[i]) {
			s.z[i], s.gap[i] = 0, true
		}
	}
	return s
}

// The start of a move doesn't depend on its direction, level, unit or scale.
func TestOnsetIgnoresUnitLevelAndSign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := drawMove(t)
		of := func(scale, level float64) Beginning {
			changed := slices.Clone(z)
			for i := range changed {
				changed[i] = changed[i]*scale + level
			}
			tab := &table{rows: len(z), onset: 100, core: 60}
			return tab.beginning(ofScores(changed), period{onset: 100}, math.Abs(scale))
		}
		want := of(1, 0)
		for _, c := range [][2]float64{{-1, 0}, {16, 0}, {-1. / 16, 0}, {1, 64}, {-4, -64}} {
			if got := of(c[0], c[1]); got != want {
				t.Errorf("×%g %+g: %+v, want %+v", c[0], c[1], got, want)
			}
		}
		if want.Earliest > want.At || want.At > want.Latest || want.Latest >= len(z) {
			t.Errorf("%+v is out of order", want)
		}
		if math.IsNaN(z[want.At]) {
			t.Errorf("it began in row %d, of which there is no sample", want.At)
		}
	})
}

// Shifting all rows shifts the start of a move.
func TestOnsetShiftsWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := drawMove(t)
		of := func(later int) Beginning {
			all := append(slices.Repeat([]float64{math.NaN()}, later), z...)
			tab := &table{rows: len(all), onset: 100 + later, core: 60 + later}
			return tab.beginning(ofScores(all), period{onset: 100 + later}, 1)
		}
		const enough = 60 // from here on the baseline no longer limits how far back the search goes
		by := rapid.IntRange(1, 40).Draw(t, "rows later")
		want := of(enough)
		if got := of(enough + by); got != (Beginning{want.At + by, want.Earliest + by, want.Latest + by}) {
			t.Errorf("%d rows later: %+v, want %+v", by, got, want)
		}
	})
}

// A series that hasn't moved or is missing may have started in any row of the incident.
func TestUnmovedSeriesHasNoOnset(t *testing.T) {
	for name, level := range map[string]float64{"still": 3, "missing": math.NaN()} {
		tab := &table{rows: 120, onset: 100, core: 60}
		b := tab.beginning(ofScores(slices.Repeat([]float64{level}, 120)), period{onset: 100}, 1)
		if b.At != 100 || b.Earliest > 100 || b.Latest != 119 {
			t.Errorf("%s: %+v, want any row to 119", name, b)
		}
	}
}

// The odds of a move are those of the density behind the formula, integrated over all
// intermediate values and limited by the maximum for one row.
func TestOddsOfAMoveAreThoseOfItsDensity(t *testing.T) {
	density := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	for _, size := range []float64{.5, 2, 7, 25} {
		for d := -3.0; d < size+4; d += .23 {
			const steps = 20_000
			var moved float64
			for i := range steps {
				moved += density(d-size*(float64(i)+.5)/steps) / steps
			}
			want := min(max(math.Log(moved/density(d)), -beganClip), beganClip)
			if got := oddsOfMove(d, size); math.Abs(got-want) > 1e-4 {
				t.Errorf("%g on the way to %g: log-odds %g, want %g", d, size, got, want)
			}
		}
	}
}
