// SPDX-License-Identifier: Apache-2.0

// Package order computes order statistics: the k-th smallest of some values,
// their median and their quantiles.
//
// It selects instead of sorting (C. A. R. Hoare: Algorithm 65, FIND.
// Communications of the ACM 4(7), 1961, pp. 321-322), as the methods ask for
// hundreds of thousands of medians of short windows. All functions panic if
// there are no values. NaN cannot be ordered: if a value is NaN, the result is
// undefined.
package order

import (
	"math"
	"slices"
)

// Median returns the median of x, for an even number of values the mean of both middle ones. It
// does not modify x.
func Median(x []float64) float64 { return MedianInPlace(slices.Clone(x)) }

// MedianInPlace is [Median] without allocation; it reorders s.
func MedianInPlace(s []float64) float64 {
	h := len(s) / 2
	upper := Select(s, h)
	if len(s)%2 == 1 {
		return upper
	}
	return largest(s[:h])/2 + upper/2 // halves first: the sum may be too large
}

// Quantile returns the q-quantile of s, 0 ≤ q ≤ 1, by linear interpolation (Hyndman and Fan's
// type 7, numpy's default). It reorders s.
func Quantile(s []float64, q float64) float64 {
	v, _ := at(s, q*float64(len(s)-1))
	return v
}

// at returns the value at a fractional position of the order, interpolated, and the values up
// to it. It reorders s.
func at(s []float64, pos float64) (v float64, upTo []float64) {
	k := int(pos)
	v, share := Select(s, k), pos-float64(k)
	if share > 0 {
		v = (1-share)*v + share*smallest(s[k+1:])
	}
	return v, s[:k+1]
}

// Quartiles returns the quantiles ¼, ½ and ¾ of s, searching for each below the one before. It
// reorders s.
func Quartiles(s []float64) (lower, middle, upper float64) {
	if len(s) < 3 { // the middle of two needs both
		return Quantile(s, 0.25), Quantile(s, 0.5), Quantile(s, 0.75)
	}
	last := float64(len(s) - 1)
	upper, s = at(s, 0.75*last)
	middle, s = at(s, 0.5*last)
	lower, _ = at(s, 0.25*last)
	return lower, middle, upper
}

// largest is slices.Max without NaN, in a third of the time.
func largest(s []float64) float64 {
	top := s[0]
	for _, v := range s[1:] {
		if v > top {
			top = v
		}
	}
	return top
}

// smallest is slices.Min without NaN.
func smallest(s []float64) float64 {
	least := s[0]
	for _, v := range s[1:] {
		if v < least {
			least = v
		}
	}
	return least
}

// few is the number of values up to which sorting is faster than selecting.
const few = 12

// Select puts the k-th smallest value of s, counted from 0, at s[k], with
// nothing greater before it and nothing smaller behind it, and returns it.
//
// The pivot is the median of three. If that doesn't shrink the range in 64 rounds, the rest is
// sorted, so the worst case is that of sorting.
func Select(s []float64, k int) float64 {
	for range 64 {
		if len(s) <= few {
			insert(s)
			return s[k]
		}
		pivot := middleOf(s[0], s[len(s)/2], s[len(s)-1])
		less := below(s, pivot)
		if k < less {
			s = s[:less]
			continue
		}
		s, k = s[less:], k-less
		if less > len(s)/8 {
			continue
		}
		equal := notAbove(s, pivot) // often many: otherwise they would be removed one by one
		if k < equal {
			return pivot
		}
		s, k = s[equal:], k-equal
	}
	slices.Sort(s)
	return s[k]
}

func middleOf(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

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

// below moves the values smaller than the pivot to the front and returns their number.
//
// It is Lomuto's partition without branches. It moves more than Hoare's, but a mispredicted
// branch, every second one on random values, costs more than ten moves.
func below(s []float64, pivot float64) int {
	n := 0
	for i, v := range s {
		s[i], s[n] = s[n], v
		one := 0
		if v < pivot {
			one = 1
		}
		n += one
	}
	return n
}

// notAbove is [below] including values equal to the pivot.
func notAbove(s []float64, pivot float64) int {
	n := 0
	for i, v := range s {
		s[i], s[n] = s[n], v
		one := 0
		if v <= pivot {
			one = 1
		}
		n += one
	}
	return n
}

// RobustSD returns the standard deviation of x estimated from its median absolute deviation,
// 1.4826·MAD: exact for normal values, and robust to outliers. It does not modify x; a single
// value gives 0.
func RobustSD(x []float64) float64 {
	s := slices.Clone(x)
	centre := MedianInPlace(s)
	for i, v := range s {
		s[i] = math.Abs(v - centre)
	}
	return NormalMAD * MedianInPlace(s)
}

// NormalMAD converts the median absolute deviation of normal values to their standard
// deviation: 1 / Φ⁻¹(3/4).
const NormalMAD = 1.4826
