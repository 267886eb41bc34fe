// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// model draws n rows of p variables: each has about two earlier ones as parents, and all share
// a slow drift.
func model(p, n int, seed uint64) [][]float64 {
	rng := rand.New(rand.NewPCG(seed, 7))
	x := make([][]float64, p)
	for j := range x {
		x[j] = make([]float64, n)
		a, b := rng.IntN(j+1), rng.IntN(j+1)
		for i := range x[j] {
			x[j][i] = rng.NormFloat64()
			for _, u := range []int{a, b} {
				if u != j {
					x[j][i] += 0.6 * x[u][i]
				}
			}
		}
	}
	return x
}

func BenchmarkPC(b *testing.B) {
	for _, p := range []int{10, 26, 40, 60, 100} {
		b.Run(fmt.Sprintf("nodes=%d/rows=300", p), func(b *testing.B) {
			x := model(p, 300, 1)
			b.ReportAllocs()
			var g *Network
			for b.Loop() {
				g = Learn(x, SeriesOptions{MaxNodes: p, Options: Options{Workers: 1}})
			}
			b.ReportMetric(float64(g.Tests), "tests")
			b.ReportMetric(float64(len(g.Edges)), "edges")
		})
	}
}
