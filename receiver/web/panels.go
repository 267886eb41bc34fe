// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Heights of the panels of a chart.
const (
	kpiHeight   = 132.0
	whyHeight   = 34.0
	restHeight  = 58.0
	titleHeight = 17.0
	panelGap    = 7.0
	mostWhy     = 3   // series above the KPI
	whyPoints   = 60  // of each of them
	kpiPoints   = 120 // of the KPI
	titleRunes  = 52  // of a panel's title
	limitReach  = 1.5 // multiple of the values' range within which the threshold is drawn
)

// panelView is one panel of a chart.
type panelView struct {
	Class         string // why, kpi or rest
	Title, Whole  string // title; and the full one, if it was cut
	TitleY        string
	Top, Bottom   string
	Ticks         []tick
	Line          string // path
	Area          string // of the rest panel: between rest and whole
	ForecastX     string
	ForecastY     string // empty: the forecast is unknown
	LimitY, Limit string // threshold of the alert; empty: unknown, or far away
	LastX, LastY  string
	Values        string // values of the points, separated by |
}

// stack lays out the panels from top to bottom.
func (v *chartView) stack(r report.Report, unit words.Unit, s scale) {
	y := plotTop
	place := func(height float64, s scale, p panelView) scale {
		if p.Title != "" {
			p.TitleY = f1(y + titleHeight - 5)
			y += titleHeight
		}
		s.left, s.right, s.top, s.bottom = plotLeft, plotRight, y, y+height
		y += height
		p.Top, p.Bottom = f1(s.top), f1(s.bottom)
		p.Title, p.Whole = cutTitle(p.Title)
		v.Panels = append(v.Panels, p)
		return s
	}
	why, rest := leadingSeries(r), newRest(r, s)
	for _, w := range why {
		own := w.scale
		own.t0, own.t1 = s.t0, s.t1 // one time axis
		own = place(whyHeight, own, panelView{Class: "why", Title: w.title})
		v.last().draw(w.chart, own, w.unit, 1.1)
		y += panelGap
	}
	title := ""
	if len(why) > 0 || rest != nil {
		title = r.KPI()
	}
	kpi := place(kpiHeight, s, panelView{Class: "kpi", Title: title})
	v.last().draw(r.Charts[0].Thinned(kpiPoints), kpi, unit, 1.9)
	v.last().addExpected(r, kpi, unit)
	if rest != nil {
		y += panelGap
		own := place(restHeight, rest.scale, panelView{Class: "rest", Title: "Without " + report.Title(r.Without.Culprit())})
		v.last().drawRest(rest.steps, own, r.UnitWithout())
	}
	v.Bottom, v.Tall, v.Height = f1(y), f1(y-plotTop), f1(y+clockHeight)
}

func (v *chartView) last() *panelView { return &v.Panels[len(v.Panels)-1] }

// cutTitle shortens a title to one line. whole is the full title, if it was cut.
func cutTitle(title string) (cut, whole string) {
	runes := []rune(title)
	if len(runes) <= titleRunes {
		return title, ""
	}
	return string(runes[:titleRunes-1]) + "…", title
}

// draw draws a series, with about that many ticks.
func (p *panelView) draw(c report.Chart, s scale, unit words.Unit, about float64) {
	p.Line, p.Values, p.Ticks = path(c, s), pointValues(c, unit), ticks(s, unit, about)
	for i, value := range slices.Backward(c.Values) {
		if value != nil {
			p.LastX, p.LastY = f1(s.x(c.Times[i])), f1(s.y(*value))
			return
		}
	}
}

// pointValues formats the values of the points of a line.
func pointValues(c report.Chart, unit words.Unit) string {
	var list []string
	for _, value := range c.Values {
		if value != nil {
			list = append(list, unit.Format(*value))
		}
	}
	return strings.Join(list, "|")
}

// addExpected draws the forecast for the incident and the alert's threshold.
func (p *panelView) addExpected(r report.Report, s scale, unit words.Unit) {
	onset := float64(r.Onset.Unix())
	if c := r.Result.Change; c != nil && onset >= s.t0 && onset < s.t1 {
		p.ForecastX, p.ForecastY = f1(s.x(onset)), f1(s.y(c.Forecast))
	}
	if l := r.Limit; l != nil && l.Value >= s.v0 && l.Value <= s.v1 {
		p.LimitY, p.Limit = f1(s.y(l.Value)), "alert "+l.Operator+" "+unit.Format(l.Value)
	}
}

