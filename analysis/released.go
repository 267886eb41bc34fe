// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/rank"
)

// A release shows in the series of its service, whether it broke anything or not: memory
// is empty and fills again, caches are cold, a new process works for a while. Where
// several services were released, what a metric does in most of them alike is the
// release itself. It is taken out of each before they are compared: a difference in
// differences.

const (
	fewReleased   = 3 // other services from which on the middle one tells
	aloneReleased = 4 // one in so many may not show what the others do
	clearlyMoved  = 3 // robust standard deviations of a series, from which on it does
	mostByRelease = 8 // factor of what is usual beyond which it is no effect of a release
)

// release is a series of a service that was released: its course since then, as a
// multiple of what was usual before.
type release struct {
	series int
	row    int // of the release
	usual  float64
	noise  float64 // of the multiples
}

// withoutReleases takes out of the series what all releases do alike.
func (c *candidates) withoutReleases(r changes.Ranking) {
	rows := map[string]int{} // of the last release of each service
	for _, cause := range r.Causes {
		row := sort.SearchFloat64s(c.times, cause.At)
		for _, service := range cause.Services {
			rows[service] = max(rows[service], row)
		}
	}
	c.released = len(rows)
	byMetric := map[int][]release{}
	for i, metric := range c.metricCodes() {
		if row, ok := rows[serviceOf(c.series[i])]; ok && !c.series[i].kind().Symptom() && row > shortHistory && row < len(c.times) {
			if r, ok := newRelease(i, c.series[i].Values, row); ok {
				byMetric[metric] = append(byMetric[metric], r)
			}
		}
	}
	alike := map[int][]float64{}
	for _, list := range byMetric {
		for k := range list {
			if values := c.withoutAlike(list, k); values != nil {
				alike[list[k].series] = values
			}
		}
	}
	c.asItWas = map[string][]float64{}
	for i, values := range alike {
		c.asItWas[c.series[i].Name], c.series[i].Values = c.series[i].Values, values
	}
}

func newRelease(series int, values []float64, row int) (release, bool) {
	calm := slices.DeleteFunc(slices.Clone(values[:row]), absent)
	if len(calm) < shortHistory {
		return release{}, false
	}
	r := release{series: series, row: row, usual: order.Median(calm)}
	if r.usual <= 0 {
		return r, false
	}
	r.noise = order.RobustSD(calm) / r.usual
	return r, true
}

// withoutAlike is the k-th series without what the others do alike since their
// releases; nil if they don't. Evidence is only taken away: what moved less than they
// did has not moved the other way.
func (c *candidates) withoutAlike(list []release, k int) []float64 {
	var values []float64
	own := list[k]
	for i := own.row; i < len(c.times); i++ {
		m, by := c.series[own.series].Values[i]/own.usual, c.alike(list, k, i-own.row)
		if absent(m) || (m-1)*(by-1) <= 0 {
			continue
		}
		if values == nil {
			values = slices.Clone(c.series[own.series].Values)
		}
		if values[i] /= by; (m/by-1)*(m-1) < 0 {
			values[i] = own.usual
		}
	}
	return values
}

// alike is the multiple of what is usual that the others have, some rows after their
// releases; 1 if they don't agree. It is the middle one of them, of few the one that moved
// least.
func (c *candidates) alike(list []release, k, after int) float64 {
	var multiples []float64
	moved, up := 0, 0
	for j, r := range list {
		row := r.row + after
		if j == k || row >= len(c.times) || absent(c.series[r.series].Values[row]) {
			continue
		}
		m := c.series[r.series].Values[row] / r.usual
		multiples = append(multiples, m)
		if math.Abs(m-1) > clearlyMoved*r.noise {
			moved++
		}
		if m > 1 {
			up++
		}
	}
	n := len(multiples)
	if n == 0 || n-moved > n/aloneReleased || min(up, n-up) > n/aloneReleased {
		return 1
	}
	by := order.Median(multiples)
	if n < fewReleased {
		by = slices.MinFunc(multiples, func(a, b float64) int { return cmp.Compare(math.Abs(a-1), math.Abs(b-1)) })
	}
	return min(max(by, 1./mostByRelease), mostByRelease)
}

// tellAsItWas gives the causes the levels that their series had, and not those that were
// left to compare.
func (c *candidates) tellAsItWas(r rank.Result) {
	for i, cause := range r.Causes {
		if values := c.asItWas[c.series[cause.Series].Name]; values != nil {
			level := func(values []float64) float64 {
				if values = slices.DeleteFunc(slices.Clone(values), absent); len(values) == 0 {
					return 0
				}
				return order.MedianInPlace(values)
			}
			r.Causes[i].Before, r.Causes[i].After = level(values[:r.Core]), level(values[r.Onset:])
		}
	}
}
