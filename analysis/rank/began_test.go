// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// moving is the standard score of a series of noise 1 that goes to size from row
// 100 of 120 on, over so many rows.
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

func TestBeginningIsKnownAsWellAsTheNoiseAllows(t *testing.T) {
	for _, c := range []struct {
		size   float64
		over   int // rows, as a rate over minutes takes
		within int // of the true row are the bounds of most
		holds  int // of 400 runs, in which they hold the true row at least
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

// drawMove draws a series that moves at row 100, some of it missing.
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

// ofScores is the series of some scores, of which NaN are missing.
func ofScores(z []float64) *series {
	s := &series{z: slices.Clone(z), gap: make([]bool, len(z))}
	for i := range z {
		if math.IsNaN(z[i]) {
			s.z[i], s.gap[i] = 0, true
		}
	}
	return s
}

// A move has begun in the same row whichever way it goes, from whatever level, and in
// whatever unit its noise and its size are.
func TestABeginningHasNoUnitNoLevelAndNoSign(t *testing.T) {
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

// With the clock all rows move.
func TestABeginningMovesWithTheClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := drawMove(t)
		of := func(later int) Beginning {
			all := append(slices.Repeat([]float64{math.NaN()}, later), z...)
			tab := &table{rows: len(all), onset: 100 + later, core: 60 + later}
			return tab.beginning(ofScores(all), period{onset: 100 + later}, 1)
		}
		const enough = 60 // rows from which on the baseline no longer bounds how far back it is looked
		by := rapid.IntRange(1, 40).Draw(t, "rows later")
		want := of(enough)
		if got := of(enough + by); got != (Beginning{want.At + by, want.Earliest + by, want.Latest + by}) {
			t.Errorf("%d rows later: %+v, want %+v", by, got, want)
		}
	})
}

// What has not moved, or is not there, may have begun in any row of the incident.
func TestWhatDidNotMoveBeganAnytime(t *testing.T) {
	for name, level := range map[string]float64{"still": 3, "missing": math.NaN()} {
		tab := &table{rows: 120, onset: 100, core: 60}
		b := tab.beginning(ofScores(slices.Repeat([]float64{level}, 120)), period{onset: 100}, 1)
		if b.At != 100 || b.Earliest > 100 || b.Latest != 119 {
			t.Errorf("%s: %+v, want any row to 119", name, b)
		}
	}
}

// The odds are those of the density that the formula stands for, added up over all
// places on the way, within what one row may say.
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
