// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	maxMissing  = 0.2  // share of missing samples above which a column is dropped
	maxCarry    = 3    // gap over which a value is carried forward, in samples
	slowSeries  = 0.95 // lag-1 autocorrelation above which a series is nearly a random walk
	flatVariety = 1e-12
)

// finite reports whether v is a sample.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// fill returns x without gaps: the last value is carried forward over up to three missing
// samples, and the median fills the rest. It returns nil if more than a fifth is missing.
func fill(x []float64) []float64 {
	present := slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return !finite(v) })
	if len(present) == 0 || float64(len(x)-len(present)) > maxMissing*float64(len(x)) {
		return nil
	}
	slices.Sort(present)
	middle := present[len(present)/2]
	full := make([]float64, len(x))
	age := maxCarry + 1
	for i, v := range x {
		if age++; finite(v) {
			full[i], age = v, 0
			continue
		}
		full[i] = middle
		if i > 0 && age <= maxCarry {
			full[i] = full[i-1]
		}
	}
	return full
}

// constant reports whether x varies by no more than rounding.
func constant(x []float64) bool {
	lo, hi := slices.Min(x), slices.Max(x)
	return hi-lo <= flatVariety*(1+max(math.Abs(lo), math.Abs(hi)))
}

// normalScores returns Φ⁻¹((rank-½)/n) of each value, with the mean rank for equal values.
// Correlations of normal scores capture monotone relations and are robust to spikes.
func normalScores(x []float64) []float64 {
	n := len(x)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	score := make([]float64, n)
	for from := 0; from < n; {
		to := from + 1
		for to < n && x[order[to]] == x[order[from]] {
			to++
		}
		rank := float64(from+1+to) / 2
		for _, i := range order[from:to] {
			score[i] = distuv.UnitNormal.Quantile((rank - 0.5) / float64(n))
		}
		from = to
	}
	return score
}

// differences returns x(t)-x(t-1).
func differences(x []float64) []float64 {
	d := make([]float64, max(0, len(x)-1))
	for i := range d {
		d[i] = x[i+1] - x[i]
	}
	return d
}

// unit returns x with mean 0 and square sum 1, so that a dot product of two is their
// correlation; all 0 if x is constant. Values are scaled to size 1 first, because squares of
// extreme values would overflow.
func unit(x []float64) []float64 {
	u := make([]float64, len(x))
	if len(x) == 0 || constant(x) {
		return u
	}
	size := max(math.Abs(slices.Min(x)), math.Abs(slices.Max(x)))
	var mean, ss float64
	for i, v := range x {
		u[i] = v / size
		mean += u[i] / float64(len(x))
	}
	for i := range u {
		u[i] -= mean
		ss += u[i] * u[i]
	}
	for i := range u {
		u[i] /= math.Sqrt(ss)
	}
	return u
}

// dot is the scalar product, summed in the order of the rows for reproducible bits.
func dot(a, b []float64) float64 {
	var s float64
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// autocorrelation returns the autocorrelations of a unit column up to lag
// lags; index 0 is lag 1.
func autocorrelation(u []float64, lags int) []float64 {
	rho := make([]float64, lags)
	for l := range rho {
		rho[l] = dot(u[l+1:], u[:len(u)-l-1])
	}
	return rho
}

// mostlySlow reports whether most columns are nearly random walks, whose levels correlate even
// if unrelated.
func mostlySlow(cols [][]float64) bool {
	var slow int
	for _, c := range cols {
		if u := unit(c); len(u) > 2 && dot(u[1:], u[:len(u)-1]) > slowSeries {
			slow++
		}
	}
	return 2*slow > len(cols)
}

// effectiveSizes returns, for each pair of unit columns, the effective number of independent
// samples for their correlation (Bartlett, 1946):
//
//	n / (1 + 2 Σ (1-l/n) ρx(l) ρy(l)),  l ≤ min(n/4, 10·log10 n)
//
// kept between 10 and n.
func effectiveSizes(units [][]float64, n int) *pairs {
	lags := int(min(float64(n)/4, 10*math.Log10(float64(max(n, 1)))))
	rho := make([][]float64, len(units))
	for i, u := range units {
		rho[i] = autocorrelation(u, lags)
	}
	sizes := newPairs(len(units))
	for i := range units {
		for j := range i {
			sum := 1.0
			for l := range lags {
				sum += 2 * (1 - float64(l+1)/float64(n)) * rho[i][l] * rho[j][l]
			}
			size := float64(n)
			if sum > 1 {
				size = min(size, max(10, size/sum))
			}
			sizes.SetSym(i, j, size)
		}
	}
	return sizes
}
