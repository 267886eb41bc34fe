// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math"
	"time"
)

// The behaviour of a world's series.

func (m *worldMaker) patterns(w *world, s worldSelector) []pattern {
	ps := make([]pattern, w.regimes)
	for r := range ps {
		ps[r] = steady(m.behaviour(w, s))
		ps[r].heavy = m.rng.IntN(12) - 6
		if m.rng.IntN(3) == 0 {
			ps[r].then, ps[r].turn = m.behaviour(w, s), m.turn(w)
		}
		ps[r].first.absent = ps[r].first.absent || m.outage[r]
	}
	return ps
}

// turn is a time within the regime, often near its end.
func (m *worldMaker) turn(w *world) time.Duration {
	end := w.length
	if m.rng.IntN(2) == 0 {
		return end - time.Duration(1+m.rng.IntN(10))*time.Minute + w.step
	}
	return (time.Duration(m.rng.Float64()*float64(end)) / w.step) * w.step
}

func (m *worldMaker) pick() float64 {
	v := m.numbers[m.rng.IntN(len(m.numbers))]
	if m.ranked && !m.equals {
		v += 1e-6 * m.rng.Float64()
	}
	return v
}

func (m *worldMaker) behaviour(w *world, s worldSelector) behaviour {
	p := behaviour{base: m.pick(), other: math.NaN()}
	dice := m.rng.IntN(100)
	switch {
	case dice < 6:
		p.absent = true
	case dice < 9:
		p.silent = true
	case s.counter > 0:
		p.base, p.slope = 0, math.Abs(m.pick())
		if dice < 50 {
			p.slope /= s.counter.Seconds() // the same as an increase
		}
	case m.clock && dice < 60:
		p.ago = true
	case dice < 75:
	case dice < 82: // a line that reaches a number later
		p.slope = (m.pick() - p.base) / w.length.Seconds()
	case dice < 88:
		p.slope = m.pick()
	default:
		p.other = m.pick()
	}
	return p
}
