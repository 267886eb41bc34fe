// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

// Pseudo-requests: how much traffic a leaf needs to be believed its own rate.
const (
	pseudoBaseline = 50  // of a chosen baseline, scaled to the incident's length
	pseudoDay      = 50  // of a day, against the rate of all
	pseudoHour     = 100 // of an hour, against the leaf's own day
	pseudoShare    = 0.005
)

// Scale turns means into numbers of events: the length of the incident, of an
// hour and of a day in the unit of time of the pieces. For rates a second these
// are seconds; for counts of 5 minutes they are steps.
type Scale struct {
	Window, Hour, Day float64
}

// Ratio forecasts the numerator of a ratio: the events expected of the
// denominator that there was. Multiply by Scale.Window for a number of events.
//
// The rate of a leaf is shrunk: with N and D its events and requests in the
// baseline, g the rate of all, k pseudo-requests,
//
//	ρ_e = (N_e + k·g) / (D_e + k)
//
// With a day of history there are two steps: the leaf's day against the day of
// all (k = 50), then its last hour against its own day at the level of the last
// hour (k = 100). count says that the denominator counts requests; else k is a
// two-hundredth of the typical denominator, since its unit means nothing: more
// would be taken for a move of each small part that is far from the mean. Forecasts
// that came with data that count nothing are taken at their word: to draw them
// together would make a rise of each leaf above the mean, and hide that a mere
// shift of traffic is one.
//
// It returns [ErrHistory] if there is no baseline, and panics if the pieces
// differ in length.
func Ratio(num, den Pieces, scale Scale, count bool) (Forecast, error) {
	num.check()
	den.check()
	if num.leaves() != den.leaves() {
		panic("forecast: numerator and denominator differ in length")
	}
	now := orZero(den.Actual)
	one := func(n, d []float64, events float64, m Method) (Forecast, error) {
		r := rates(n, d, count, events, pseudoBaseline)
		return Forecast{Expected: r.expected(n, d, now), Method: m}, nil
	}
	switch {
	case num.Forecast != nil && den.Forecast != nil && !count:
		r := asGiven(orZero(num.Forecast), orZero(den.Forecast))
		return Forecast{Expected: r.times(now), Method: Given}, nil
	case num.Forecast != nil && den.Forecast != nil:
		return one(orZero(num.Forecast), orZero(den.Forecast), scale.Window, Given)
	case num.Baseline != nil && den.Baseline != nil:
		return one(orZero(num.Baseline), orZero(den.Baseline), scale.Window, Chosen)
	}
	nDay, dDay := filled(num.Day), filled(den.Day)
	nHour, dHour := filled(num.Hour), filled(den.Hour)
	switch {
	case nDay != nil && dDay != nil && nHour != nil && dHour != nil:
		day := rates(nDay, dDay, count, scale.Day, pseudoDay)
		hour, level := day.relevel(nHour, dHour, pseudo(dHour, count, scale.Hour, pseudoHour))
		return Forecast{Expected: hour.expected(nHour, dHour, now), Method: DayRate, Days: 1, Level: level}, nil
	case nHour != nil && dHour != nil:
		return one(nHour, dHour, scale.Hour, HourRate)
	}
	n, d := present(num.Recent), present(den.Recent)
	if len(n) < leastSteps || len(d) < leastSteps {
		return Forecast{}, ErrHistory
	}
	steps := float64(len(d))
	return one(average(n), average(d), scale.Hour*steps/12, HourRate)
}

// shrunk are rates of leaves, and the rate of all.
type shrunk struct {
	rate []float64
	all  float64
}

// expected are the events of leaves with a denominator. A leaf that has none, before and
// now, as a container without a limit, has no rate: it is expected to have what it had.
func (r shrunk) expected(num, den, now []float64) []float64 {
	out := r.times(now)
	for e := range out {
		if den[e] == 0 && now[e] == 0 {
			out[e] = num[e]
		}
	}
	return out
}

// rates shrinks each leaf's rate to that of all. A mean times length is a
// number of events.
func rates(num, den []float64, count bool, length, requests float64) shrunk {
	r := shrunk{rate: make([]float64, len(num))}
	if d := total(den); d > 0 {
		r.all = total(num) / d
	}
	k := pseudo(den, count, length, requests)
	for e := range num {
		if den[e]+k > 0 {
			r.rate[e] = (num[e] + k*r.all) / (den[e] + k)
		}
	}
	return r
}

// asGiven is the rate of each leaf by itself; a leaf without traffic was to have
// the rate of all.
func asGiven(num, den []float64) shrunk {
	r := shrunk{rate: make([]float64, len(num))}
	if d := total(den); d > 0 {
		r.all = total(num) / d
	}
	for e := range num {
		r.rate[e] = num[e] / den[e]
		if !(r.rate[e] <= math.MaxFloat64) { // 0/0, or too small a denominator
			r.rate[e] = r.all
		}
	}
	return r
}

// relevel draws the rates of the last hour to those of the day, raised to the
// level of the last hour, which it returns too.
func (r shrunk) relevel(num, den []float64, k float64) (shrunk, float64) {
	hour := shrunk{rate: make([]float64, len(num))}
	if d := total(den); d > 0 {
		hour.all = total(num) / d
	}
	level := 1.0
	if r.all > 0 {
		level = hour.all / r.all
	}
	for e := range num {
		if den[e]+k > 0 {
			hour.rate[e] = (num[e] + k*r.rate[e]*level) / (den[e] + k)
		}
	}
	return hour, level
}

// pseudo is the number of pseudo-requests, as a mean over the piece.
func pseudo(den []float64, count bool, length, requests float64) float64 {
	if !count || length <= 0 {
		return pseudoShare * typical(den)
	}
	return requests / length
}

// times is the expected numerator of a denominator.
func (r shrunk) times(den []float64) []float64 {
	out := make([]float64, len(den))
	for e := range den {
		out[e] = den[e] * r.rate[e]
	}
	return out
}
