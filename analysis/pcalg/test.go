// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	maxR    = 1 - 1e-7 // limit of the transform
	minRest = 1e-14    // smallest variance left by a condition, see partial
)

// FisherZ returns Fisher's z of a correlation r given k conditions, from n samples, and its
// two-sided p-value:
//
//	z = √(n-k-3) · ½ ln((1+r)/(1-r))
//
// n may be an effective size, and need not be whole. With n-k-3 ≤ 0 nothing can be rejected: z
// is 0 and p is 1.
func FisherZ(r, n float64, k int) (z, p float64) {
	df := n - float64(k) - 3
	if !(df > 0) {
		return 0, 1
	}
	z = math.Sqrt(df) * math.Atanh(min(max(r, -maxR), maxR))
	return z, math.Erfc(math.Abs(z) / math.Sqrt2)
}

// criticalR returns the largest |r| that FisherZ doesn't reject at level alpha: comparing
// correlations saves a logarithm per test.
func criticalR(alpha, n float64, k int) float64 {
	df := n - float64(k) - 3
	if !(df > 0) {
		return math.Inf(1)
	}
	c := math.Tanh(distuv.UnitNormal.Quantile(1-alpha/2) / math.Sqrt(df))
	if c >= maxR {
		return math.Inf(1)
	}
	return c
}

// matrix is a square matrix in row-major order, for the inner loop.
type matrix struct {
	p int
	a []float64
}

// newMatrix copies s: partial reads single entries millions of times, and a call through an
// interface costs more than the read.
func newMatrix(s mat.Symmetric) matrix {
	m := matrix{s.SymmetricDim(), make([]float64, s.SymmetricDim()*s.SymmetricDim())}
	for i := range m.p {
		for j := range m.p {
			m.a[i*m.p+j] = s.At(i, j)
		}
	}
	return m
}

func (m matrix) at(i, j int) float64 { return m.a[i*m.p+j] }

// partial returns the partial correlation of x and y given s, by the closed recursion, removing
// the last member of s first. It equals the value from the inverse correlation matrix of x, y
// and s, at a cost of 3^|s| instead of a factorisation. A variance 1-r² below 1e-14 (s
// determines x or y) counts as 1e-14, to avoid division by 0.
func (m matrix) partial(x, y int, s []int) float64 {
	if len(s) == 0 {
		return m.at(x, y)
	}
	last, rest := s[len(s)-1], s[:len(s)-1]
	a, b, c := m.partial(x, y, rest), m.partial(x, last, rest), m.partial(y, last, rest)
	return (a - b*c) / math.Sqrt(max(1-b*b, minRest)*max(1-c*c, minRest))
}
