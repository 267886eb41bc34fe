// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"math"
	"testing"
)

// The numbers of this file come from an independent program of the same method
// in Python with numpy (least squares by numpy.linalg.lstsq, sums by bincount).

// waves is a full table of three labels without randomness: forecasts of 30 + 25 sin 0.7i +
// i/2, errors of 3 % as another sine, the second value of the first label ×1.9, and one
// combination of the other two ×1.5.
func waves(cards []int, count bool) (codes [][]int32, f, v []float64) {
	codes, _, _ = fullTable(cards, 1)
	n := len(codes[0])
	f, v = make([]float64, n), make([]float64, n)
	for i := range n {
		x := float64(i)
		f[i] = 30 + 25*math.Sin(0.7*x) + 0.5*x
		v[i] = f[i] * (1 + 0.03*math.Sin(3.1*x))
		if codes[0][i] == 1 {
			v[i] *= 1.9
		}
		if codes[1][i] == 2 && codes[2][i] == 3 {
			v[i] *= 1.5
		}
		if count {
			v[i] = math.Floor(v[i])
		}
	}
	return codes, f, v
}

func TestScoresAgainstAnotherImplementation(t *testing.T) {
	type numbers struct {
		score, ratio, r2, share float64
		leaves                  int
	}
	for _, c := range []struct {
		cards         []int
		opt           Options
		noise         Noise
		first, second numbers // [0]=1, and [1 2]=[2 3]
	}{
		{
			[]int{4, 5, 6},
			Options{},
			Noise{0.007185432615012509, 0.02497530763253394},
			numbers{7557.8017082685765, 1.8689128456335258, 0.9881192135504638, 0.9492188059719201, 30},
			numbers{268.0370653446132, 1.454961371530951, 0.9981363254241309, 0.05058402934955727, 3},
		},
		{
			[]int{4, 5, 6},
			Options{Count: true},
			Noise{1, 0.03210973469496593},
			numbers{420.5371353557066, 1.913600963209879, 0.9988117509550788, 0.9733869350497407, 30},
			numbers{13.07116085605018, 1.4687100815287226, 0.9624724681048527, 0.05089167990410659, 3},
		},
		{
			[]int{6, 4, 8},
			Options{Deep: true},
			Noise{0.0022479619638876786, 0.02412346979137822},
			numbers{9211.283497978202, 1.8488217381589924, 0.9900290054028346, 0.8698519102145256, 32},
			numbers{617.9724638202941, 1.4785210361297123, 0.9991912297136344, 0.12928134360225874, 5},
		},
		{
			[]int{3, 4, 5},
			Options{MaxLayer: 2},
			Noise{4.5683004688056275e-05, 0.038460891699473594},
			numbers{2520.647930408215, 1.883480768940021, 0.98698492798925, 0.9515403090537503, 20},
			numbers{108.96982216302933, 1.5032185299370442, 0.9954220884335696, 0.05022654402523576, 2},
		},
	} {
		codes, f, v := waves(c.cards, c.opt.Count)
		r := scan(t, codes, c.cards, f, v, c.opt)
		closeTo(t, "phi", r.Noise.Phi, c.noise.Phi)
		closeTo(t, "kappa", r.Noise.Kappa, c.noise.Kappa)
		if len(r.Causes) != 2 {
			t.Fatalf("%v: %d causes", c.cards, len(r.Causes))
		}
		checkCause(t, r.Causes[0], []int{0}, []int32{1})
		checkCause(t, r.Causes[1], []int{1, 2}, []int32{2, 3})
		for k, want := range []numbers{c.first, c.second} {
			got := r.Causes[k]
			closeTo(t, "score", got.Score, want.score)
			closeTo(t, "ratio", got.Ratio, want.ratio)
			closeTo(t, "homogeneity", got.R2, want.r2)
			closeTo(t, "share", got.Share, want.share)
			if got.Leaves != want.leaves || got.LowChance {
				t.Errorf("%+v", got)
			}
		}
	}
}

// closeTo allows a relative error of 1e-9.
func closeTo(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Errorf("%s: got %.15g, want %.15g", what, got, want)
	}
}
