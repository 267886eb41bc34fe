// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"math"
	"math/rand/v2"
)

// Step describes a KPI that follows one of its candidates at all times, and an incident in which
// that one steps by five of its own standard deviations, as some of many candidates do by chance.
// Only the lasting relation with the KPI distinguishes it.
type Step struct {
	N, P     int     // samples, the incident included, and candidates
	Incident int     // samples of the incident
	Noise    float64 // standard deviation of the KPI's residual, in units of the cause's
	Height   float64 // of the step, in standard deviations of the cause
	Shape    func(float64) float64

	// Load makes it a step of a shared load instead, which is this share of every candidate's
	// variance at all times.
	Load float64
}

// StepCase is one such incident, which begins at Onset. Cause is -1 where no candidate is to blame.
type StepCase struct {
	X     [][]float64
	Y     []float64
	Onset int
	Cause int
}

// Case draws one incident.
func (c Step) Case(rng *rand.Rand) StepCase {
	s := StepCase{Onset: c.N - c.Incident, Cause: rng.IntN(c.P), X: make([][]float64, c.P)}
	shape := c.Shape
	if shape == nil {
		shape = func(v float64) float64 { return v }
	}
	load := wander(rng, c.N)
	for j := range s.X {
		s.X[j] = wander(rng, c.N)
		for i := range s.X[j] {
			s.X[j][i] = math.Sqrt(1-c.Load)*s.X[j][i] + math.Sqrt(c.Load)*load[i]
		}
	}
	drives := s.X[s.Cause]
	if c.Load > 0 {
		drives, s.Cause = load, -1
	}
	for i := s.Onset; i < c.N; i++ {
		for j := range s.X {
			if c.Load > 0 || j == s.Cause {
				s.X[j][i] += c.Height
			}
		}
		if c.Load > 0 {
			load[i] += c.Height
		}
	}
	s.Y = make([]float64, c.N)
	for i := range s.Y {
		s.Y[i] = 200 + 8*(shape(drives[i])+c.Noise*rng.NormFloat64())
	}
	for _, x := range s.X {
		level := math.Exp(rng.NormFloat64())
		for i := range x {
			x[i] = level * (1 + .05*x[i])
		}
	}
	return s
}

// wander draws autocorrelated noise of variance 1.
func wander(rng *rand.Rand, n int) []float64 {
	const memory = .3
	x, last := make([]float64, n), rng.NormFloat64()
	for i := range x {
		last = memory*last + math.Sqrt(1-memory*memory)*rng.NormFloat64()
		x[i] = last
	}
	return x
}
