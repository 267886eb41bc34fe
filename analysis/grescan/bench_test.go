// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkScan scans full tables with a fault in two labels on one worker; the cost is linear
// in the number of leaves.
func BenchmarkScan(b *testing.B) {
	for _, cards := range [][]int{
		{8, 5, 4, 4}, // 640
		{10, 10, 10, 10},
		{6, 36, 10, 10},
		{10, 12, 10, 8, 5},
		{10, 5, 50, 8, 6},
		{10, 5, 250, 8, 6},
	} {
		codes, f, v := fullTable(cards, 7)
		b.Run(fmt.Sprintf("leaves=%d/labels=%d", len(f), len(cards)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Scan(codes, cards, f, v, Options{Workers: 1}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(f)), "ns/leaf")
		})
	}
}

// BenchmarkSparseScan scans eight labels with few of their combinations.
func BenchmarkSparseScan(b *testing.B) {
	cards := []int{300, 200, 40, 20, 10, 8, 5, 4}
	for _, n := range []int{2000, 20000, 200000} {
		codes, f, v := sparseTable(cards, n, 9)
		b.Run(fmt.Sprintf("leaves=%d/labels=8", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Scan(codes, cards, f, v, Options{Workers: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fullTable draws a table that has every combination; the first value of the
// first two labels triples.
func fullTable(cards []int, seed uint64) (codes [][]int32, f, v []float64) {
	n := 1
	for _, c := range cards {
		n *= c
	}
	codes = make([][]int32, len(cards))
	for d := range codes {
		codes[d] = make([]int32, n)
	}
	for i := range n {
		k := i
		for d := len(cards) - 1; d >= 0; d-- {
			codes[d][i] = int32(k % cards[d])
			k /= cards[d]
		}
	}
	f, v = fault(codes, n, seed)
	return codes, f, v
}

// sparseTable draws n of the combinations, with the same fault.
func sparseTable(cards []int, n int, seed uint64) (codes [][]int32, f, v []float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	codes = make([][]int32, len(cards))
	for d := range codes {
		codes[d] = make([]int32, n)
		for i := range codes[d] {
			codes[d][i] = int32(float64(cards[d]) * rng.Float64() * rng.Float64())
		}
	}
	f, v = fault(codes, n, seed)
	return codes, f, v
}

// fault draws values with 5 % noise, and triples those with the first value of the first two
// labels.
func fault(codes [][]int32, n int, seed uint64) (f, v []float64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	f, v = make([]float64, n), make([]float64, n)
	for i := range n {
		f[i] = 100 * rng.ExpFloat64()
		v[i] = f[i] * max(0, 1+0.05*rng.NormFloat64())
		if codes[0][i] == 0 && codes[1][i] == 0 {
			v[i] *= 3
		}
	}
	return f, v
}
