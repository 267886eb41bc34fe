// SPDX-License-Identifier: Apache-2.0

package web

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

func TestChartShowsTheIncidentAndWhatWasExpected(t *testing.T) {
	r := example(t)
	c := kpiChart(r, r.Unit())
	if c.OnsetLabel != "onset 03:02" || c.Clock[0].Label != "02:30" || c.Clock[len(c.Clock)-1].Label != "03:00" || c.FiredLabel != "fired 03:04 UTC" || c.ForecastY == "" || c.LastX != f1(plotRight) {
		t.Errorf("got %+v", c)
	}
	// Of 2700 s the onset is at 2400: of the 312 units between the margins at 277.3.
	if c.OnsetX != "317.3" || c.ShadeWidth != "34.7" {
		t.Errorf("the incident is drawn at %s, %s wide", c.OnsetX, c.ShadeWidth)
	}
	if n := strings.Count(c.Line, "M"); n != 2 {
		t.Errorf("a gap in the samples: %d strokes, want 2", n)
	}
	if want := "errors per second from 02:22 to 03:07: 41/s in the incident, which began at 03:02; 3.1/s was expected"; c.Words != want {
		t.Errorf("in words: %q", c.Words)
	}
}

func TestNothingToDraw(t *testing.T) {
	one := 1.0
	for name, charts := range map[string][]report.Chart{
		"no chart":      nil,
		"no sample":     {{Times: []float64{1, 2}, Values: []*float64{nil, nil}}},
		"one sample":    {{Times: []float64{1}, Values: []*float64{&one}}},
		"torn":          {{Times: []float64{1, 2, 3}, Values: []*float64{&one, &one}}},
		"one moment":    {{Times: []float64{1, 1}, Values: []*float64{&one, &one}}},
		"back in times": {{Times: []float64{2, 1}, Values: []*float64{&one, &one}}},
	} {
		if c := kpiChart(report.Report{Charts: charts}, ""); c != nil {
			t.Errorf("%s: drawn as %+v", name, c)
		}
	}
}

func TestSmallMovesAreSeen(t *testing.T) {
	for _, tt := range [][4]float64{
		{3, 41, 0, 41},
		{2000, 2050, 2000, 2050},
		{-41, -3, -41, 0},
		{-2050, -2000, -2050, -2000},
		{-3, 4, -3, 4},
		{0, 0, 0, 1},
		{5, 5, 4.5, 5.5},
	} {
		if lo, hi := withZero(tt[0], tt[1]); lo != tt[2] || hi != tt[3] {
			t.Errorf("%g to %g is drawn from %g to %g", tt[0], tt[1], lo, hi)
		}
	}
}

// Every point of a chart is inside it, and no coordinate is not a number.
func TestChartsStayInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := report.Report{Charts: []report.Chart{{}}}
		c := &r.Charts[0]
		for i := range rapid.IntRange(0, 50).Draw(t, "rows") {
			c.Times = append(c.Times, float64(i*30))
			v := rapid.Float64Range(-1e300, 1e300).Draw(t, "value")
			if rapid.Bool().Draw(t, "missing") {
				c.Values = append(c.Values, nil)
			} else {
				c.Values = append(c.Values, &v)
			}
		}
		drawn := kpiChart(r, "")
		if drawn == nil {
			return
		}
		for _, number := range strings.FieldsFunc(drawn.Line, func(r rune) bool { return r == 'M' || r == 'L' || r == ' ' }) {
			v, err := strconv.ParseFloat(number, 64)
			if err != nil || math.IsNaN(v) || v < 0 || v > chartWidth {
				t.Fatalf("%q in the line %s", number, drawn.Line)
			}
		}
		if len(drawn.Ticks) > 5 {
			t.Fatalf("%d marks on the axis", len(drawn.Ticks))
		}
	})
}

func TestTimesThatAreNoBaselineAreShaded(t *testing.T) {
	r := example(t)
	c := r.Charts[0]
	from := c.Times[0] + (c.Times[len(c.Times)-1]-c.Times[0])/4
	r.Result.Aside = []analysis.Stretch{{From: from, To: from + 120}, {From: c.Times[0] - 900, To: c.Times[0] - 60}}
	view := kpiChart(r, r.Unit())
	if len(view.Aside) != 1 || view.Aside[0].X != "118" || !strings.HasSuffix(view.Aside[0].Title, "UTC: no baseline") {
		t.Errorf("shaded are %+v", view.Aside)
	}
}
