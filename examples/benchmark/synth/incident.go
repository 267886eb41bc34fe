// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Incident describes a database whose statements drive a KPI: heavy-tailed levels, a load that all
// follow in part, and the KPI as their weighted sum with 2 % of noise. In the last one to five
// samples one statement jumps by three to five standard deviations of the KPI. Three bystanders
// without effect on the KPI move alike, and three more grow by up to threefold. The zero value is
// 61 samples of 100 statements, 5 % of them missing.
type Incident struct {
	N, P    int
	Missing float64
}

// IncidentCase is one incident. The last sample is complete.
type IncidentCase struct {
	X     [][]float64
	Y     []float64
	Cause int // the statement that jumped
}

// Case draws one incident.
func (c Incident) Case(rng *rand.Rand) IncidentCase {
	if c.N == 0 {
		c = Incident{N: 61, P: 100, Missing: .05}
	}
	level, x := c.statements(rng)
	weight := make([]float64, c.P)
	for j := range weight {
		weight[j] = .5 + rng.Float64()
	}
	sd := deviation(weightedSum(x, weight))
	cause := busiest(level)[rng.IntN(c.P/2)]
	last := 1 + rng.IntN(5)
	jump(x[cause], last, 4*(.75+.5*rng.Float64())*sd/weight[cause])
	by := bystanders(rng, c.P, cause)
	for _, j := range by[:3] {
		swell := 1 + 2*rng.Float64()
		for i := c.N - last; i < c.N; i++ {
			x[j][i] *= swell
		}
	}
	for _, j := range by[3:] {
		jump(x[j], last, 5*sd)
		weight[j] = 0
	}
	y := weightedSum(x, weight)
	for i := range y {
		y[i] *= 1 + .02*rng.NormFloat64()
	}
	for _, s := range x {
		for i := range c.N - 1 {
			if rng.Float64() < c.Missing {
				s[i] = math.NaN()
			}
		}
	}
	return IncidentCase{X: x, Y: y, Cause: cause}
}

// statements draws the levels of the statements and their series without the incident.
func (c Incident) statements(rng *rand.Rand) (level []float64, x [][]float64) {
	load := make([]float64, c.N)
	period, phase := 20+40*rng.Float64(), rng.Float64()
	for i := range load {
		load[i] = 1 + .3*math.Sin(2*math.Pi*(float64(i)/period+phase)) + .1*rng.NormFloat64()
	}
	level, x = make([]float64, c.P), make([][]float64, c.P)
	for j := range x {
		level[j] = math.Exp(1.5 * rng.NormFloat64())
		follows := .8 * rng.Float64()
		x[j] = make([]float64, c.N)
		for i, l := range load {
			x[j][i] = level[j] * math.Max(1-follows+follows*l+.25*rng.NormFloat64(), 0)
		}
	}
	return level, x
}

// jump adds a rise to size over the last samples.
func jump(s []float64, last int, size float64) {
	for k := range last {
		share := .6
		if last > 1 {
			share += .4 * float64(k) / float64(last-1)
		}
		s[len(s)-last+k] += share * size
	}
}

// busiest orders the statements by level, highest first.
func busiest(level []float64) []int {
	order := make([]int, len(level))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if level[a] > level[b] {
			return -1
		}
		if level[a] < level[b] {
			return 1
		}
		return 0
	})
	return order
}

// bystanders returns six statements other than the cause.
func bystanders(rng *rand.Rand, p, cause int) []int {
	var by []int
	for _, j := range rng.Perm(p) {
		if j != cause && len(by) < 6 {
			by = append(by, j)
		}
	}
	return by
}

func weightedSum(x [][]float64, w []float64) []float64 {
	y := make([]float64, len(x[0]))
	for j, s := range x {
		addScaled(y, w[j], s)
	}
	return y
}
