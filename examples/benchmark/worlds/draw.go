// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// between draws uniformly from an interval.
func (d drawer) between(low, high float64) float64 { return low + (high-low)*d.Float64() }

// number draws an integer from an interval, both ends included.
func (d drawer) number(low, high int) int { return low + d.IntN(high-low+1) }

// coin is true half the time.
func (d drawer) coin() bool { return d.IntN(2) == 0 }

// count draws a number of events.
func (d drawer) count(mean float64) float64 {
	if mean <= 0 {
		return 0
	}
	return distuv.Poisson{Lambda: mean, Src: d}.Rand()
}

// size draws a log-normal factor around 1 with the given standard deviation of its logarithm.
func (d drawer) size(spread float64) float64 { return math.Exp(spread * d.NormFloat64()) }

// factor draws the factor of a fault: a fall or a rise.
func (d drawer) factor(falling bool) float64 {
	if falling {
		return d.between(0.05, 0.4)
	}
	return d.between(2.5, 6)
}

// some draws n different numbers below m.
func (d drawer) some(n, m int) []int { return d.Perm(m)[:n] }

// A name of a label, and values for it.
type name struct {
	label  string
	values []string
}

// names are labels as people use them.
func names() []name {
	return []name{
		{"region", []string{"eu-west", "us-east", "ap-south", "sa-east", "af-north", "us-west", "eu-north", "me-central"}},
		{"path", []string{"/", "/cart", "/pay", "/search", "/login", "/items", "/help", "/batch"}},
		{"version", []string{"v1.8.0", "v1.8.1", "v1.9.0", "v2.0.0", "v2.1.0", "v2.1.1", "v2.2.0", "v3.0.0"}},
		{"tenant", []string{"acme", "globex", "initech", "umbrella", "hooli", "stark", "wayne", "wonka"}},
		{"channel", []string{"web", "ios", "android", "partner", "kiosk", "phone", "mail", "shop"}},
		{"method", []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"}},
		{"queue", []string{"mail", "orders", "images", "audit", "billing", "export", "import", "retry"}},
		{"zone", []string{"a", "b", "c", "d", "e", "f", "g", "h"}},
	}
}

// labels draws some labels with some values each.
func (d drawer) labels(all []name, sizes ...int) []name {
	chosen := make([]name, len(sizes))
	for i, k := range d.some(len(sizes), len(all)) {
		chosen[i].label = all[k].label
		for _, v := range d.some(sizes[i], len(all[k].values)) {
			chosen[i].values = append(chosen[i].values, all[k].values[v])
		}
	}
	return chosen
}

// cube draws all combinations of some labels, with sizes that differ by a spread for each value,
// and the KPI as a whole.
func (d drawer) cube(spread float64, sizes ...int) *scene {
	return d.cubeOf(names(), spread, sizes...)
}

func (d drawer) cubeOf(all []name, spread float64, sizes ...int) *scene {
	s := &scene{
		wobble: d.between(0.01, 0.04), lag: d.between(1, 3), look: d.between(2, 4), byRule: d.coin(),
		drift: d.between(0, 0.05), tide: d.between(0, 0.05), gaps: d.IntN(4) == 0, restarts: d.IntN(4) == 0,
	}
	chosen := d.labels(all, sizes...)
	total := 20 * math.Exp(d.between(0, 3)) // events per second
	s.leaves = []leaf{{rate: 1}}
	for _, n := range chosen {
		s.labels = append(s.labels, n.label)
		weights := make([]float64, len(n.values))
		for i := range weights {
			weights[i] = d.size(spread)
		}
		s.split(n.values, weights)
	}
	sum := 0.0
	for i := range s.leaves {
		s.leaves[i].rate *= d.size(spread / 3)
		sum += s.leaves[i].rate
	}
	for i := range s.leaves {
		s.leaves[i].rate *= total / sum
	}
	return s
}

// wander draws factors around 1 with a given spread, which decorrelate within some steps (an
// Ornstein-Uhlenbeck process).
func (d drawer) wander(n int, spread, steps float64) []float64 {
	keep := math.Exp(-1 / steps)
	list, x := make([]float64, n), d.NormFloat64()
	for i := range list {
		x = keep*x + math.Sqrt(1-keep*keep)*d.NormFloat64()
		list[i] = math.Max(0.1, 1+spread*x)
	}
	return list
}
