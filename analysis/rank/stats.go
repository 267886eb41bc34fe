package rank

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// quantile returns the q-quantile of a by linear interpolation (Hyndman and
// Fan's type 7, numpy's default). It reorders a and panics if a is empty.
// Selection instead of sorting: the ranking asks for some hundred thousand
// medians of short windows.
func quantile(a []float64, q float64) float64 {
	pos := q * float64(len(a)-1)
	k := int(pos)
	lo := selectKth(a, k)
	frac := pos - float64(k)
	if frac == 0 || k+1 == len(a) {
		return lo
	}
	hi := floats.Min(a[k+1:])
	return lo + (hi-lo)*frac
}

// median returns the middle of a, of an even number the mean of both middles.
// It reorders a.
func median(a []float64) float64 { return quantile(a, 0.5) }

// medianOf returns the median of a and leaves a alone; buf is scratch.
func medianOf(a []float64, buf *[]float64) float64 {
	*buf = append((*buf)[:0], a...)
	return median(*buf)
}

// medianAbs returns the median of |a|; buf is scratch.
func medianAbs(a []float64, buf *[]float64) float64 {
	*buf = appendAbs((*buf)[:0], a, 0)
	return median(*buf)
}

// appendAbs appends |v-centre| for each v of a to dst.
func appendAbs(dst, a []float64, centre float64) []float64 {
	for _, v := range a {
		dst = append(dst, math.Abs(v-centre))
	}
	return dst
}

// selectKth reorders a so that a[k] is what it would be if a were sorted, no
// smaller value follows it and no larger one stands before it (Hoare's FIND
// with the median of three). a holds no NaN.
func selectKth(a []float64, k int) float64 {
	for lo, hi := 0, len(a)-1; lo < hi; {
		if hi-lo < 12 {
			insertionSort(a[lo : hi+1])
			break
		}
		p := medianOfThree(a[lo], a[(lo+hi)/2], a[hi])
		i, j := lo, hi
		for i <= j {
			for a[i] < p {
				i++
			}
			for a[j] > p {
				j--
			}
			if i <= j {
				a[i], a[j] = a[j], a[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return a[k]
		}
	}
	return a[k]
}

func insertionSort(a []float64) {
	for i := 1; i < len(a); i++ {
		v, j := a[i], i
		for ; j > 0 && a[j-1] > v; j-- {
			a[j] = a[j-1]
		}
		a[j] = v
	}
}

func medianOfThree(a, b, c float64) float64 {
	return max(min(a, b), min(max(a, b), c))
}

// moments returns mean and population standard deviation of a.
func moments(a []float64) (mean, sd float64) {
	mean = floats.Sum(a) / float64(len(a))
	var ss float64
	for _, v := range a {
		ss += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(ss / float64(len(a)))
}

func maxAbs(a []float64) float64 {
	var m float64
	for _, v := range a {
		m = max(m, math.Abs(v))
	}
	return m
}

// standardise writes (a-mean)/sd to dst, or 0 if a does not vary: a standard
// deviation below 1e-12 of the size of a is rounding.
func standardise(dst, a []float64) {
	mean, sd := moments(a)
	if sd <= 1e-12*(1+maxAbs(a)) {
		clear(dst)
		return
	}
	for i, v := range a {
		dst[i] = (v - mean) / sd
	}
}

// correlation returns Pearson's r of x and y, 0 when either is constant.
func correlation(x, y []float64) float64 {
	mx, sx := moments(x)
	my, sy := moments(y)
	if sx <= 1e-12*(1+maxAbs(x)) || sy <= 1e-12*(1+maxAbs(y)) {
		return 0
	}
	var s float64
	for i := range x {
		s += (x[i] - mx) * (y[i] - my)
	}
	return s / float64(len(x)) / (sx * sy)
}

// lasting returns the largest value that two rows in a row both reach. One
// sample alone is noise, and the statistic hardly depends on the number of
// rows. One row is its own value; abs are of |a-centre|.
func lasting(a []float64, centre float64) float64 {
	last := math.Abs(a[0] - centre)
	if len(a) == 1 {
		return last
	}
	var m float64
	for _, v := range a[1:] {
		u := math.Abs(v - centre)
		m = max(m, min(u, last))
		last = u
	}
	return m
}

// decreasing returns the indices 0..n-1 ordered by descending score; ties keep
// the smaller index first.
func decreasing(score []float64) []int {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	sortStable(order, func(i int) float64 { return score[i] })
	return order
}
