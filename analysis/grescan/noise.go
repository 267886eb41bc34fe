// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// Bounds of the noise model.
const (
	minKappa   = 0.01 // relative noise: no forecast is better
	maxKappa   = 0.5  // nor worse, or nothing could be detected
	minPhi     = 1e-6 // relative to the median forecast
	minFit     = 8    // leaves below which nothing is fitted
	leavesABin = 12
	maxBins    = 12
)

// Noise is the noise model: a forecast x has the variance φx + (κx)². φ is the dispersion of
// counts (1: Poisson), κ the relative error of large values.
type Noise struct {
	Phi, Kappa float64
}

// variance returns the variance of a leaf with mean m.
func (n Noise) variance(m float64) float64 {
	k := n.Kappa * m
	return n.Phi*m + k*k
}

// FitNoise estimates the noise from the leaves themselves. They are put into up to twelve bins
// of equal size by forecast; each bin has a median forecast X and a robust variance Y, from the
// median of |actual − forecast|; φ and κ are the weighted least squares line Y/X = φ + κ²X.
// Medians make it robust to a fault in less than half of each bin.
//
// Leaves with equal forecasts share a bin, so that the order of rows does not matter. count
// says that the measure counts events: φ is at least 1.
//
// It also returns the median of the positive forecasts, a by-product; 0 if there are none.
func FitNoise(forecast, actual []float64, count bool) (law Noise, median float64) {
	f, r := residuals(forecast, actual)
	if len(f) < minFit {
		return Noise{Phi: 1, Kappa: minKappa}, medianOr(f, 0)
	}
	x, y, median := bins(f, r)
	phi, k2 := line(x, y)
	if phi < 0 {
		phi = 0
		k2 = medianOf(len(x), func(i int) float64 { return y[i] / x[i] })
	}
	if k2 < 0 {
		k2 = 0
		phi = medianOf(len(x), func(i int) float64 { return y[i] })
	}
	floor := 1.0
	if !count {
		floor = minPhi * median
	}
	return Noise{
		Phi:   max(phi, floor),
		Kappa: min(max(math.Sqrt(k2), minKappa), maxKappa),
	}, median
}

// medianOr returns the median of x, which it reorders, or none if x is empty.
func medianOr(x []float64, none float64) float64 {
	if len(x) == 0 {
		return none
	}
	return order.MedianInPlace(x)
}

// residuals returns the positive forecasts and their absolute errors.
func residuals(forecast, actual []float64) (f, r []float64) {
	f = make([]float64, 0, len(forecast))
	r = make([]float64, 0, len(forecast))
	for i, x := range forecast {
		if x > 0 {
			f = append(f, x)
			r = append(r, math.Abs(actual[i]-x))
		}
	}
	return f, r
}

// bins returns, for each nonempty bin, the median forecast x and the robust variance over
// forecast y, and the median of all forecasts.
func bins(f, r []float64) (x, y []float64, median float64) {
	n := len(f)
	last, median := boundaries(f, min(max(n/leavesABin, 2), maxBins))
	bin := make([]uint8, n)
	ends := make([]int, len(last)+1) // ends[b+1] is the end of bin b, once it is full
	for i, v := range f {
		b := 0
		for b < len(last)-1 && v > last[b] {
			b++
		}
		bin[i] = uint8(b)
		ends[b+1]++
	}
	for b := range last {
		ends[b+1] += ends[b]
	}
	next := slices.Clone(ends)
	sorted, errs := make([]float64, n), make([]float64, n)
	for i, b := range bin {
		sorted[next[b]], errs[next[b]] = f[i], r[i]
		next[b]++
	}
	for b := range last {
		from, to := ends[b], ends[b+1]
		if from == to {
			continue
		}
		centre := order.MedianInPlace(sorted[from:to])
		sd := order.NormalMAD * order.MedianInPlace(errs[from:to])
		x = append(x, centre)
		y = append(y, sd*sd/centre)
	}
	return x, y, median
}

// boundaries returns the greatest value of each of nb nearly equal parts of f, the longer parts
// first, and the median of f.
func boundaries(f []float64, nb int) (last []float64, median float64) {
	ranks := make([]int, nb)
	end := 0
	for b := range ranks {
		end += len(f) / nb
		if b < len(f)%nb {
			end++
		}
		ranks[b] = end - 1
	}
	s := slices.Clone(f)
	middle := []int{(len(s) - 1) / 2, len(s) / 2}
	all := slices.Concat(ranks, middle)
	slices.Sort(all)
	settle(s, slices.Compact(all), 0)
	return gather(s, ranks), s[middle[0]]/2 + s[middle[1]]/2
}

// settle partially sorts s so that the given ranks, ascending, have their values. s begins at
// rank from. It halves the ranks, so it looks at each value about log₂ of their number times.
func settle(s []float64, ranks []int, from int) {
	if len(ranks) == 0 {
		return
	}
	h := len(ranks) / 2
	k := ranks[h] - from
	order.Select(s, k)
	settle(s[:k], ranks[:h], from)
	settle(s[k+1:], ranks[h+1:], ranks[h]+1)
}

// line fits y = phi + k2·x by least squares, weighted by relative errors. No bin counts more
// than ten times the typical one.
func line(x, y []float64) (phi, k2 float64) {
	top := slices.Max(y)
	typical := medianOf(len(y), func(i int) float64 { return y[i] })
	var sw, sx, sy float64
	weights := make([]float64, len(x))
	for i := range x {
		w := 1 / max(y[i], 1e-9*max(top, 1e-30))
		w = min(w, 10/max(typical, 1e-100))
		weights[i] = w * w
		sw += weights[i]
		sx += weights[i] * x[i]
		sy += weights[i] * y[i]
	}
	mx, my := sx/sw, sy/sw
	var sxx, sxy float64
	for i := range x {
		sxx += weights[i] * (x[i] - mx) * (x[i] - mx)
		sxy += weights[i] * (x[i] - mx) * (y[i] - my)
	}
	if sxx <= 1e-12*sw*mx*mx {
		return my, 0
	}
	k2 = sxy / sxx
	return my - k2*mx, k2
}

// medianOf returns the median of f(0) … f(n−1).
func medianOf(n int, f func(int) float64) float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = f(i)
	}
	return order.MedianInPlace(s)
}
