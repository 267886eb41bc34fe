// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
)

// The sum of two causes explains more than either of them, so a forward path starts with it;
// exchange must remove it.
func TestExchangeReplacesSumByItsParts(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 1))
		x := [][]float64{nil, wave(rng, 60), wave(rng, 60), wave(rng, 60), wave(rng, 60)}
		sum := mixed(1, x[1], 1, x[2])
		x[0] = mixed(1, sum, .4, wave(rng, 60))
		d, _, _ := prepare(x, mixed(1, sum, .2, wave(rng, 60)), settings{})
		e := newEBIC(d, make([]float64, 5), 5)
		p := &path{columns: []int{0, 1, 2, 3, 4}}
		e.start(p)
		if p.step(5); p.chosen[0] != 0 {
			t.Fatalf("seed %d: the path begins with %d", seed, p.chosen[0])
		}
		got := e.improve([]int{0, 1})
		if slices.Contains(got, 0) || !slices.Contains(got, 1) || !slices.Contains(got, 2) {
			t.Errorf("seed %d: exchange ends with %v, want the two causes and not their sum", seed, got)
		}
	}
}

func TestExchangeNeverRaisesTheCriterion(t *testing.T) {
	d, _ := problem(40, 12, 0)
	e := newEBIC(d, make([]float64, 12), 12)
	value := func(s []int) float64 { return e.criterion(s, d.basisOf(s).rss()) }
	for _, s := range [][]int{nil, {3}, {1, 2}, {0, 5, 7, 9}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}} {
		got := e.improve(s)
		if value(got) > value(s)+1e-9 {
			t.Errorf("from %v to %v the criterion rises from %g to %g", s, got, value(s), value(got))
		}
		if again := e.improve(got); !slices.Equal(again, got) {
			t.Errorf("%v is improved to %v a second time", got, again)
		}
	}
}

func TestBestColumnIsThatOfARegression(t *testing.T) {
	d, _ := problem(30, 10, 0)
	e := newEBIC(d, make([]float64, 10), 10)
	for _, s := range [][]int{nil, {4}, {0, 3, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 8}} {
		want, least := -1, math.Inf(1)
		for j := range d.p {
			if slices.Contains(s, j) {
				continue
			}
			if rss := d.basisOf(append(slices.Clone(s), j)).rss(); rss < least {
				want, least = j, rss
			}
		}
		got, rss := e.bestColumn(d.basisOf(s), s)
		if got != want || math.Abs(rss-least) > 1e-9*floats.Dot(d.t, d.t) {
			t.Errorf("beside %v: column %d leaves %g, want %d and %g", s, got, rss, want, least)
		}
	}
	copy(d.column(9), d.column(2))
	if got, _ := e.bestColumn(d.basisOf([]int{0, 1, 2, 3, 4, 5, 6, 7, 8}), []int{0, 1, 2, 3, 4, 5, 6, 7, 8}); got != -1 {
		t.Errorf("a copy of a column counts as another one")
	}
}
