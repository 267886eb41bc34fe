// SPDX-License-Identifier: Apache-2.0

package adtributor

import "math"

// unstableSum is the fraction of a ratio's change below which the sum of equation 8 can't be
// used to normalise.
const unstableSum = 0.25

// powers fills in the explanatory power of the elements of one dimension (and the two effects
// of a ratio), and says whether a ratio's is the exact split.
func (m *measure) powers(els []Element, gross bool, mode Mode) (exact bool) {
	if m.ratio && !m.noBaseline() && !m.outage() {
		exact = m.ratioPowers(els, mode)
	} else {
		m.plainPowers(els)
	}
	if gross {
		m.grossPowers(els)
	}
	return exact
}

// plainPowers is equation 4. It also serves a ratio with traffic in one window only, by its
// numerators.
func (m *measure) plainPowers(els []Element) {
	d := m.total.Actual - m.total.Forecast
	if math.Abs(d) <= tinyMove*m.total.Forecast {
		return
	}
	for k := range els {
		els[k].EP = (els[k].Actual - els[k].Forecast) / d
	}
}

// ratioPowers is equation 8, normalised, or the exact split if the former has no stable sum.
func (m *measure) ratioPowers(els []Element, mode Mode) (exact bool) {
	change := m.value(m.total.Actual, m.total.ActualDen) - m.value(m.total.Forecast, m.total.ForecastDen)
	if change == 0 {
		return true
	}
	var sum float64
	defined := true
	for k := range els {
		e := &els[k]
		rate, mix := m.effects(e)
		e.Rate, e.Mix = rate/change, mix/change
		raw, ok := m.partial(e)
		e.EP = raw
		defined = defined && ok
		sum += raw
	}
	stable := defined && sum != 0
	if mode == Complete {
		stable = stable && math.Abs(sum) >= unstableSum*math.Abs(change) && sum > 0 == (change > 0)
	}
	for k := range els {
		if stable {
			els[k].EP /= sum
		} else {
			els[k].EP = els[k].Rate + els[k].Mix
		}
	}
	return !stable
}

// partial is the unnormalised equation 8: the ratio with this element at its actual values and
// all others at their forecasts, minus the forecast ratio. It is undefined if the element had
// all of the denominator and lost it.
func (m *measure) partial(e *Element) (raw float64, ok bool) {
	d1, d2 := e.Actual-e.Forecast, e.ActualDen-e.ForecastDen
	f1, f2 := m.total.Forecast, m.total.ForecastDen
	if f2+d2 <= tinyMove*f2 {
		return 0, false
	}
	return (d1*f2 - d2*f1) / (f2 * (f2 + d2)), true
}

// Effects splits the change of a ratio exactly: with w an element's share of the denominator
// and r its own ratio,
//
//	h_A − h_F = Σ w^A (r^A − r^F) + Σ (w^A − w^F)(r^F − r_F)
//
// where r_F is the forecast ratio of the whole. The first sum is about rates (the element got
// worse), the second about traffic (more went where it was bad before). An element without a
// baseline is assumed to have had the ratio of the whole; one without traffic has no rate
// effect.
//
// Both are in the unit of the ratio. all must have denominators.
func Effects(part, all Totals) (rate, mix float64) {
	overall := all.Forecast / all.ForecastDen
	before := overall
	if part.ForecastDen != 0 {
		before = part.Forecast / part.ForecastDen
	}
	wA, wF := part.ActualDen/all.ActualDen, part.ForecastDen/all.ForecastDen
	if part.ActualDen != 0 {
		rate = wA * (part.Actual/part.ActualDen - before)
	}
	return rate, (wA - wF) * (before - overall)
}

func (m *measure) effects(e *Element) (rate, mix float64) {
	return Effects(Totals{e.Forecast, e.Actual, e.ForecastDen, e.ActualDen}, m.total)
}

// contribution returns an element's signed part of the change, in the unit of the measure.
func (m *measure) contribution(e *Element) float64 {
	if !m.ratio || m.noBaseline() || m.outage() {
		return e.Actual - e.Forecast
	}
	rate, mix := m.effects(e)
	return rate + mix
}

// grossPowers uses shares of Σ|Δ| instead of ΣΔ: of everything that moved, in any direction,
// under a total that did not.
func (m *measure) grossPowers(els []Element) {
	var sum float64
	for k := range els {
		sum += math.Abs(m.contribution(&els[k]))
	}
	for k := range els {
		e := &els[k]
		if sum == 0 {
			e.EP = 0
			continue
		}
		e.EP = math.Abs(m.contribution(e)) / sum
		if m.ratio && !m.outage() && !m.noBaseline() {
			rate, mix := m.effects(e)
			e.Rate, e.Mix = rate/sum, mix/sum
		}
	}
}

// still says whether no element moved at all.
func (m *measure) still() bool {
	for _, els := range m.dims {
		var sum float64
		for k := range els {
			sum += math.Abs(m.contribution(&els[k]))
		}
		if sum > tinyMove*m.value(m.total.Forecast, m.total.ForecastDen) {
			return false
		}
	}
	return true
}
