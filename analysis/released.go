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

// A release shows in the series of its service even if it does no harm: memory fills again,
// caches are cold, a new process is busy for a while. If several services were released, what
// most of them do alike in a metric is the effect of releasing. It is divided out before
// services are compared: a difference in differences.

const (
	fewReleased   = 3 // other services from which on their median is used
	aloneReleased = 4 // one in so many may deviate from the others
	clearlyMoved  = 3 // robust standard deviations from which on a series moved
	mostByRelease = 8 // largest factor that is attributed to a release
)

// release is a series of a released service, as a multiple of its level before.
type release struct {
	series int
	row    int // of the release
	usual  float64
	noise  float64 // of the multiples
}

// removeReleaseEffects divides the common effect of all releases out of the series.
func (c *candidates) removeReleaseEffects(r changes.Ranking) {
	rows := map[string]int{} // last release of each service
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
			if values := c.withoutCommonEffect(list, k); values != nil {
				alike[list[k].series] = values
			}
		}
	}
	c.original = map[string][]float64{}
	for i, values := range alike {
		c.original[c.series[i].Name], c.series[i].Values = c.series[i].Values, values
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

// withoutCommonEffect returns the k-th series without the common effect since its release; nil if
// there is none. This only removes evidence: a series that moved less than the others did not
// move the other way.
func (c *candidates) withoutCommonEffect(list []release, k int) []float64 {
	var values []float64
	own := list[k]
	for i := own.row; i < len(c.times); i++ {
		m, by := c.series[own.series].Values[i]/own.usual, c.commonEffect(list, k, i-own.row)
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

// commonEffect returns the others' level, as a multiple of their own level before, so many rows after
// their releases; 1 if they disagree. It is the median, or with few of them the multiple
// closest to 1.
func (c *candidates) commonEffect(list []release, k, after int) float64 {
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

// restoreLevels restores the levels of causes to those of the original series, for display.
func (c *candidates) restoreLevels(r rank.Result) {
	for i, cause := range r.Causes {
		if values := c.original[c.series[cause.Series].Name]; values != nil {
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
