// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Dimensions of a report's chart; a unit is about one pixel on a phone.
const (
	chartWidth          = 360.0
	plotLeft, plotRight = 48.0, chartWidth - 8
	plotTop             = 14.0 // room for the onset's label
	clockHeight         = 22.0
)

// chartView is a stack of panels on one time axis: the series that are causes, the KPI, and the KPI
// without its culprit. The incident is shaded.
type chartView struct {
	Width, Height        string
	Top, Bottom, Tall    string // over all panels
	Left, Right          string
	From, To             string // Unix seconds at Left and Right
	Panels               []panelView
	OnsetX, ShadeWidth   string   // empty: the onset is not on the chart
	OnsetLabel, OnsetEnd string   // and its text-anchor
	Aside                []band   // excluded from the baseline
	Moments              []moment // changes before and on the chart
	Clock                []mark   // ticks of the time axis
	PendingX, PendingW   string   // from onset until the alert fired; empty: not on the chart
	FiredX, FiredLabel   string
	Legend               []string // explains the marks
	Without              string   // what is left without the culprit, in words
	Words                string   // description for screen readers
}

type tick struct{ Y, Label string }

// mark is a tick of the time axis.
type mark struct{ X, Label string }

type band struct{ X, Width, Title string }

// scale maps times and values to coordinates.
type scale struct{ t0, t1, v0, v1, left, right, top, bottom float64 }

func (s scale) x(t float64) float64 { return s.left + (s.right-s.left)*(t-s.t0)/(s.t1-s.t0) }
func (s scale) y(v float64) float64 { return s.bottom - (s.bottom-s.top)*(v-s.v0)/(s.v1-s.v0) }

// kpiChart draws the chart of a report; nil if there is nothing to draw.
func kpiChart(r report.Report, unit words.Unit) *chartView {
	if len(r.Charts) == 0 {
		return nil
	}
	s, ok := fitScale(r.Charts[0], alongside(r)...)
	if !ok {
		return nil
	}
	s.left, s.right = plotLeft, plotRight
	v := &chartView{
		Width: f1(chartWidth), Left: f1(plotLeft), Right: f1(plotRight), Top: f1(plotTop),
		From: f1(s.t0), To: f1(s.t1), Clock: clockMarks(s),
	}
	v.stack(r, unit, s)
	v.addIncident(r, s)
	v.addFired(r, s)
	v.addAside(r.Result.Aside, s)
	v.addMoments(timeline(r), s)
	v.Legend, v.Without, v.Words = v.legend(r, unit), tied(r.SayWithout()), chartWords(r, unit, s)
	return v
}

// fitScale computes the ranges of a chart; ok is false if there is no line to draw.
func fitScale(c report.Chart, also ...float64) (scale, bool) {
	lo, hi := math.Inf(1), math.Inf(-1)
	count := 0
	for _, v := range c.Values {
		if v != nil && !math.IsInf(*v, 0) && !math.IsNaN(*v) {
			lo, hi = min(lo, *v), max(hi, *v)
			count++
		}
	}
	if count < 2 || len(c.Times) != len(c.Values) || c.Times[0] >= c.Times[len(c.Times)-1] {
		return scale{}, false
	}
	for _, v := range also {
		lo, hi = min(lo, v), max(hi, v)
	}
	lo, hi = withZero(lo, hi)
	return scale{t0: c.Times[0], t1: c.Times[len(c.Times)-1], v0: lo, v1: hi}, true
}

// withZero extends a range to zero, unless the change would then be too small to see. It also
// widens an empty range.
func withZero(lo, hi float64) (float64, float64) {
	switch far := (hi - lo) > (math.Abs(lo)+math.Abs(hi))/8; {
	case lo >= 0 && far:
		return 0, hi
	case hi <= 0 && far:
		return lo, 0
	case lo < hi:
		return lo, hi
	case lo == 0:
		return 0, 1
	default:
		return lo - math.Abs(lo)/10, lo + math.Abs(lo)/10
	}
}

