// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

// past is what a forecast was made of, by which its own errors are told.
type past struct {
	windows, hours ranked  // of a profile: earlier days
	draw           float64 // see [relevel]

	steps  [][]float64 // else the steps before the incident
	smooth bool        // that were smoothed, not averaged
	actual []float64   // of the incident
}

// ofDays forecasts each earlier day's leaves from the other days, at the level of
// their own hour before, as they are forecast today. It is nil if there are too few.
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

// ofSteps forecasts each step's leaves from other steps: for a time that is shorter
// than a step, the mean of fewer samples errs by more. It is nil if there are too few.
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

// mostMiss is that of a value where nothing was expected, or nothing where one was.
const mostMiss = 2

// smoothMisses are those of steps that were forecast from the ones before.
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

// meanMisses are those of steps that were forecast as the median of the others: as
// these are few, one that is no baseline would be in all of their means.
func meanMisses(steps [][]float64) []float64 {
	m, r, others := newMisses(len(steps[0])), rankDays(steps), make([]float64, len(steps[0]))
	for j, step := range steps {
		r.without(j, others)
		m.add(step, others, amount)
	}
	return m.rms()
}

// misses sums up how far forecasts of each leaf were off. Of each leaf the worst is
// left out: it may be that of an earlier incident.
type misses struct {
	squares, worst []float64
	n              int
}

func newMisses(leaves int) *misses {
	return &misses{squares: make([]float64, leaves), worst: make([]float64, leaves)}
}

// amount is a miss as it is.
func amount(actual, expected float64) float64 { return actual - expected }

// inMiddle is a miss as a part of the middle of both.
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

// withoutWorst is the mean square that is left of seven normal errors of variance
// 1 without the worst of them.
const withoutWorst = 0.624

// rms is the root mean square of each leaf; nil if there are too few misses.
func (m *misses) rms() []float64 {
	if m.n < leastResiduals {
		return nil
	}
	for e, s := range m.squares {
		m.squares[e] = math.Sqrt(max(0, s-m.worst[e]) / float64(m.n-1) / withoutWorst)
	}
	return m.squares
}
