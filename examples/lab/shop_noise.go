// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"math"
	"math/rand/v2"
	"time"
)

// wander is noise with memory: an Ornstein-Uhlenbeck process around 0, so that neighbouring samples
// are alike at any step.
type wander struct {
	sd   float64 // in the long run
	tau  float64 // decay time in seconds
	x    float64
	warm bool
}

// step moves the process by dt seconds and returns its value.
func (w *wander) step(rng *rand.Rand, dt float64) float64 {
	if !w.warm {
		w.x, w.warm = w.sd*rng.NormFloat64(), true
		return w.x
	}
	keep := math.Exp(-dt / w.tau)
	w.x = keep*w.x + w.sd*math.Sqrt(1-keep*keep)*rng.NormFloat64()
	return w.x
}

// poisson draws a count with the given mean: by multiplication for small means
// (Knuth), by the normal approximation above.
func poisson(rng *rand.Rand, mean float64) float64 {
	if mean <= 0 {
		return 0
	}
	if mean > 30 {
		return math.Max(0, math.Round(mean+math.Sqrt(mean)*rng.NormFloat64()))
	}
	limit, product := math.Exp(-mean), rng.Float64()
	n := 0.0
	for ; product > limit; n++ {
		product *= rng.Float64()
	}
	return n
}

// rhythm returns a region's load as a share of its peak: quiet at four in the morning, a first peak
// around noon and a higher one at nine in the evening, local time.
func rhythm(t time.Time, zone time.Duration) float64 {
	local := t.UTC().Add(zone)
	hour := float64(local.Hour()) + float64(local.Minute())/60 + float64(local.Second())/3600
	day := 0.5 - 0.5*math.Cos(2*math.Pi*(hour-4)/24)
	evening := math.Exp(-(hour - 21) * (hour - 21) / 8)
	return 0.3 + 0.55*day + 0.15*evening
}
