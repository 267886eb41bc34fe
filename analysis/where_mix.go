// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"

	"github.com/culprit-dev/culprit/analysis/adtributor"
	"github.com/culprit-dev/culprit/analysis/localize"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Grew says whether traffic went to these labels rather than away from them.
func (m Mix) Grew() bool { return m.Now > m.Before }

// Shift describes the shift of traffic: "to route=/batch (8 % → 40 % of it)".
func (m Mix) Shift() string {
	way := "away from"
	if m.Grew() {
		way = "to"
	}
	return fmt.Sprintf("%s %s (%s → %s of it)", way, place(m.Labels), words.Percent(m.Before), words.Percent(m.Now))
}

// Always compares the ratio there with elsewhere: "higher" or "lower".
func (m Mix) Always() string {
	if m.Ratio > m.Others {
		return "higher"
	}
	return "lower"
}

// leastMix is the smallest share of a change for which a shift of traffic is mentioned.
const leastMix = 0.15

// shifted returns the label value whose traffic moved a ratio most; nil if none moved it much.
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
			if m := l.shiftOf(d, e); m != nil {
				m.Labels = map[string]string{l.names[d.Label]: l.value(d.Label, e.ID)}
				most = m
			}
		}
	}
	return most
}

// mixOf returns the share of a change due to traffic shifting between the values of a label.
func mixOf(d localize.Dimension) float64 {
	var share float64
	for _, e := range d.Elements {
		share += e.Mix
	}
	return share
}

// shiftOf describes the shift of one value's traffic; nil if it, or everything else, had none.
// The ratios are those before the incident: the expected events in a dimension's table assume
// the current traffic.
func (l *location) shiftOf(d localize.Dimension, e adtributor.Element) *Mix {
	own, all := l.sides(d.Label, e.ID)
	if own.den <= 0 || all.den <= own.den || all.now <= 0 {
		return nil
	}
	return &Mix{
		Share: min(e.Mix, 1), Before: own.den / all.den, Now: own.now / all.now,
		Ratio: finite(own.num / own.den), Others: finite((all.num - own.num) / (all.den - own.den)),
	}
}

// sides are the numerator and denominator of a ratio before the incident, and its denominator
// now.
type sides struct{ num, den, now float64 }

// sides returns the sides of one value of a label, and of all values.
func (l *location) sides(label int, value int32) (own, all sides) {
	m, of := l.input.Measure, func(i int) int32 { return l.input.Codes[label][i] }
	if len(l.input.Marginals) > 0 {
		m, of = l.input.Marginals[label], func(i int) int32 { return int32(i) }
	}
	for i := range m.Parts.ForecastDen {
		s := sides{m.Parts.ForecastNum[i], m.Parts.ForecastDen[i], m.Parts.ActualDen[i]}
		all = sides{all.num + s.num, all.den + s.den, all.now + s.now}
		if of(i) == value {
			own = sides{own.num + s.num, own.den + s.den, own.now + s.now}
		}
	}
	return own, all
}

// sayMix says where traffic went, and what the ratio is there.
func (l *location) sayMix(m Mix) string {
	return fmt.Sprintf("%s, where the ratio has always been %s (%s, elsewhere %s)", m.Shift(), m.Always(), l.format(m.Ratio), l.format(m.Others))
}
