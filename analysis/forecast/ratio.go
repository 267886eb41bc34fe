// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

// Pseudo-requests: how much traffic a leaf needs for its own rate to count.
const (
	pseudoBaseline = 50  // for a chosen baseline, scaled to the incident's length
	pseudoDay      = 50  // for a day, against the overall rate
	pseudoHour     = 100 // for an hour, against the leaf's own day
	pseudoShare    = 0.005
)

// Scale converts means to numbers of events: the length of the incident, of an hour and of a
// day in the time unit of the pieces. For rates per second these are seconds; for counts of 5
// minutes they are steps.
type Scale struct {
	Window, Hour, Day float64
}

// Ratio forecasts the numerator of a ratio: the events expected for the actual denominator.
// Multiply by Scale.Window for a number of events.
//
// The rate of a leaf is shrunk: with N and D its events and requests in the baseline, g the
// overall rate, and k pseudo-requests,
//
//	ρ_e = (N_e + k·g) / (D_e + k)
//
// With a day of history there are two steps: the leaf's day against the overall day (k = 50),
// then its last hour against its own day at the level of the last hour (k = 100). count says
// that the denominator counts requests; else k is a two-hundredth of the typical denominator,
// whose unit is unknown: more would look like a move of each small leaf far from the mean.
// Forecasts that came with the data and count nothing are not shrunk: that would look like a
// rise of each leaf above the mean, and hide a mere shift of traffic.
//
// It returns [ErrHistory] if there is no baseline, and panics if the pieces differ in length.
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

// shrunk are rates of leaves, and the overall rate.
type shrunk struct {
	rate []float64
	all  float64
}

// expected returns the expected events. A leaf without a denominator, before and now, such as a
// container without a limit, has no rate: it is expected to stay the same.
func (r shrunk) expected(num, den, now []float64) []float64 {
	out := r.times(now)
	for e := range out {
		if den[e] == 0 && now[e] == 0 {
			out[e] = num[e]
		}
	}
	return out
}

// rates shrinks each leaf's rate towards the overall rate. A mean times length is a number of
// events.
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

// asGiven returns the rate of each leaf without shrinking; a leaf without traffic has the
// overall rate.
func asGiven(num, den []float64) shrunk {
	r := shrunk{rate: make([]float64, len(num))}
	if d := total(den); d > 0 {
		r.all = total(num) / d
	}
	for e := range num {
		r.rate[e] = num[e] / den[e]
		if !(r.rate[e] <= math.MaxFloat64) { // 0/0, or a tiny denominator
			r.rate[e] = r.all
		}
	}
	return r
}

// relevel shrinks the rates of the last hour towards those of the day, scaled to the level of
// the last hour, which it also returns.
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

// pseudo returns the pseudo-requests, as a mean over the piece.
func pseudo(den []float64, count bool, length, requests float64) float64 {
	if !count || length <= 0 {
		return pseudoShare * typical(den)
	}
	return requests / length
}

// times returns the expected numerator for a denominator.
func (r shrunk) times(den []float64) []float64 {
	out := make([]float64, len(den))
	for e := range den {
		out[e] = den[e] * r.rate[e]
	}
	return out
}
