// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"testing"
)

// integrate is the integral of exp(-d l) l^power / (1+l) over l > 0, by
// Simpson's rule in log l.
func integrate(d, power float64) float64 {
	const steps = 40000
	lo, hi := math.Log(1e-14), math.Log(800/d)
	h := (hi - lo) / steps
	f := func(u float64) float64 {
		l := math.Exp(u)
		return math.Exp(-d*l) * math.Pow(l, power) / (1 + l) * l
	}
	sum := f(lo) + f(hi)
	for i := 1; i < steps; i++ {
		sum += f(lo+h*float64(i)) * float64(2+2*(i%2))
	}
	return sum * h / 3
}

func TestMomentsAreThoseOfTheDensity(t *testing.T) {
	for _, d := range []float64{.01, .3, 1, 1.99, 2.01, 7, 30} {
		m := moments(d)
		h := integrate(d, 0)
		for name, v := range map[string][2]float64{
			"normalisation": {math.Exp(m.logH), h},
			"mean":          {m.mean, integrate(d, 1) / h},
			"mean root":     {m.root, integrate(d, .5) / h},
			"variance":      {m.variance, integrate(d, 2)/h - math.Pow(integrate(d, 1)/h, 2)},
		} {
			if math.Abs(v[0]/v[1]-1) > 1e-5 {
				t.Errorf("d = %g: %s is %g, the integral %g", d, name, v[0], v[1])
			}
		}
	}
}

// The two methods of evaluation agree at d = 2.
func TestMomentsAreContinuous(t *testing.T) {
	for _, d := range []float64{2, 10} {
		a, b := moments(d*(1-1e-12)), moments(d*(1+1e-12))
		for k, v := range [][2]float64{{a.logH, b.logH}, {a.mean, b.mean}, {a.root, b.root}, {a.ratio, b.ratio}, {a.variance, b.variance}} {
			if math.Abs(v[0]/v[1]-1) > 1e-10 {
				t.Errorf("moment %d jumps at %g from %g to %g", k, d, v[0], v[1])
			}
		}
	}
}

// The natural gradient relies on these derivatives.
func TestMomentDerivatives(t *testing.T) {
	for _, d := range []float64{.05, .7, 3, 40} {
		h := 1e-5 * d
		lo, mid, hi := moments(d-h), moments(d), moments(d+h)
		dMean, dRoot := (hi.mean-lo.mean)/(2*h), (hi.root-lo.root)/(2*h)
		if math.Abs(-dMean/mid.variance-1) > 1e-6 {
			t.Errorf("d = %g: slope of the mean %g, variance %g", d, dMean, mid.variance)
		}
		if math.Abs(dRoot/dMean/mid.ratio-1) > 1e-6 {
			t.Errorf("d = %g: ratio of slopes %g, want %g", d, mid.ratio, dRoot/dMean)
		}
	}
}

func TestMomentsStayInRange(t *testing.T) {
	for e := -12; e <= 12; e++ {
		m := moments(math.Pow(10, float64(e)))
		for k, v := range []float64{m.mean, m.root, m.variance, m.invH} {
			if !(v > 0) || math.IsInf(v, 0) {
				t.Errorf("d = 1e%d: moment %d is %g", e, k, v)
			}
		}
		if m.mean < m.root*m.root {
			t.Errorf("d = 1e%d: the variance of the root is %g", e, m.mean-m.root*m.root)
		}
	}
}

func BenchmarkMoments(b *testing.B) {
	for _, d := range []float64{.5, 5, 500} {
		b.Run("", func(b *testing.B) {
			for b.Loop() {
				moments(d)
			}
		})
	}
}
