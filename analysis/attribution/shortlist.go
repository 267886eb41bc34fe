// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"fmt"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// Shortlist selects the candidates worth reporting. The zero value is the default.
//
// Only the report is filtered, not the models' input, on purpose: without the quiet candidates
// a model would assign their part of the target to the others.
type Shortlist struct {
	// MinDeviation is how far a candidate must have moved, in robust standard deviations of its
	// baseline; 0 means 3.
	MinDeviation float64
	// MinShare is the smallest share of the change, among those that moved; 0 means 0.03.
	MinShare float64
}

// Finding is one candidate worth reporting.
type Finding struct {
	Candidate int
	Share     float64 // of the change, averaged over the models
	Deviation float64
}

// Select returns the candidates that moved and that the models hold responsible, the largest
// share first, ties to the smaller index. phi[m] are the contributions by model m, weights the
// weights of the models (nil: equal), deviation the moves of the candidates, and direction the
// sign of the target's change.
//
// A sparse selection is good if few candidates act, a ridge if the target is the sum of many.
// If it is unknown which holds, their average is better than either.
//
// Select panics if the slices differ in length, or a weight is not positive.
func (s Shortlist) Select(phi [][]float64, weights, deviation []float64, direction float64) []Finding {
	if s.MinDeviation == 0 {
		s.MinDeviation = 3
	}
	if s.MinShare == 0 {
		s.MinShare = 0.03
	}
	if len(phi) == 0 || len(phi[0]) != len(deviation) {
		panic(fmt.Sprintf("attribution: contributions of %d models do not fit %d deviations", len(phi), len(deviation)))
	}
	weights = checkWeights(phi, weights)
	share := make([]float64, len(deviation))
	total := sum(weights)
	for m := range phi {
		moved := slices.Clone(phi[m])
		for j, z := range deviation {
			if !(math.Abs(z) >= s.MinDeviation) {
				moved[j] = 0
			}
		}
		for j, v := range Shares(moved, direction) {
			share[j] += weights[m] / total * v
		}
	}
	var out []Finding
	for _, j := range ranked(share, 1) {
		if share[j] >= s.MinShare {
			out = append(out, Finding{Candidate: j, Share: share[j], Deviation: deviation[j]})
		}
	}
	return out
}

// maxDeviation stands for the move of a candidate that never moved before.
const maxDeviation = 1e6

// Deviation returns how far the series moved in the window from its earlier median, in robust
// standard deviations of the baseline: 1.4826 times the median absolute deviation, but at least
// a quarter of the standard deviation, because a mostly constant series is not all spikes. It
// is 0 if there is nothing to compare, and bounded by 1e6.
func (w Window) Deviation(series []float64) float64 {
	at, base := w.Levels(series)
	if math.IsNaN(at) || math.IsNaN(base) || at == base {
		return 0
	}
	var away []float64
	scale := 0.0
	for _, v := range series[:w.Onset] {
		if a := math.Abs(v - base); a <= math.MaxFloat64 {
			away = append(away, a)
			scale = math.Max(scale, a)
		}
	}
	var ss float64
	for _, a := range away {
		if scale > 0 {
			ss += (a / scale) * (a / scale)
		}
	}
	sd := scale * math.Sqrt(ss/float64(len(away)))
	z := (at - base) / math.Max(order.NormalMAD*order.MedianInPlace(away), sd/4)
	return math.Max(-maxDeviation, math.Min(z, maxDeviation))
}
