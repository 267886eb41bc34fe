// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// An earlier incident is no baseline, nor is the beginning of this one if its alert came late.
// Both are outliers among the recent steps: rare, and far from most of them. They are set
// aside.
const (
	asideSD        = 6    // robust standard deviations from the baseline
	asideShare     = 0.2  // and this share of the baseline
	asideStretches = 3    // more stretches than this are a leaf's habit
	asideWhole     = 0.05 // and for a leaf, this share of the whole: smaller is no incident
	asideSteps     = 6    // fewest steps that determine a baseline
)

// Steps describes the recent steps of a measure.
type Steps struct {
	Length float64 // of one, in seconds
	Event  float64 // value of one event in 5 minutes in the pieces; 0: nothing is counted
	Known  []bool  // step → known to be no baseline; nil: none
}

// SetAside replaces outliers by baseline values in the pieces for a forecast: for all leaves in
// the steps in which the whole left its band, and for a leaf in those in which it left its own.
// den is the denominator of a ratio, whose baseline is a rate; nil: the measure is additive.
//
// It returns the pieces of num, copied where changed, and which recent steps are no baseline;
// nil if none is excluded. With less than half an hour of usable steps, the baseline comes
// from earlier days. Without these, as on a new server, the few usable steps replace those
// known to be no baseline, and no others are judged.
func SetAside(num Pieces, den *Pieces, s Steps) (Pieces, []bool) {
	steps := len(num.Recent)
	if s.Known == nil {
		s.Known = make([]bool, steps)
	}
	if den != nil && len(den.Recent) != steps || slices.ContainsFunc(num.Recent, func(x []float64) bool { return x == nil }) {
		return num, nil
	}
	a := aside{Steps: s, num: num, den: den}
	if den == nil && steps > 0 {
		a.renamed()
		num = a.num
	}
	whole := a.course(totalOf)
	if !whole.judged() {
		if pieces, said := a.fromEarlierDays(); said != nil {
			return pieces, said
		}
		return a.withoutKnown(whole)
	}
	all := whole.outliers(a.Event, make([]float64, steps))
	for t, known := range s.Known {
		all[t] = all[t] || known
	}
	a.copy()
	said := a.repairAll(all, whole)
	if !slices.Contains(said, true) {
		return num, nil
	}
	return a.num, said
}

// Stretches returns the times of the recent steps that were set aside. The last step ends at
// end, in Unix seconds.
func (s Steps) Stretches(aside []bool, end float64) []Span {
	var list []Span
	for t, is := range aside {
		from := end - float64(len(aside)-t)*s.Length
		switch n := len(list); {
		case !is:
		case n > 0 && list[n-1].End == from:
			list[n-1].End = from + s.Length
		default:
			list = append(list, Span{Onset: from, End: from + s.Length})
		}
	}
	return list
}

// aside is a measure whose steps are judged.
type aside struct {
	Steps
	num Pieces
	den *Pieces
}

// course is the whole, or a leaf, over the recent steps.
type course struct {
	value, weight []float64
	known         []bool
	rate          float64 // baseline per weight
}

func (c course) usual(t int) float64 { return c.rate * c.weight[t] }

// totalOf and leafOf extract the whole or a leaf from a step.
func totalOf(step []float64) float64 {
	var sum float64
	for _, x := range step {
		if !math.IsNaN(x) {
			sum += x
		}
	}
	return sum
}

func leafOf(e int) func([]float64) float64 {
	return func(step []float64) float64 {
		if math.IsNaN(step[e]) { // no sample is no event
			return 0
		}
		return step[e]
	}
}

func (a *aside) course(of func([]float64) float64) course {
	c := course{known: a.Known}
	for t, step := range a.num.Recent {
		weight := 1.0
		if a.den != nil {
			weight = of(a.den.Recent[t])
		}
		c.value, c.weight = append(c.value, of(step)), append(c.weight, weight)
	}
	var rates []float64
	for t, w := range c.weight {
		if w > 0 && !c.known[t] {
			rates = append(rates, c.value[t]/w)
		}
	}
	if len(rates) > 0 {
		c.rate = order.MedianInPlace(rates)
	}
	return c
}

// judged says whether there are enough steps for a baseline.
func (c course) judged() bool {
	n := 0
	for t, known := range c.known {
		if !known && c.weight[t] > 0 {
			n++
		}
	}
	return n >= asideSteps
}

// outliers marks the steps that are far from the baseline, by more than least. If half of the steps
// are far, or steps are far again and again, that is normal.
func (c course) outliers(event float64, least []float64) []bool {
	off := make([]float64, len(c.value))
	var known []float64
	for t, x := range c.value {
		off[t] = x - c.usual(t)
		if !c.known[t] {
			known = append(known, off[t])
		}
	}
	sd := order.RobustSD(known)
	far := make([]bool, len(off))
	n, stretches := 0, 0
	for t, d := range off {
		chance := math.Sqrt(event * max(c.usual(t), event)) // for counts
		far[t] = !c.known[t] && math.Abs(d) > max(asideSD*max(sd, chance), asideShare*c.usual(t), least[t])
		if far[t] {
			n++
			if t == 0 || !far[t-1] {
				stretches++
			}
		}
	}
	if 2*n >= len(known) || stretches > asideStretches {
		return make([]bool, len(off))
	}
	return far
}

