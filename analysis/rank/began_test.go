// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math/rand/v2"
	"testing"
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
