package analysis

import (
	"errors"
	"slices"

	"github.com/culprit-dev/culprit/analysis/adtributor"
	"github.com/culprit-dev/culprit/analysis/forecast"
	"github.com/culprit-dev/culprit/analysis/localize"
)

// labelAnswer is what the labels of one target say.
type labelAnswer struct {
	looked     bool // there was a breakdown to look at
	still      bool // the total did not move
	external   bool // everything moved alike
	findings   []Finding
	dimensions []Dimension
	change     *Change
	forecast   string
	warnings   []Warning
}

// explainLabels localises the change of a target in its breakdown.
func explainLabels(_ Frame, t Target, opt Options) labelAnswer {
	if t.Breakdown == nil {
		return labelAnswer{}
	}
	l := newLocation(t, opt)
	if len(l.names) == 0 {
		return labelAnswer{dimensions: l.refused()}
	}
	if err := l.measure(); err != nil {
		return labelAnswer{dimensions: l.refused(), warnings: []Warning{{Source: "labels", Text: err.Error()}}}
	}
	result, err := localize.Run(l.input, localize.Options{
		Mode: modeOf(opt.Labels.Mode), Count: l.breakdown.Count, Deep: opt.Labels.Deep,
		Gate: adtributor.Gate{Relative: opt.Labels.MinChange, SD: l.made.SD * l.scale.Window},
	})
	if err != nil {
		return labelAnswer{dimensions: l.refused(), warnings: []Warning{{Source: "labels", Text: l.explain(err)}}}
	}
	return l.answer(result)
}

// modeOf reads a mode; config has refused all others.
func modeOf(name string) localize.Mode {
	return map[string]localize.Mode{
		"nsdi": localize.NSDI, "complete": localize.Complete,
		"grescan": localize.GREScan, "riskloc": localize.RiskLoc,
	}[name]
}

// location is a breakdown on its way through the kernels: names become codes,
// pieces of time become a forecast.
type location struct {
	target    Target
	breakdown *Breakdown
	options   Options
	names     []string   // labels, in the order of the kernels' dimensions
	values    [][]string // label → value names; a code is an index
	scale     forecast.Scale
	input     localize.Input
	made      forecast.Forecast
}

func newLocation(t Target, opt Options) *location {
	l := &location{target: t, breakdown: t.Breakdown, options: opt, scale: t.Breakdown.Scale}
	if l.scale == (forecast.Scale{}) {
		l.scale = forecast.Scale{Window: 1}
		if s := t.Breakdown.Seconds; s > 0 {
			l.scale.Hour, l.scale.Day = 3600/s, 86400/s
		}
	}
	if len(t.Breakdown.Marginals) > 0 {
		for _, m := range t.Breakdown.Marginals {
			l.names = append(l.names, m.Label)
			l.values = append(l.values, m.Values)
		}
		return l
	}
	if len(t.Breakdown.Leaves) == 0 {
		return l
	}
	l.names = t.Breakdown.Labels
	l.encode()
	return l
}

// encode numbers the values of each label in the order of their names, so that
// the order of rows is no matter.
func (l *location) encode() {
	leaves := l.breakdown.Leaves
	for d := range l.names {
		code := map[string]int32{}
		for _, leaf := range leaves {
			code[leaf[d]] = 0
		}
		values := make([]string, 0, len(code))
		for v := range code {
			values = append(values, v)
		}
		slices.Sort(values)
		for i, v := range values {
			code[v] = int32(i)
		}
		codes := make([]int32, len(leaves))
		for i, leaf := range leaves {
			codes[i] = code[leaf[d]]
		}
		l.values = append(l.values, values)
		l.input.Codes = append(l.input.Codes, codes)
		l.input.Cards = append(l.input.Cards, len(values))
	}
}

// measure makes the forecasts.
func (l *location) measure() error {
	if len(l.breakdown.Marginals) == 0 {
		m, made, err := l.forecast(l.breakdown.Numerator, l.breakdown.Denominator)
		l.input.Measure, l.made = m, made
		return err
	}
	for _, marginal := range l.breakdown.Marginals {
		m, made, err := l.forecast(marginal.Numerator, marginal.Denominator)
		if err != nil {
			return err
		}
		l.input.Marginals = append(l.input.Marginals, m)
		l.made = made
	}
	return nil
}

// forecast says what was to be expected of each leaf. A ratio becomes the
// events expected of the traffic that there was, beside those that came.
func (l *location) forecast(num Pieces, den *Pieces) (localize.Measure, forecast.Forecast, error) {
	if den == nil {
		made, err := forecast.Additive(num, l.event())
		if err != nil {
			return localize.Measure{}, made, err
		}
		return localize.Measure{Forecast: times(made.Expected, l.scale.Window), Actual: times(num.Actual, l.scale.Window)}, made, nil
	}
	made, err := forecast.Ratio(num, *den, l.scale, l.breakdown.Count)
	if err != nil {
		return localize.Measure{}, made, err
	}
	m := localize.Measure{Forecast: times(made.Expected, l.scale.Window), Actual: times(num.Actual, l.scale.Window)}
	n, d := l.part(num), l.part(*den)
	if n != nil && d != nil {
		m.Parts = &localize.Parts{
			ForecastNum: times(n, l.scale.Window), ForecastDen: times(d, l.scale.Window),
			ActualDen: times(den.Actual, l.scale.Window),
		}
	}
	return m, made, nil
}

// event is what one event in 5 minutes is worth in the pieces.
func (l *location) event() float64 {
	if l.breakdown.Event == 0 && l.breakdown.Count && l.breakdown.Seconds > 0 {
		return l.breakdown.Seconds / 300
	}
	return l.breakdown.Event
}

// part is what was to be expected of one side of a ratio by itself; nil if it
// can't be told.
func (l *location) part(p Pieces) []float64 {
	if made, err := forecast.Additive(p, l.event()); err == nil {
		return made.Expected
	}
	if p.Hour == nil {
		return nil
	}
	return times(p.Hour, 1)
}

// times multiplies values, with 0 in the place of missing ones: no sample of
// an additive measure is no event.
func times(values []float64, by float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		if v == v { // not NaN
			out[i] = v * by
		}
	}
	return out
}

// explain says with names what a kernel says with numbers.
func (l *location) explain(err error) string {
	var value *adtributor.ValueError
	if errors.As(err, &value) {
		return "a value can't be broken down: " + err.Error() + "; a breakdown needs counts, rates or sums, which are never negative"
	}
	return err.Error()
}
