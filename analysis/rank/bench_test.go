// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// system makes n series of the given length: a tenth follow the same slow load, all have noise,
// and the first two jump with the KPI at the onset.
func system(n, rows, onset int, seed uint64) Input {
	rng := rand.New(rand.NewPCG(seed, 1))
	load := make([]float64, rows)
	for i := 1; i < rows; i++ {
		load[i] = 0.95*load[i-1] + rng.NormFloat64()
	}
	in := Input{Onset: onset, KPI: Series{Kind: Latency, Values: make([]float64, rows)}}
	for i := range rows {
		in.KPI.Values[i] = 100 + load[i] + rng.NormFloat64()
		if i >= onset {
			in.KPI.Values[i] += 50
		}
	}
	for j := range n {
		s := Series{Service: j / 8, Kind: Metric(1 + j%7), Values: make([]float64, rows)}
		for i := range s.Values {
			s.Values[i] = 50 + rng.NormFloat64()
			if j%10 == 3 {
				s.Values[i] += load[i]
			}
			if j < 2 && i >= onset {
				s.Values[i] += 30
			}
		}
		in.Series = append(in.Series, s)
	}
	return in
}

func BenchmarkRank(b *testing.B) {
	for _, series := range []int{200, 600, 5000} {
		for _, graph := range []bool{false, true} {
			b.Run(fmt.Sprintf("series=%d/rows=600/residual=%v", series, graph), func(b *testing.B) {
				in := system(series, 600, 570, 1)
				b.ReportAllocs()
				for b.Loop() {
					Rank(in, Options{NoResidual: !graph})
				}
			})
		}
	}
}
