// SPDX-License-Identifier: Apache-2.0

package bmfs_test

import (
	"fmt"
	"testing"

	"github.com/culprit-dev/culprit/analysis/bmfs"
	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

// mean draws problems and returns the mean F1 of the features and blocks found with the default
// options.
func mean(seeds int, draw func(seed uint64) synth.Problem) (feature, block float64) {
	for seed := range seeds {
		p := draw(uint64(seed))
		r := bmfs.Fit(p.X, p.Y, bmfs.Options{})
		feature += synth.Features(p.Active, r.Selected).F1 / float64(seeds)
		block += synth.Groups(p.Group, p.Active, r.Selected).F1 / float64(seeds)
	}
	return feature, block
}

func TestPublishedRecipe(t *testing.T) {
	sizes := []int{20, 50, 100, 200}
	if !testing.Short() {
		sizes = append(sizes, 500, 1000)
	}
	for _, p := range sizes {
		for _, blocks := range []int{p, max(5, p/2), max(5, p*4/10)} {
			f1, _ := mean(4, func(seed uint64) synth.Problem {
				return synth.Published{N: 100, P: p, Blocks: blocks}.Problem(synth.Rand(seed))
			})
			if f1 < .99 {
				t.Errorf("%d candidates in %d blocks: F1 = %.3f, want at least 0.99", p, blocks, f1)
			}
		}
	}
}

func TestPublishedRecipeWithMissingSamples(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	for i, want := range []float64{.93, .88, .80, .74, .71} {
		missing := float64(i+1) / 10
		f1, _ := mean(6, func(seed uint64) synth.Problem {
			return synth.Published{N: 100, P: 1000, Blocks: 400, Missing: missing}.Problem(synth.Rand(seed))
		})
		if f1 < want {
			t.Errorf("%g missing: F1 = %.3f, want at least %g", missing, f1, want)
		}
	}
}

// The benchmark is the best of Lasso, elastic net, ARD regression and orthogonal matching
// pursuit, each cross-validated, by scikit-learn 1.2 on six problems of the same description.
func TestCorrelatedBlocks(t *testing.T) {
	for _, c := range []struct {
		synth.Blocks
		others float64
	}{
		{synth.Blocks{N: 360, P: 100, Size: 5, Rho: .9, Acting: 2, All: true, R2: .9}, .775},
		{synth.Blocks{N: 360, P: 100, Size: 5, Rho: .95, Acting: 3, R2: .9}, .854},
		{synth.Blocks{N: 360, P: 100, Size: 5, Rho: .99, Acting: 2, All: true, R2: .9}, .699},
		{synth.Blocks{N: 120, P: 200, Size: 5, Rho: .9, Acting: 3, R2: .9}, .921},
		{synth.Blocks{N: 120, P: 200, Size: 5, Rho: .99, Acting: 3, R2: .9}, .444},
		{synth.Blocks{N: 120, P: 200, Size: 5, Rho: .95, Acting: 3, R2: .9, Missing: .3}, .348},
		{synth.Blocks{N: 60, P: 500, Size: 10, Rho: .95, Acting: 2, All: true, R2: .8}, .507},
		{synth.Blocks{N: 120, P: 2000, Size: 10, Rho: .95, Acting: 2, All: true, R2: .9}, .680},
	} {
		t.Run(fmt.Sprintf("%+v", c.Blocks), func(t *testing.T) {
			feature, block := mean(6, func(seed uint64) synth.Problem { return c.Problem(synth.Rand(seed)) })
			if block < .99 || feature <= c.others {
				t.Errorf("F1 = %.3f of features, %.3f of blocks; want more than %g and at least 0.99", feature, block, c.others)
			}
		})
	}
}

// Hinges and normal scores improve curved relations and don't harm linear ones.
func TestNonlinearRelations(t *testing.T) {
	const seeds = 10
	for _, c := range []struct {
		shape                synth.Shape
		linear, hinged, rank float64 // at least; linear at most for a curved shape
	}{
		{synth.Linear, 1, .99, .99},
		{synth.Exponential, .7, .95, .5},
		{synth.Saturating, .5, .95, 0},
	} {
		var linear, hinged, rank float64
		for seed := range uint64(seeds) {
			p := synth.Curved{Shape: c.shape}.Problem(synth.Rand(seed))
			score := func(selected []bool) float64 { return synth.Features(p.Active, selected).F1 / seeds }
			linear += score(bmfs.Fit(p.X, p.Y, bmfs.Options{}).Selected)
			rank += score(bmfs.Fit(p.X, p.Y, bmfs.Options{Monotone: true}).Selected)
			e := bmfs.Hinged(p.X)
			hinged += score(origins(e, bmfs.Fit(e.X, p.Y, bmfs.Options{}).Selected, len(p.X)))
		}
		if linear > c.linear+1e-9 || hinged < c.hinged || rank < c.rank {
			t.Errorf("shape %d: F1 %.3f linear, %.3f with hinges, %.3f on ranks", c.shape, linear, hinged, rank)
		}
	}
}

func TestDriftIsSeen(t *testing.T) {
	hits, alarms := 0, 0
	for seed := range uint64(20) {
		for _, steady := range []bool{false, true} {
			p, changed := synth.Drifting{Steady: steady}.Problem(synth.Rand(seed))
			var seeds []int
			for _, s := range bmfs.Fit(p.X, p.Y, bmfs.Options{}).Sets {
				seeds = append(seeds, s.Seed)
			}
			for _, c := range bmfs.Drift(p.X, p.Y, seeds) {
				switch {
				case steady || c.Candidate != changed:
					alarms++
				case c.Before > 0 && c.After < 0 && c.Sigmas > 3:
					hits++
				}
			}
		}
	}
	if hits < 15 || alarms > 0 {
		t.Errorf("%d of 20 changes seen, %d false alarms", hits, alarms)
	}
}

// origins are the candidates with a selected column.
func origins(e bmfs.Expansion, on []bool, n int) []bool {
	out := make([]bool, n)
	for i, j := range e.Origin {
		out[j] = out[j] || on[i]
	}
	return out
}
