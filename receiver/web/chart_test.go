// SPDX-License-Identifier: Apache-2.0

package web

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

func TestChartShowsTheIncidentAndWhatWasExpected(t *testing.T) {
	r := example(t)
	c := kpiChart(r, r.Unit())
	kpi := panelOf(t, c, "kpi")
	if c.OnsetLabel != "onset 03:02" || c.Clock[0].Label != "02:30" || c.Clock[len(c.Clock)-1].Label != "03:00" || c.FiredLabel != "fired 03:04 UTC" || kpi.ForecastY == "" || kpi.LastX != f1(plotRight) {
		t.Errorf("got %+v", c)
	}
	// The onset is at 2400 of 2700 s: at 270.2 of the 304 units between the margins.
	if c.OnsetX != "318.2" || c.ShadeWidth != "33.8" {
		t.Errorf("the incident is drawn at %s, %s wide", c.OnsetX, c.ShadeWidth)
	}
	if n := strings.Count(kpi.Line, "M"); n != 2 {
		t.Errorf("a gap in the samples: %d strokes, want 2", n)
	}
	if want := "errors per second from 02:22 to 03:07: 41/s in the incident, which began at 03:02; 3.1/s was expected"; c.Words != want {
		t.Errorf("in words: %q", c.Words)
	}
}

// The time between onset and firing is the rule's `for`, if that is known.
func TestTheChartAndTheFactsSayTheFor(t *testing.T) {
	r := example(t)
	for seconds, want := range map[float64]string{0: "before it fired.", 120: "before it fired (for: 2m)."} {
		r.HeldFor = seconds
		legend := strings.Join(kpiChart(r, r.Unit()).Legend, " ")
		if !strings.Contains(legend, want) {
			t.Errorf("%g: %q", seconds, legend)
		}
		said := slices.ContainsFunc(facts(r, clock{r.CreatedAt}), func(p pair) bool { return p.Key == "Fired" && strings.HasSuffix(p.Value, ", with for: 2m") })
		if said != (seconds > 0) {
			t.Errorf("%g: %v", seconds, facts(r, clock{r.CreatedAt}))
		}
	}
}

func panelOf(t *testing.T, c *chartView, class string) panelView {
	t.Helper()
	for _, p := range c.Panels {
		if p.Class == class {
			return p
		}
	}
	t.Fatalf("there is no panel %s", class)
	return panelView{}
}

func TestWhatIsAboveAndBelowTheKPIHasItsTimeAxis(t *testing.T) {
	r := example(t)
	c := kpiChart(r, r.Unit())
	var got []string
	bottom := 0.0
	for _, p := range c.Panels {
		got = append(got, p.Class+": "+p.Title)
		top, err := strconv.ParseFloat(p.Top, 64)
		if err != nil || top < bottom {
			t.Errorf("%s begins at %s, above the end of the one before at %g", p.Title, p.Top, bottom)
		}
		bottom, _ = strconv.ParseFloat(p.Bottom, 64)
		points := strings.Count(p.Line, "M") + strings.Count(p.Line, "L")
		if values := strings.Count(p.Values, "|") + 1; values != points {
			t.Errorf("%s: %d values of %d points", p.Title, values, points)
		}
	}
	want := []string{`why: 2  db connections{pod="cart-db-0"}`, `why: 3  cart latency p99{pod="cart-7c9f"}`, "kpi: errors per second", "rest: Without path=/pay, version=v2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The rest begins with the axis, and the incident's step ends with it.
	rest := panelOf(t, c, "rest")
	if !strings.HasPrefix(rest.Line, "M48 ") || !strings.Contains(rest.Line, "L"+f1(plotRight)+" ") || !strings.HasSuffix(rest.Values, "8.8/s of 41/s") {
		t.Errorf("%s, %s", rest.Line, rest.Values)
	}
	if want := "Without path=/pay, version=v2 it would go from 2/s to 8.8/s; as it is, from 3.1/s to 41/s"; c.Without != tied(want) {
		t.Errorf("in words: %q", c.Without)
	}
}

func TestTheThresholdIsDrawnWhereItIsNear(t *testing.T) {
	for _, tt := range []struct {
		value  float64
		drawn  bool
		legend string
	}{
		{10, true, "Dotted across"},
		{60, true, "Dotted across"}, // above all values, but still near
		{5000, false, "The alert's threshold, > 5k/s, is far from here."},
		{-100, false, "The alert's threshold, > -100/s, is far from here."},
	} {
		r := example(t)
		r.Limit = &report.Limit{Operator: ">", Value: tt.value}
		c := kpiChart(r, r.Unit())
		kpi := panelOf(t, c, "kpi")
		if (kpi.LimitY != "") != tt.drawn || !strings.Contains(strings.Join(c.Legend, " "), tt.legend) {
			t.Errorf("%g: at %q, %q: %q", tt.value, kpi.LimitY, kpi.Limit, c.Legend)
		}
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

// Every point of a chart is inside it, and no coordinate is NaN.
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
		for _, number := range strings.FieldsFunc(drawn.Panels[0].Line, func(r rune) bool { return r == 'M' || r == 'L' || r == ' ' }) {
			v, err := strconv.ParseFloat(number, 64)
			if err != nil || math.IsNaN(v) || v < 0 || v > chartWidth {
				t.Fatalf("%q in the line %s", number, drawn.Panels[0].Line)
			}
		}
		if len(drawn.Panels[0].Ticks) > 5 {
			t.Fatalf("%d marks on the axis", len(drawn.Panels[0].Ticks))
		}
	})
}

func TestTimesThatAreNoBaselineAreShaded(t *testing.T) {
	r := example(t)
	c := r.Charts[0]
	from := c.Times[0] + (c.Times[len(c.Times)-1]-c.Times[0])/4
	r.Result.Aside = []analysis.Stretch{{From: from, To: from + 120}, {From: c.Times[0] - 900, To: c.Times[0] - 60}}
	view := kpiChart(r, r.Unit())
	if len(view.Aside) != 1 || view.Aside[0].X != "124" || !strings.HasSuffix(view.Aside[0].Title, "UTC: no baseline") {
		t.Errorf("shaded are %+v", view.Aside)
	}
}
