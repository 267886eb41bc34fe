// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
)

const (
	chartPoints  = 240 // as many as a phone has room for
	chartSeries  = 5   // lines besides the KPI
	chartHistory = 8   // multiples of the incident's length before the onset, so that the incident is more than a sliver
	chartBefore  = 900 // minimum seconds before the onset
	chartRows    = 40  // minimum rows
	chartDigits  = 6   // significant digits of a value; more are invisible
)

// Charts returns what the page draws: the first KPI of the frame, then the series among the causes.
// Long series are thinned, keeping the minimum and maximum of each stretch, so that no spike is
// lost.
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

// LimitOf is the threshold of the first KPI of a frame; nil: unknown.
func LimitOf(f analysis.Frame) *Limit {
	if len(f.Targets) == 0 || f.Targets[0].Limit == nil {
		return nil
	}
	return &Limit{f.Targets[0].Limit.Operator, f.Targets[0].Limit.Value}
}

// firstRow is the first row to draw: far enough before the incident to show what is normal, but not
// so far that the incident disappears.
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

// Thinned reduces a chart to at most that many points.
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

// thin reduces a series to at most that many points: the two extremes of each stretch. values and
// times have equal length.
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
	if c.Times[len(c.Times)-1] != times[n-1] { // the current value
		c.add(times[n-1], values[n-1])
	}
	return c
}

// extremes returns the indices of the minimum and the maximum in ascending order, both 0 if there
// is no value.
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
