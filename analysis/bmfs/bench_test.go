// SPDX-License-Identifier: Apache-2.0

package bmfs_test

import (
	"fmt"
	"testing"

	"github.com/culprit-dev/culprit/analysis/bmfs"
	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

func BenchmarkFit(b *testing.B) {
	for _, c := range []struct{ n, p int }{{60, 100}, {600, 200}, {100, 1000}, {360, 500}, {360, 2000}, {360, 4000}, {360, 8000}} {
		b.Run(fmt.Sprintf("n=%d/p=%d", c.n, c.p), func(b *testing.B) {
			p := blocks(1, c.n, c.p, 0)
			b.ReportAllocs()
			for b.Loop() {
				bmfs.Fit(p.X, p.Y, bmfs.Options{})
			}
		})
	}
}

func BenchmarkFitMissing(b *testing.B) {
	for _, missing := range []float64{.1, .5} {
		b.Run(fmt.Sprintf("share=%g", missing), func(b *testing.B) {
			p := blocks(1, 120, 200, missing)
			for b.Loop() {
				bmfs.Fit(p.X, p.Y, bmfs.Options{})
			}
		})
	}
}

func BenchmarkFitPaper(b *testing.B) {
	p := synth.Published{N: 100, P: 200, Blocks: 80}.Problem(synth.Rand(1))
	for b.Loop() {
		bmfs.Fit(p.X, p.Y, bmfs.Options{Preset: bmfs.Paper})
	}
}

func BenchmarkRidge(b *testing.B) {
	for _, c := range []struct{ n, p int }{{61, 100}, {360, 2000}} {
		b.Run(fmt.Sprintf("n=%d/p=%d", c.n, c.p), func(b *testing.B) {
			p := blocks(1, c.n, c.p, 0)
			for b.Loop() {
				bmfs.Ridge(p.X, p.Y, bmfs.Options{})
			}
		})
	}
}
