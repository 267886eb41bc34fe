// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

// past is what a forecast was made of, by which its own errors are told.
type past struct {
	windows, hours ranked  // of a profile: earlier days
	draw           float64 // see [relevel]

	steps  [][]float64 // else the steps before the incident
	smooth bool        // that were smoothed, not averaged
}

// errors forecasts each earlier day's leaves from the other days, at the
// level of their own hour before, as they are forecast today; or each step's
// from the others, for a time that is shorter than a step as much larger as the mean
// of fewer samples errs. It is nil where too few of them are known.
func (p *past) errors(seconds float64) []float64 {
	switch {
	case p == nil:
		return nil
	case p.steps == nil:
		return p.ofDays()
	}
	rms := meanMisses
	if p.smooth {
		rms = smoothMisses
	}
	out := rms(p.steps)
	if 0 < seconds && seconds < shortStep {
		for e, x := range out {
			out[e] = min(x*math.Sqrt(shortStep/seconds), mostMiss)
		}
	}
	return out
}

// mostMiss is that of a value where nothing was expected, or nothing where one was.
const mostMiss = 2

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
		m.add(w, expected)
	}
	return m.rms()
}

// smoothMisses are those of steps that were forecast from the ones before.
func smoothMisses(steps [][]float64) []float64 {
	level, m := smooth(steps[:1]), newMisses(len(steps[0]))
	for _, step := range steps[1:] {
		m.add(step, level)
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
		m.add(step, others)
	}
	return m.rms()
}

// misses sums up how far forecasts of each leaf were off, as parts of the middle of
// forecast and actual value. Of each leaf the worst is left out: it may be that of
// an earlier incident.
type misses struct {
	squares, worst []float64
	n              int
}

func newMisses(leaves int) *misses {
	return &misses{squares: make([]float64, leaves), worst: make([]float64, leaves)}
}

func (m *misses) add(actual, expected []float64) {
	m.n++
	for e, x := range actual {
		if middle := (x + expected[e]) / 2; middle > 0 {
			d := (x - expected[e]) / middle
			m.squares[e] += d * d
			m.worst[e] = max(m.worst[e], d*d)
		}
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
