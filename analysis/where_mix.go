// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"

	"github.com/culprit-dev/culprit/analysis/adtributor"
	"github.com/culprit-dev/culprit/analysis/localize"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Grew says whether the traffic went there, and did not leave it.
func (m Mix) Grew() bool { return m.Now > m.Before }

// Shift says where traffic went: "to route=/batch (8 % → 40 % of it)".
func (m Mix) Shift() string {
	way := "away from"
	if m.Grew() {
		way = "to"
	}
	return fmt.Sprintf("%s %s (%s → %s of it)", way, place(m.Labels), words.Percent(m.Before), words.Percent(m.Now))
}

// Always says what a ratio is there: "higher".
func (m Mix) Always() string {
	if m.Ratio > m.Others {
		return "higher"
	}
	return "lower"
}

// leastMix is the share of a change below which a shift of traffic is not told.
const leastMix = 0.15

// shifted is the value of a label whose traffic moved a ratio most; nil if none
// moved it much.
func (l *location) shifted(r localize.Result) *Mix {
	if !l.ratio() || r.Gross || r.NoBaseline {
		return nil
	}
	var most *Mix
	for _, d := range r.Dimensions {
		if d.Reason != localize.None || mixOf(d) < leastMix {
			continue
		}
		for _, e := range d.Elements {
			if e.ID < 0 || e.Mix < leastMix || most != nil && e.Mix <= most.Share {
				continue
			}
			if m := shiftOf(d, e); m != nil {
				m.Labels = map[string]string{l.names[d.Label]: l.value(d.Label, e.ID)}
				most = m
			}
		}
	}
	return most
}

// mixOf is the share of a change that is traffic between the values of a label.
func mixOf(d localize.Dimension) float64 {
	var share float64
	for _, e := range d.Elements {
		share += e.Mix
	}
	return share
}

// shiftOf is what the traffic of one value did; nil if there was none of it, or
// nothing else, to compare.
func shiftOf(d localize.Dimension, e adtributor.Element) *Mix {
	var all adtributor.Element
	for _, x := range d.Elements {
		all.Forecast += x.Forecast
		all.ForecastDen += x.ForecastDen
		all.ActualDen += x.ActualDen
	}
	if e.ForecastDen <= 0 || all.ForecastDen <= e.ForecastDen || all.ActualDen <= 0 {
		return nil
	}
	return &Mix{
		Share: min(e.Mix, 1), Before: e.ForecastDen / all.ForecastDen, Now: e.ActualDen / all.ActualDen,
		Ratio:  finite(e.Forecast / e.ForecastDen),
		Others: finite((all.Forecast - e.Forecast) / (all.ForecastDen - e.ForecastDen)),
	}
}

// sayMix says where the traffic of a ratio went, and what it meets there.
func (l *location) sayMix(m Mix) string {
	return fmt.Sprintf("%s, where the ratio has always been %s (%s, elsewhere %s)", m.Shift(), m.Always(), l.format(m.Ratio), l.format(m.Others))
}