// path draws the line, with gaps where samples are missing.
func path(c report.Chart, s scale) string {
	var b strings.Builder
	pen := "M"
	for i, v := range c.Values {
		if v == nil {
			pen = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%s %s", pen, f1(s.x(c.Times[i])), f1(s.y(*v)))
		pen = "L"
	}
	return b.String()
}

// ticks returns about as many round values as asked for.
func ticks(s scale, unit words.Unit, about float64) (list []tick) {
	step := roundStep((s.v1 - s.v0) / about)
	for value := math.Ceil(s.v0/step) * step; value <= s.v1 && len(list) < 5; value += step {
		if math.Abs(value) < step/1e6 {
			value = 0
		}
		list = append(list, tick{Y: f1(s.y(value)), Label: unit.Format(value)})
	}
	return list
}

// roundStep rounds down to 1, 2 or 5 times a power of ten.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{5, 2} {
		if v >= f*power {
			return f * power
		}
	}
	return power
}

// addIncident shades the incident.
func (v *chartView) addIncident(r report.Report, s scale) {
	onset := float64(r.Onset.Unix())
	if onset < s.t0 || onset >= s.t1 {
		return
	}
	x := s.x(onset)
	v.OnsetX, v.ShadeWidth = f1(x), f1(s.right-x)
	v.OnsetLabel, v.OnsetEnd = "onset "+clockTime(onset), "end"
	if x < chartWidth/3 {
		v.OnsetEnd = "start"
	}
}

// addFired marks when the alert fired, and the time before that in which its expression held
// already: its `for`, plus evaluation.
func (v *chartView) addFired(r report.Report, s scale) {
	onset, fired := float64(r.Onset.Unix()), float64(r.Alert.StartsAt.Unix())
	if fired <= s.t0 || fired > s.t1 || onset > fired {
		return
	}
	from := s.x(max(onset, s.t0))
	v.FiredX, v.FiredLabel = f1(s.x(fired)), "fired "+clockTime(fired)+" UTC"
	v.PendingX, v.PendingW = f1(from), f1(s.x(fired)-from)
}

// clockMarks returns three to seven round times.
func clockMarks(s scale) []mark {
	step := 86400.0
	for _, seconds := range []float64{60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200} {
		if (s.t1-s.t0)/seconds <= 6 {
			step = seconds
			break
		}
	}
	var marks []mark
	for t := math.Ceil(s.t0/step) * step; t <= s.t1 && len(marks) < 7; t += step {
		if x := s.x(t); x <= s.right-40 { // leave room for UTC at the end
			marks = append(marks, mark{f1(x), clockTime(t)})
		}
	}
	return marks
}

// addAside shades the times excluded from the baseline.
func (v *chartView) addAside(aside []analysis.Stretch, s scale) {
	for _, a := range aside {
		from, to := max(a.From, s.t0), min(a.To, s.t1)
		if from < to {
			v.Aside = append(v.Aside, band{
				X: f1(s.x(from)), Width: f1(s.x(to) - s.x(from)),
				Title: fmt.Sprintf("%s to %s UTC: no baseline", clockTime(a.From), clockTime(a.To)),
			})
		}
	}
}

func chartWords(r report.Report, unit words.Unit, s scale) string {
	text := fmt.Sprintf("%s from %s to %s", r.KPI(), clockTime(s.t0), clockTime(s.t1))
	if c := r.Result.Change; c != nil {
		text += fmt.Sprintf(": %s in the incident, which began at %s; %s was expected",
			unit.Format(c.Actual), clockTime(float64(r.Onset.Unix())), unit.Format(c.Forecast))
	}
	return text
}

func clockTime(t float64) string { return time.Unix(int64(t), 0).UTC().Format("15:04") }

func clockSeconds(t float64) string { return time.Unix(int64(t), 0).UTC().Format("15:04:05") }

// sparkView is the line of one cause, without axes.
type sparkView struct{ Line, OnsetX, ShadeWidth, Words string }

const (
	sparkWidth, sparkHeight = 120.0, 32.0
	sparkPoints             = 60
)

// spark draws a series; nil if the report has no chart of it.
func spark(r report.Report, series string) *sparkView {
	i := slices.IndexFunc(r.Charts, func(c report.Chart) bool { return c.Name == series })
	if i < 1 { // the first is the KPI
		return nil
	}
	c := r.Charts[i].Thinned(sparkPoints)
	s, ok := fitScale(c)
	if !ok {
		return nil
	}
	s.right, s.top, s.bottom = sparkWidth, 3, sparkHeight-3
	v := &sparkView{Line: path(c, s), Words: "The course of " + series}
	if onset := float64(r.Onset.Unix()); onset > s.t0 && onset < s.t1 {
		v.OnsetX, v.ShadeWidth = f1(s.x(onset)), f1(sparkWidth-s.x(onset))
	}
	return v
}
