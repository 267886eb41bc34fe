// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"testing"

	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

// Thresholds and valleys are detected; lines, curves and noise are not.
func TestBends(t *testing.T) {
	for name, c := range map[string]struct {
		shape     func(float64) float64
		bent      bool
		threshold bool
	}{
		"a line":      {func(v float64) float64 { return 2 * v }, false, false},
		"nothing":     {func(float64) float64 { return 0 }, false, false},
		"a threshold": {func(v float64) float64 { return 3 * math.Max(0, v-0.5) }, true, true},
		"a limit":     {func(v float64) float64 { return 3 * math.Min(0, v+0.5) }, true, true},
		"a valley":    {func(v float64) float64 { return 2 * math.Abs(v) }, true, false},
	} {
		for seed := range uint64(20) {
			rng := synth.Rand(seed)
			x, y := make([]float64, 200), make([]float64, 200)
			for i := range x {
				x[i] = rng.NormFloat64()
				y[i] = 100 + c.shape(x[i]) + 0.3*rng.NormFloat64()
			}
			x[3], y[7] = math.NaN(), math.Inf(1)
			b, bent := Bent(x, y)
			if bent != c.bent || bent && b.Threshold() != c.threshold {
				t.Errorf("%s, seed %d: bent %v, %+v", name, seed, bent, b)
			}
		}
	}
	for _, n := range []int{0, 1, 5, 60} {
		if _, bent := Bent(make([]float64, n), make([]float64, n)); bent {
			t.Errorf("%d samples of 0 are bent", n)
		}
	}
}
