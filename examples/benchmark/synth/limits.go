// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"math"
	"math/rand/v2"
)

// Shape is how an active candidate acts on the target.
type Shape int

const (
	// Linear relations are what the model assumes.
	Linear Shape = iota
	// Exponential relations are monotone: a latency that explodes with load.
	Exponential
	// Saturating relations start at a limit: nothing happens below a candidate's 90th percentile,
	// then the target follows.
	Saturating
)

// Curved describes independent candidates of which three act on the target in
// the given shape. The zero value is 120 samples of 50 candidates, with a tenth
// of the variance noise.
type Curved struct {
	N, P  int
	Shape Shape
}

// Problem draws one problem; it has no test set.
func (c Curved) Problem(rng *rand.Rand) Problem {
	if c.N == 0 {
		c.N, c.P = 120, 50
	}
	p := Problem{X: normals(rng, c.P, c.N), Active: make([]bool, c.P), Group: rng.Perm(c.P)}
	signal := make([]float64, c.N)
	for _, j := range rng.Perm(c.P)[:3] {
		p.Active[j] = true
		acts := make([]float64, c.N)
		for i, v := range p.X[j] {
			acts[i] = c.Shape.of(v)
		}
		addScaled(signal, sign(rng)*(.75+.5*rng.Float64())/deviation(acts), acts)
	}
	p.Y = noise(rng, c.N, deviation(signal)/3)
	addScaled(p.Y, 1, signal)
	return p
}

func (s Shape) of(v float64) float64 {
	switch s {
	case Exponential:
		return math.Exp(2 * v)
	case Saturating:
		return math.Max(0, v-1.2816) // 90th percentile of the standard normal
	}
	return v
}

// Drifting describes three active candidates of which the first changes the
// sign of its coefficient in the middle of the samples, or does not if Steady.
// The zero value is 120 samples of 20 candidates.
type Drifting struct {
	N, P   int
	Steady bool
}

// Problem draws one problem and returns which candidate changed.
func (c Drifting) Problem(rng *rand.Rand) (p Problem, changed int) {
	if c.N == 0 {
		c.N, c.P = 120, 20
	}
	p = Problem{X: normals(rng, c.P, c.N), Y: noise(rng, c.N, .3), Active: make([]bool, c.P), Group: rng.Perm(c.P)}
	acting := rng.Perm(c.P)[:3]
	for k, j := range acting {
		p.Active[j] = true
		b := .5 + .5*rng.Float64()
		for i, v := range p.X[j] {
			if k == 0 && !c.Steady && i >= c.N/2 {
				p.Y[i] += -b / 4 * v
				continue
			}
			p.Y[i] += b * v
		}
	}
	return p, acting[0]
}
