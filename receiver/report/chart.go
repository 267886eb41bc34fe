// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
)

const (
	chartPoints  = 240 // as many as a phone has room for
	chartSeries  = 5   // lines beside the KPI
	chartHistory = 8   // incident lengths before the onset, so that the incident is more than a sliver
	chartBefore  = 900 // seconds before it at the least
	chartRows    = 40  // rows at the least
	chartDigits  = 6   // of a value: more can't be drawn
)

// Charts returns what the page draws: the first KPI of the frame, then the
// series among the causes. Long series are thinned to what a screen shows,
// with the smallest and the largest value of each stretch kept, so that no
// spike is lost.
func Charts(f analysis.Frame, causes []analysis.Finding) []Chart {
	if len(f.Targets) == 0 {
		return nil
	}
	first := firstRow(f)
	draw := func(name string, values []float64) Chart {
		n := min(len(f.Times), len(values))
		return thin(name, f.Times[min(first, n):n], values[min(first, n):n], chartPoints)
	}
	charts := []Chart{draw(f.Targets[0].Name, f.Targets[0].Values)}
	for _, cause := range causes {
		if cause.Series == "" || len(charts) > chartSeries {
			continue
		}
		if s, ok := findSeries(f, cause.Series); ok {
			charts = append(charts, draw(s.Name, s.Values))
		}
	}
	return charts
}

// LimitOf is what the alert compares the first KPI of a frame with; nil: not known.
func LimitOf(f analysis.Frame) *Limit {
	if len(f.Targets) == 0 || f.Targets[0].Limit == nil {
		return nil
	}
	return &Limit{f.Targets[0].Limit.Operator, f.Targets[0].Limit.Value}
}

// firstRow is the first row that is drawn: enough before the incident to see
// what is normal, and not so much that the incident can't be seen.
func firstRow(f analysis.Frame) int {
	n := len(f.Times)
	if n == 0 || f.Onset < f.Times[0] || f.Onset > f.Times[n-1] {
		return 0
	}
	before := max(chartHistory*(f.Times[n-1]-f.Onset), chartBefore)
	row, _ := slices.BinarySearch(f.Times, f.Onset-before)
	return max(0, min(row, n-chartRows))
}

func findSeries(f analysis.Frame, name string) (analysis.Series, bool) {
	for _, t := range f.Targets {
		for _, s := range t.Candidates {
			if s.Name == name {
				return s, true
			}
		}
	}
	return analysis.Series{}, false
}

// Thinned is a chart of at most so many points.
func (c Chart) Thinned(points int) Chart {
	if len(c.Times) <= points || len(c.Values) != len(c.Times) {
		return c
	}
	values := make([]float64, len(c.Values))
	for i, v := range c.Values {
		values[i] = math.NaN()
		if v != nil {
			values[i] = *v
		}
	}
	return thin(c.Name, c.Times, values, points)
}

// thin copies a series of as many values as times, or of each stretch of it its two
// extremes, so that there are at most so many points.
func thin(name string, times, values []float64, points int) Chart {
	n := len(times)
	if n <= points {
		c := Chart{Name: name, Times: make([]float64, 0, n), Values: make([]*float64, 0, n)}
		for i := range n {
			c.add(times[i], values[i])
		}
		return c
	}
	c := Chart{Name: name}
	stretches := (points - 1) / 2
	for b := range stretches {
		from, to := b*n/stretches, (b+1)*n/stretches
		lo, hi := extremes(values[from:to])
		c.add(times[from+lo], values[from+lo])
		if hi != lo {
			c.add(times[from+hi], values[from+hi])
		}
	}
	if c.Times[len(c.Times)-1] != times[n-1] { // where it is now
		c.add(times[n-1], values[n-1])
	}
	return c
}

// extremes returns the places of the smallest and the largest value, the
// earlier first, both 0 if there is no value.
func extremes(values []float64) (first, second int) {
	lo, hi := -1, -1
	for i, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if lo < 0 || v < values[lo] {
			lo = i
		}
		if hi < 0 || v > values[hi] {
			hi = i
		}
	}
	return max(0, min(lo, hi)), max(0, lo, hi)
}

func (c *Chart) add(t, v float64) {
	c.Times = append(c.Times, t)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.Values = append(c.Values, nil)
		return
	}
	v = rounded(v, chartDigits)
	c.Values = append(c.Values, &v)
}
