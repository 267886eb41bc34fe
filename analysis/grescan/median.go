package grescan

import "slices"

// median of x; it is the mean of the middle two if there are two. x is not
// changed.
func median(x []float64) float64 {
	return medianInPlace(slices.Clone(x))
}

// medianInPlace is the median of s, which it reorders.
func medianInPlace(s []float64) float64 {
	h := len(s) / 2
	upper := kth(s, h)
	if len(s)%2 == 1 {
		return upper
	}
	return (slices.Max(s[:h]) + upper) / 2
}

// medianOf is the median of f(0) … f(n−1).
func medianOf(n int, f func(int) float64) float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = f(i)
	}
	return medianInPlace(s)
}

// kth puts the k-th smallest value of s at s[k], with nothing greater before
// it, and returns it. It is Hoare's selection with the median of three as
// pivot; a range that does not shrink is sorted instead, so that the worst
// case is that of sorting.
func kth(s []float64, k int) float64 {
	lo, hi := 0, len(s)-1
	for range 64 {
		if hi-lo < 16 {
			break
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