// fromEarlierDays replaces the recent steps and the last hour by values from earlier days, if most of
// them are known to be no baseline.
func (a *aside) fromEarlierDays() (Pieces, []bool) {
	if !slices.Contains(a.Known, true) {
		return a.num, nil
	}
	num := a.num
	switch _, hours := days(num); {
	case a.den == nil && len(hours) > 0:
		num.Hour = medians(hours)
	case a.den != nil && num.Day != nil && a.den.Day != nil && a.den.Hour != nil:
		num.Day, num.Hour = slices.Clone(num.Day), make([]float64, len(num.Day))
		for e := range num.Day {
			rate := a.dayRate(e)
			num.Day[e], num.Hour[e] = rate*a.den.Day[e], rate*a.den.Hour[e]
		}
	default:
		return num, nil
	}
	num.Recent = slices.Clone(num.Recent)
	for t, known := range a.Known {
		if known {
			num.Recent[t] = nil
		}
	}
	return num, a.Known
}

// withoutKnown repairs every leaf in the steps that are known to be no baseline, if any other
// steps are left.
func (a *aside) withoutKnown(whole course) (Pieces, []bool) {
	if _, ok := whole.mean(a.Known, 0); !ok || !slices.Contains(a.Known, true) {
		return a.num, nil
	}
	a.copy()
	for e := range a.num.Recent[0] {
		a.repair(e, a.course(leafOf(e)), a.Known)
	}
	return a.num, a.Known
}

// dayRate returns a leaf's rate over the day without the steps known to be no baseline.
func (a *aside) dayRate(e int) float64 {
	value, weight := a.num.Day[e]*day, a.den.Day[e]*day
	for t, known := range a.Known {
		if known {
			value -= leafOf(e)(a.num.Recent[t]) * a.Length
			weight -= leafOf(e)(a.den.Recent[t]) * a.Length
		}
	}
	if !(value > 0 && weight > 0) { // also without samples
		return 0
	}
	return value / weight
}

// copy clones the pieces that may change.
func (a *aside) copy() {
	a.num.Hour, a.num.Day = slices.Clone(a.num.Hour), slices.Clone(a.num.Day)
	recent := make([][]float64, len(a.num.Recent))
	for t, step := range a.num.Recent {
		recent[t] = slices.Clone(step)
	}
	a.num.Recent = recent
}

// repairAll repairs every leaf in the steps all and in those in which it is far from its own
// baseline. It returns the steps in which any leaf is.
func (a *aside) repairAll(all []bool, whole course) []bool {
	said, least := slices.Clone(all), make([]float64, len(all))
	for t := range least {
		least[t] = asideWhole * whole.usual(t)
	}
	for e := range a.num.Recent[0] {
		c := a.course(leafOf(e))
		off := c.outliers(a.Event, least)
		for t := range off {
			off[t] = off[t] || all[t]
			said[t] = said[t] || off[t]
		}
		if slices.Contains(off, true) {
			a.repair(e, c, off)
		}
	}
	return said
}

// repair replaces the values of a leaf in the steps off by the mean of its last hour without
// those.
func (a *aside) repair(e int, c course, off []bool) {
	last := a.lastHour()
	rate, ok := c.mean(off, last)
	if !ok {
		if rate, ok = c.mean(off, 0); !ok {
			return
		}
	}
	a.put(e, c, off, rate)
}

// put replaces the values of a leaf in the steps off by a rate.
func (a *aside) put(e int, c course, off []bool, rate float64) {
	last := a.lastHour()
	inHour := false
	for t, is := range off {
		if !is {
			continue
		}
		usual := rate * c.weight[t]
		a.num.Recent[t][e] = usual
		inHour = inHour || t >= last
		if a.num.Day != nil {
			a.num.Day[e] = max(0, a.num.Day[e]-(c.value[t]-usual)*a.Length/day)
		}
	}
	if inHour && a.num.Hour != nil {
		sum := 0.0
		for _, step := range a.num.Recent[last:] {
			sum += leafOf(e)(step)
		}
		a.num.Hour[e] = sum / float64(len(off)-last)
	}
}

// lastHour returns the first step of the last hour.
func (a *aside) lastHour() int {
	return max(0, len(a.num.Recent)-int(math.Round(hour/a.Length)))
}

// mean returns the mean rate since a step, without the steps off; ok is false for fewer than
// three steps.
func (c course) mean(off []bool, since int) (rate float64, ok bool) {
	n := 0
	var value, weight float64
	for t := since; t < len(off); t++ {
		if !off[t] {
			value, weight = value+c.value[t], weight+c.weight[t]
			n++
		}
	}
	if n < leastSteps || weight <= 0 {
		return 0, false
	}
	return value / weight, true
}
