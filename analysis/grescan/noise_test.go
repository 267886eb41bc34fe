// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/culprit-dev/culprit/analysis/order"
)

func TestNoiseOfKnownDistribution(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, want := range []Noise{{Phi: 1, Kappa: 0.1}, {Phi: 4, Kappa: 0.01}, {Phi: 1, Kappa: 0.3}} {
		n := 40000
		f, v := make([]float64, n), make([]float64, n)
		for i := range f {
			f[i] = math.Exp(2 + 8*rng.Float64())
			v[i] = f[i] + rng.NormFloat64()*math.Sqrt(want.variance(f[i]))
		}
		got, _ := FitNoise(f, v, false)
		if math.Abs(got.Kappa-want.Kappa) > 0.1*want.Kappa+0.005 || math.Abs(got.Phi-want.Phi) > 0.4*want.Phi+1 {
			t.Errorf("fit %+v of %+v", got, want)
		}
	}
}

func TestNoiseIsBlindToAFault(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	n := 4000
	f, v, w := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range f {
		f[i] = 1000 * rng.ExpFloat64()
		v[i] = f[i] * (1 + 0.05*rng.NormFloat64())
		w[i] = v[i]
		if i%5 == 0 {
			w[i] *= 10
		}
	}
	clean, _ := FitNoise(f, v, false)
	faulty, _ := FitNoise(f, w, false)
	if faulty.Kappa > 1.5*clean.Kappa {
		t.Errorf("kappa %v with a fault in a fifth of the leaves, %v without", faulty.Kappa, clean.Kappa)
	}
}

// Values of numpy's lstsq over the same bins, by an independent program.
func TestNoiseAgainstAnotherImplementation(t *testing.T) {
	n := 60
	f, v := make([]float64, n), make([]float64, n)
	for i := range f {
		x := float64(i)
		f[i] = 3 + x*x/4
		v[i] = f[i]*(1+0.07*math.Sin(5*x)) + 1.5*math.Sqrt(f[i])*math.Cos(3*x)
	}
	got, median := FitNoise(f, v, false)
	if want := order.Median(f); median != want {
		t.Errorf("median %v, want %v", median, want)
	}
	want := Noise{Phi: 1.9416569669824468, Kappa: 0.01}
	if math.Abs(got.Phi-want.Phi) > 1e-9*want.Phi || math.Abs(got.Kappa-want.Kappa) > 1e-9 {
		t.Errorf("fit %+v, want %+v", got, want)
	}
}

func TestNoiseBounds(t *testing.T) {
	few, _ := FitNoise([]float64{1, 2, 3}, []float64{9, 9, 9}, false)
	if few != (Noise{Phi: 1, Kappa: minKappa}) {
		t.Errorf("of three leaves: %+v", few)
	}
	same := slices.Repeat([]float64{5}, 100)
	exact, _ := FitNoise(same, same, false)
	if exact.Kappa != minKappa || math.Abs(exact.Phi-minPhi*5) > 1e-18 {
		t.Errorf("of an exact forecast: %+v", exact)
	}
	if count, _ := FitNoise(same, same, true); count.Phi != 1 {
		t.Errorf("of counts: %+v", count)
	}
}
