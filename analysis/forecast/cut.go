// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"slices"
	"sort"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	day       = 86400.0
	hour      = 3600.0
	shortStep = 300.0
	leastRows = 0.5 // fraction of its rows that a piece must have
	leastPart = 0.8 // fraction of its samples that a leaf must have not to be partial
)

// Series are the leaves of a measure over time, as recorded.
type Series struct {
	Times  []float64   // Unix seconds of the rows, ascending
	Values [][]float64 // leaf → row; NaN: no sample
}

// Span is an incident: its first and last row, in Unix seconds, both inclusive.
type Span struct {
	Onset, End float64
}

// Cut computes the pieces from series. A row without a sample of any leaf does not exist; in
// other rows a leaf without a sample counts as 0. A piece with less than half of its rows is
// missing. No piece but Actual comes closer to the onset than 5 minutes (or one row, if rows
// are further apart), which may already belong to the incident.
//
// It panics if a leaf does not have one value per row.
func Cut(s Series, span Span) Pieces {
	c := newCutter(s, span)
	p := Pieces{Actual: c.mean(span.Onset, span.End)}
	if p.Actual == nil {
		p.Actual = make([]float64, len(s.Values))
	}
	for j := 1.0; j <= weekDay; j++ {
		shift := j * day
		p.Profile = append(p.Profile, c.mean(span.Onset-shift, span.End-shift))
		p.Level = append(p.Level, c.before(hour, shift))
	}
	p.Hour = c.before(hour, 0)
	p.Day = c.before(day, 0)
	p.Recent = c.recent()
	return p
}

// Partial marks leaves with some, but less than four fifths, of their samples in the incident
// or in the hour before: a failed scrape looks like a value that vanished.
func Partial(s Series, span Span) []bool {
	c := newCutter(s, span)
	partial := make([]bool, len(s.Values))
	for _, w := range [2][2]float64{{span.Onset, span.End}, {span.Onset - hour, span.Onset - c.step}} {
		rows := c.rows(w[0], w[1])
		for e, values := range s.Values {
			have := 0
			for _, i := range rows {
				if !math.IsNaN(values[i]) {
					have++
				}
			}
			if have > 0 && float64(have) < leastPart*float64(len(rows)) {
				partial[e] = true
			}
		}
	}
	return partial
}

// cutter knows which rows exist.
type cutter struct {
	s    Series
	span Span
	step float64 // usual distance of rows
	row  []int   // rows with a sample
}

// newCutter finds the rows in which any leaf has a sample. A row without any is an outage of
// the monitoring, not a zero of the measure.
func newCutter(s Series, span Span) *cutter {
	c := &cutter{s: s, span: span, step: UsualStep(s.Times)}
	exists := make([]bool, len(s.Times))
	for _, values := range s.Values {
		if len(values) != len(s.Times) {
			panic("forecast: a leaf has not one value a row")
		}
		for i, x := range values {
			exists[i] = exists[i] || !math.IsNaN(x)
		}
	}
	for i := range exists {
		if exists[i] {
			c.row = append(c.row, i)
		}
	}
	return c
}

// UsualStep returns the median distance of rows.
func UsualStep(times []float64) float64 {
	if len(times) < 2 {
		return shortStep
	}
	d := make([]float64, len(times)-1)
	for i := range d {
		d[i] = times[i+1] - times[i]
	}
	return order.MedianInPlace(d)
}

// Guard returns the time before the onset that no baseline uses, which is also the length of a
// recent step, for a usual distance of rows.
func Guard(step float64) float64 { return max(step, shortStep) }

func (c *cutter) guard() float64 { return Guard(c.step) }

// rows returns the rows from first to last, both inclusive.
func (c *cutter) rows(first, last float64) []int {
	from := sort.Search(len(c.row), func(k int) bool { return c.s.Times[c.row[k]] >= first })
	to := sort.Search(len(c.row), func(k int) bool { return c.s.Times[c.row[k]] > last })
	return c.row[from:max(from, to)]
}

// mean returns the mean over the rows from first to last, or nil if half of them are missing.
func (c *cutter) mean(first, last float64) []float64 {
	rows := c.rows(first, last)
	expected := math.Floor((last-first)/c.step+1e-9) + 1
	if len(rows) == 0 || float64(len(rows)) < leastRows*expected {
		return nil
	}
	out := make([]float64, len(c.s.Values))
	for e, values := range c.s.Values {
		var sum float64
		for _, i := range rows {
			if x := values[i]; !math.IsNaN(x) {
				sum += x
			}
		}
		out[e] = sum / float64(len(rows))
	}
	return out
}

// before returns the mean over the time before the onset, shifted into the past.
func (c *cutter) before(length, shift float64) []float64 {
	end := c.span.Onset - shift - c.guard()
	return c.mean(c.span.Onset-shift-length, end-c.step)
}

// recent returns the steps of the last two hours, oldest first, since the last gap.
func (c *cutter) recent() [][]float64 {
	var steps [][]float64
	width := c.guard()
	for end := c.span.Onset - width; end > c.span.Onset-2*hour; end -= width {
		m := c.mean(end-width, end-c.step)
		if m == nil {
			break
		}
		steps = append(steps, m)
	}
	slices.Reverse(steps)
	return steps
}