// alongside returns the values that the KPI's scale must include: the forecast, and the alert's
// threshold if it is near.
func alongside(r report.Report) (values []float64) {
	if r.Result.Change != nil {
		values = append(values, r.Result.Change.Forecast)
	}
	if r.Limit == nil {
		return values
	}
	lo, hi := 0.0, 0.0
	for _, v := range r.Charts[0].Values {
		if v != nil {
			lo, hi = min(lo, *v), max(hi, *v)
		}
	}
	if l := r.Limit.Value; l <= limitReach*hi && l >= limitReach*lo {
		values = append(values, l)
	}
	return values
}

// whySeries is a drawn series among the causes.
type whySeries struct {
	title string
	chart report.Chart
	scale scale
	unit  words.Unit
}

// leadingSeries are the first series that are confident causes.
func leadingSeries(r report.Report) (list []whySeries) {
	for _, f := range r.Result.Causes {
		if len(list) == mostWhy {
			break
		}
		if f.Kind != analysis.KindSeries || !report.Confident(f) {
			continue
		}
		i := slices.IndexFunc(r.Charts, func(c report.Chart) bool { return c.Name == f.Series })
		if i < 1 { // the first is the KPI
			continue
		}
		c := r.Charts[i].Thinned(whyPoints)
		if s, ok := fitScale(c); ok {
			list = append(list, whySeries{fmt.Sprintf("%d  %s", f.Rank, report.Title(f)), c, s, r.SeriesUnit(f)})
		}
	}
	return list
}

// restView is the KPI without its culprit, as far as it is on the chart.
type restView struct {
	steps []report.WithoutStep
	scale scale
}

// newRest crops the steps to a time axis; nil if nothing before the incident is on it.
func newRest(r report.Report, axis scale) *restView {
	if r.Without == nil {
		return nil
	}
	v := restView{scale: scale{t0: axis.t0, t1: axis.t1, v0: math.Inf(1), v1: math.Inf(-1)}}
	for _, s := range r.Without.Steps {
		if s.From, s.To = max(s.From, axis.t0), min(s.To, axis.t1); s.From < s.To {
			v.steps = append(v.steps, s)
			v.scale.v0, v.scale.v1 = min(v.scale.v0, s.Whole, s.Rest), max(v.scale.v1, s.Whole, s.Rest)
		}
	}
	if len(v.steps) < 2 {
		return nil
	}
	v.scale.v0, v.scale.v1 = withZero(v.scale.v0, v.scale.v1)
	return &v
}

// drawRest draws the whole, the rest, and the culprit between them.
func (p *panelView) drawRest(steps []report.WithoutStep, s scale, unit words.Unit) {
	var whole, rest, back strings.Builder
	var values []string
	for i, step := range steps {
		pen := "L"
		if i == 0 {
			pen = "M"
		}
		from, to := f1(s.x(step.From)), f1(s.x(step.To))
		fmt.Fprintf(&whole, "%s%s %sL%s %s", pen, from, f1(s.y(step.Whole)), to, f1(s.y(step.Whole)))
		fmt.Fprintf(&rest, "%s%s %sL%s %s", pen, from, f1(s.y(step.Rest)), to, f1(s.y(step.Rest)))
		value := unit.Format(step.Rest) + " of " + unit.Format(step.Whole)
		values = append(values, value, value)
	}
	for _, step := range slices.Backward(steps) {
		y := f1(s.y(step.Rest))
		fmt.Fprintf(&back, "L%s %sL%s %s", f1(s.x(step.To)), y, f1(s.x(step.From)), y)
	}
	p.Line, p.Area = rest.String(), whole.String()+back.String()+"Z"
	p.Values, p.Ticks = strings.Join(values, "|"), ticks(s, unit, 1.1)
}

// legend explains the marks that are on a chart.
func (v *chartView) legend(r report.Report, unit words.Unit) (list []string) {
	kpi := v.Panels[slices.IndexFunc(v.Panels, func(p panelView) bool { return p.Class == "kpi" })]
	if kpi.ForecastY != "" {
		list = append(list, "Dashed: expected.")
	}
	switch {
	case kpi.LimitY != "":
		list = append(list, "Dotted across: the alert's threshold.")
	case r.Limit != nil:
		list = append(list, fmt.Sprintf("The alert's threshold, %s %s, is far from here.", r.Limit.Operator, unit.Format(r.Limit.Value)))
	}
	if v.PendingX != "" {
		rule := ""
		if r.HeldFor > 0 {
			rule = fmt.Sprintf(" (for: %s)", model.Duration(r.HeldFor*float64(time.Second)))
		}
		list = append(list, fmt.Sprintf("Bar below: its condition held for %s before it fired%s.", span(r.Alert.StartsAt.Sub(r.Onset)), rule))
	}
	if len(v.Aside) > 0 {
		list = append(list, "Grey: set aside, as no baseline.")
	}
	return list
}
