// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"fmt"
	"math"
	"slices"
)

// Merged is one candidate over several targets.
type Merged struct {
	Candidate int
	// Union is how much it explains of any target, 1 − Π_k (1−A_kj)^w_k; Intersection how much
	// of every target, the weighted geometric mean.
	Union, Intersection float64
	// Most is its largest share in a target.
	Most float64
	// Explains lists the targets in which it has a share.
	Explains []int
	// Common says that it has a share in every target that is explained at all.
	Common bool
}

// Merge ranks the candidates over several targets. shares[k][j] in [0,1] is the share of
// candidate j in the change of target k, and weights[k] > 0 the severity of that change (nil:
// equal). Candidates are sorted by union, then by largest share, then by index; those without
// any share are left out.
//
// Merge panics if targets differ in their number of candidates, or if the number of weights is
// wrong.
func Merge(shares [][]float64, weights []float64) []Merged {
	if len(shares) == 0 {
		return nil
	}
	union, common := Union(shares, weights), Intersection(shares, weights)
	var out []Merged
	for j := range shares[0] {
		m := Merged{Candidate: j, Union: union[j], Intersection: common[j], Common: common[j] > 0}
		for k, a := range shares {
			if m.Most = math.Max(m.Most, a[j]); a[j] > 0 {
				m.Explains = append(m.Explains, k)
			}
		}
		if m.Most > 0 {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, compareMerged)
	return out
}

func compareMerged(a, b Merged) int {
	switch {
	case a.Union > b.Union, a.Union == b.Union && a.Most > b.Most:
		return -1
	case a.Union < b.Union, a.Union == b.Union && a.Most < b.Most:
		return 1
	}
	return a.Candidate - b.Candidate
}

// Union is the probabilistic or of the shares: at least the largest share in a target of the
// largest weight, and the shares themselves for a single target.
func Union(shares [][]float64, weights []float64) []float64 {
	w := checkWeights(shares, weights)
	heaviest := slices.Max(w)
	out := make([]float64, len(shares[0]))
	for j := range out {
		var log float64
		for k, a := range shares {
			log += w[k] / heaviest * math.Log1p(-clamp(a[j]))
		}
		out[j] = -math.Expm1(log)
	}
	return out
}

// Intersection is the weighted geometric mean of the shares: 0 if one target has none of the
// candidate. Unexplained targets are left out: they would hide what the others have in common.
func Intersection(shares [][]float64, weights []float64) []float64 {
	w := checkWeights(shares, weights)
	out := make([]float64, len(shares[0]))
	var total float64
	for k, a := range shares {
		if explained(a) {
			total += w[k]
		}
	}
	if total == 0 {
		return out
	}
	for j := range out {
		var log float64
		for k, a := range shares {
			if explained(a) {
				log += w[k] / total * math.Log(clamp(a[j]))
			}
		}
		out[j] = math.Exp(log)
	}
	return out
}

func explained(a []float64) bool {
	return slices.ContainsFunc(a, func(v float64) bool { return v > 0 })
}

func clamp(v float64) float64 { return math.Max(0, math.Min(v, 1)) }

// checkWeights panics on shapes that don't fit, and fills in equal weights.
func checkWeights(shares [][]float64, weights []float64) []float64 {
	if len(shares) == 0 {
		panic("attribution: no targets to merge")
	}
	for k, a := range shares {
		if len(a) != len(shares[0]) {
			panic(fmt.Sprintf("attribution: target %d has %d candidates, target 0 has %d", k, len(a), len(shares[0])))
		}
	}
	if weights == nil {
		weights = slices.Repeat([]float64{1}, len(shares))
	}
	if len(weights) != len(shares) {
		panic(fmt.Sprintf("attribution: %d weights for %d targets", len(weights), len(shares)))
	}
	for k, w := range weights {
		if !(w > 0) || math.IsInf(w, 0) {
			panic(fmt.Sprintf("attribution: weight of target %d is %g, must be positive", k, w))
		}
	}
	return weights
}
