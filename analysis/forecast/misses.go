// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

// past is the data of a forecast, from which its errors are computed.
type past struct {
	windows, hours ranked  // for a profile: earlier days
	draw           float64 // see [relevel]

	steps  [][]float64 // otherwise the steps before the incident
	smooth bool        // steps were smoothed, not averaged
	actual []float64   // in the incident
}

// ofDays forecasts each earlier day's leaves from the other days, scaled to the hour before,
// like today's forecast. It is nil if there are too few days.
func (p *past) ofDays() []float64 {
	n := p.windows.leaves()
	m, expected, ref := newMisses(n), make([]float64, n), make([]float64, n)
	if len(p.windows.days) < leastResiduals {
		return nil
	}
	for j, w := range p.windows.days {
		p.windows.without(j, expected)
		p.hours.without(j, ref)
		relevel(expected, ref, p.hours.days[j], p.draw)
		m.add(w, expected, inMiddle)
	}
	return m.rms()
}

// ofSteps forecasts each step's leaves from other steps. For an incident shorter than a step,
// the mean of fewer samples has a larger error. It is nil if there are too few steps.
func (p *past) ofSteps(seconds float64) []float64 {
	rms := meanMisses
	if p.smooth {
		rms = smoothMisses
	}
	out := rms(p.steps)
	if 0 < seconds && seconds < shortStep {
		for e := range out {
			out[e] *= math.Sqrt(shortStep / seconds)
		}
	}
	return out
}

// mostMiss is the relative error if nothing was expected, or nothing came.
const mostMiss = 2

// smoothMisses returns the errors of forecasting steps from those before.
func smoothMisses(steps [][]float64) []float64 {
	level, m := smooth(steps[:1]), newMisses(len(steps[0]))
	for _, step := range steps[1:] {
		m.add(step, level, amount)
		for e := range level {
			level[e] += ewmaAlpha * (step[e] - level[e])
		}
	}
	return m.rms()
}

// meanMisses returns the errors of forecasting steps by the median of the others: they are few,
// and an outlier would affect all of their means.
func meanMisses(steps [][]float64) []float64 {
	m, r, others := newMisses(len(steps[0])), rankDays(steps), make([]float64, len(steps[0]))
	for j, step := range steps {
		r.without(j, others)
		m.add(step, others, amount)
	}
	return m.rms()
}

// misses sums up the errors of each leaf, without the worst: it may be an earlier incident.
type misses struct {
	squares, worst []float64
	n              int
}

func newMisses(leaves int) *misses {
	return &misses{squares: make([]float64, leaves), worst: make([]float64, leaves)}
}

// amount is an absolute error.
func amount(actual, expected float64) float64 { return actual - expected }

// inMiddle is an error relative to the mean of both values.
func inMiddle(actual, expected float64) float64 {
	if middle := (actual + expected) / 2; middle > 0 {
		return (actual - expected) / middle
	}
	return 0
}

func (m *misses) add(actual, expected []float64, miss func(actual, expected float64) float64) {
	m.n++
	for e, x := range actual {
		d := miss(x, expected[e])
		m.squares[e] += d * d
		m.worst[e] = max(m.worst[e], d*d)
	}
}

// withoutWorst is the mean square of seven standard normal errors without the largest of them.
const withoutWorst = 0.624

// rms returns the root mean square of each leaf; nil if there are too few errors.
func (m *misses) rms() []float64 {
	if m.n < leastResiduals {
		return nil
	}
	for e, s := range m.squares {
		m.squares[e] = math.Sqrt(max(0, s-m.worst[e]) / float64(m.n-1) / withoutWorst)
	}
	return m.squares
}
