// SPDX-License-Identifier: Apache-2.0

// Package order computes order statistics: the k-th smallest of some values,
// their median and their quantiles.
//
// It selects instead of sorting (C. A. R. Hoare: Algorithm 65, FIND.
// Communications of the ACM 4(7), 1961, pp. 321-322), as the methods ask for
// hundreds of thousands of medians of short windows. All functions panic if
// there are no values; NaN has no place in an order, so that with one of them
// the result means nothing.
package order

import (
	"math"
	"slices"
)

// Median returns the middle of x, of an even number of values the mean of both
// middles. It leaves x alone.
func Median(x []float64) float64 { return MedianInPlace(slices.Clone(x)) }

// MedianInPlace is [Median] for callers that don't need the order of s: it
// changes that and allocates nothing.
func MedianInPlace(s []float64) float64 {
	h := len(s) / 2
	upper := Select(s, h)
	if len(s)%2 == 1 {
		return upper
	}
	return slices.Max(s[:h])/2 + upper/2 // halves first: the sum may be too large
}

// Quantile returns the q-quantile of s, 0 ≤ q ≤ 1, by linear interpolation
// (Hyndman and Fan's type 7, numpy's default). It changes the order of s.
func Quantile(s []float64, q float64) float64 {
	pos := q * float64(len(s)-1)
	k := int(pos)
	lower, share := Select(s, k), pos-float64(k)
	if share == 0 {
		return lower
	}
	return (1-share)*lower + share*slices.Min(s[k+1:])
}

// few is how many values are sorted sooner than selected from.
const few = 12

// Select puts the k-th smallest value of s, counted from 0, at s[k], with
// nothing greater before it and nothing smaller behind it, and returns it.
//
// The pivot is the median of three. Where that doesn't shrink the range in 64
// rounds the rest is sorted, so that the worst case is that of sorting.
func Select(s []float64, k int) float64 {
	lo, hi := 0, len(s)-1
	for range 64 {
		if hi-lo < few {
			insert(s[lo : hi+1])
			return s[k]
		}
		i, j := partition(s, lo, hi)
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return s[k]
		}
	}
	slices.Sort(s[lo : hi+1])
	return s[k]
}

// insert sorts a few values by insertion.
func insert(s []float64) {
	for i := 1; i < len(s); i++ {
		x, k := s[i], i
		for ; k > 0 && s[k-1] > x; k-- {
			s[k] = s[k-1]
		}
		s[k] = x
	}
}

// partition reorders s[lo:hi+1] around a pivot: s[lo:j+1] is not greater than
// it, s[i:hi+1] not smaller, and what lies between equals it.
func partition(s []float64, lo, hi int) (i, j int) {
	a, b, c := s[lo], s[lo+(hi-lo)/2], s[hi]
	pivot := max(min(a, b), min(max(a, b), c))
	i, j = lo, hi
	for i <= j {
		for s[i] < pivot {
			i++
		}
		for s[j] > pivot {
			j--
		}
		if i <= j {
			s[i], s[j] = s[j], s[i]
			i++
			j--
		}
	}
	return i, j
}

// RobustSD returns the standard deviation of x as its median absolute deviation
// from the median tells it, 1.4826·MAD: exact for normal values, and not moved
// by a few that are far off. It leaves x alone; one value deviates by 0.
func RobustSD(x []float64) float64 {
	s := slices.Clone(x)
	centre := MedianInPlace(s)
	for i, v := range s {
		s[i] = math.Abs(v - centre)
	}
	return NormalMAD * MedianInPlace(s)
}

// NormalMAD turns the median absolute deviation of normal values into their
// standard deviation: 1 / Φ⁻¹(3/4).
const NormalMAD = 1.4826
