// SPDX-License-Identifier: Apache-2.0

package bmfs_test

import (
	"fmt"
	"math"

	"github.com/culprit-dev/culprit/analysis/bmfs"
)

// Three series are tried against a target that follows the first. The second is
// the first in another unit, so that the two cannot be told apart.
func ExampleFit() {
	wave := func(period float64) []float64 {
		s := make([]float64, 48)
		for i := range s {
			s[i] = math.Sin(2 * math.Pi * float64(i) / period)
		}
		return s
	}
	load, other := wave(12), wave(7)
	bytes, latency := make([]float64, 48), make([]float64, 48)
	for i := range load {
		bytes[i] = 1024 * load[i]
		latency[i] = 5 + 2*load[i] + .1*math.Cos(float64(i*i))
	}
	r := bmfs.Fit([][]float64{load, bytes, other}, latency, bmfs.Options{})
	for _, set := range r.Sets {
		for _, m := range set.Members {
			fmt.Printf("candidate %d: weight %.1f, coefficient %.4f\n", m.Candidate, m.Weight, r.Coefficient[m.Candidate])
		}
	}
	fmt.Printf("explained: %.2f\n", r.Explained)
	// Output:
	// candidate 0: weight 0.5, coefficient 0.9920
	// candidate 1: weight 0.5, coefficient 0.0010
	// explained: 1.00
}
