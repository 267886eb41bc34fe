// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"fmt"
	"testing"
)

func FuzzFiniteInFiniteOut(f *testing.F) {
	f.Add(uint64(1), 0.0, 1e300, 1e-300, uint8(0))
	f.Add(uint64(2), 1e99, 3.0, 0.0, uint8(7))
	f.Fuzz(func(t *testing.T, seed uint64, a, b, c float64, how uint8) {
		in := ratioOf(seed, []int{3, 2, 2}, still, still)
		in.Forecast[0], in.Actual[1], in.Parts.ActualDen[2] = a, b, c
		if how&8 != 0 {
			in.Parts = nil
		}
		if r, err := Run(in, Options{Mode: Mode(how % 5), Count: how&16 != 0, Deep: how&32 != 0}); err == nil {
			checkFinite(t, r)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	for _, cards := range [][]int{{8, 5, 4, 4}, {6, 36, 10, 10}, {10, 12, 10, 8, 5}, {10, 5, 250, 8, 6}} {
		in := breakdown(22, cards, func(c []int32) float64 {
			if c[0] == 0 && c[1] == 0 {
				return 3
			}
			return 1
		})
		b.Run(fmt.Sprintf("leaves=%d/labels=%d", len(in.Forecast), len(cards)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Run(in, Options{Workers: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
