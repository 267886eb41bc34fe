// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// Constants of the forecast.
const (
	profileDays = 6    // days in a profile
	weekDay     = 7    // the same weekday, which joins them
	ewmaSteps   = 23   // steps of 5 minutes in 2 hours, minus the one before the incident
	ewmaAlpha   = 0.3  // weight of the newest step
	meanSteps   = 6    // steps in half an hour
	leastSteps  = 3    // fewest usable steps: 20 minutes, minus one step
	levelEvents = 5    // events per step by which a leaf's level is shrunk towards the overall one
	levelShare  = 0.05 // the same as a share of the typical leaf, if nothing is counted
)

// ErrHistory says that there is not enough history for any forecast.
var ErrHistory = errors.New("not enough history for a forecast: 20 minutes before the incident are needed; choose a baseline of your own")

// Method is the way a forecast was made.
type Method int

// The methods, the best first.
const (
	Given    Method = iota // came with the data
	Chosen                 // mean of a baseline that the user chose
	Profile                // same window on earlier days, scaled to the level of the last hour
	Smoothed               // exponentially weighted mean of 2 hours
	Mean                   // mean of the last half hour
	DayRate                // for a ratio: rates of a day, scaled to the level of the last hour
	HourRate               // for a ratio: rates of the last hour
)

// Forecast is the expected value of each leaf.
type Forecast struct {
	Expected []float64 // in the unit of the pieces
	Method   Method
	Days     int     // earlier days in the profile
	Level    float64 // of the last hour relative to the same hour of those days; 0: unknown
	SD       float64 // robust standard deviation of past errors of the total; 0: unknown

	past *past
}

// Errors returns the root mean square of each leaf's past errors over the length of an incident
// (0: unknown), relative to the mean of forecast and actual value: from 0 to 2. nil: unknown.
//
// Errors on earlier days are relative to the values then. Those of the steps before the
// incident are absolute: a leaf that alternated between 0 and 1 is not expected to be 400.
func (f Forecast) Errors(seconds float64) []float64 {
	switch {
	case f.past == nil:
		return nil
	case f.past.steps == nil:
		return f.past.ofDays()
	}
	out := f.past.ofSteps(seconds)
	for e, x := range out {
		if middle := f.Expected[e]/2 + f.past.actual[e]/2; middle > 0 {
			out[e] = min(x/middle, mostMiss)
		}
	}
	return out
}

// String describes the forecast, for a report.
func (f Forecast) String() string {
	switch f.Method {
	case Given:
		return "forecast given with the data"
	case Chosen:
		return "mean of the chosen baseline"
	case Profile:
		return fmt.Sprintf("median of the same window on %d earlier days, at the level of the last hour (×%.2f)", f.Days, f.Level)
	case Smoothed:
		return "exponentially weighted mean of the last 2 hours (less than a day of history)"
	case Mean:
		return "mean of the last half hour (less than 2 hours of history)"
	case DayRate:
		return fmt.Sprintf("each part's rate over 24 hours, at the level of the last hour (×%.2f)", f.Level)
	default:
		return "each part's rate over the last hour (less than a day of history)"
	}
}

// Additive forecasts an additive measure by the best method that its pieces allow. unit is the
// value of a piece for one event in 5 minutes (1/300 for a rate per second, 1 for counts of 5
// minutes); 0 means that the measure counts no events.
//
// It returns [ErrHistory] if there is too little history, and panics if the pieces differ in
// length.
func Additive(p Pieces, unit float64) (Forecast, error) {
	p.check()
	switch {
	case p.Forecast != nil:
		return Forecast{Expected: orZero(p.Forecast), Method: Given}, nil
	case p.Baseline != nil:
		return Forecast{Expected: orZero(p.Baseline), Method: Chosen}, nil
	}
	if f, ok := profile(p, unit); ok {
		return f, nil
	}
	recent := present(p.Recent)
	switch {
	case len(recent) >= ewmaSteps:
		return Forecast{Expected: smooth(recent), Method: Smoothed, SD: smoothSD(recent), past: &past{steps: recent, smooth: true, actual: orZero(p.Actual)}}, nil
	case len(recent) >= leastSteps:
		last := recent[max(0, len(recent)-meanSteps):]
		return Forecast{Expected: average(last), Method: Mean, SD: meanSD(last), past: &past{steps: last, actual: orZero(p.Actual)}}, nil
	}
	return Forecast{}, ErrHistory
}

// profile returns the median over earlier days, scaled to the current level: with now_e the
// mean of the last hour, ref_e the same hour's profile, and r the ratio of their sums,
//
//	F_e = profile_e · (now_e + c·r) / (ref_e + c)
//
// c shrinks small leaves towards the overall level r. A leaf that began within these days has
// the profile of the days since. One that began later is forecast from the recent steps: it was
// not at zero before, it had another name, like the pods of a workload before a rollout.
func profile(p Pieces, unit float64) (Forecast, bool) {
	now := filled(p.Hour)
	windows, hours := days(p)
	if now == nil || len(windows) == 0 {
		return Forecast{}, false
	}
	past := &past{windows: rankDays(windows), hours: rankDays(hours)}
	expected, ref := past.windows.medians(), past.hours.medians()
	past.draw = levelEvents * unit
	if unit == 0 {
		past.draw = levelShare * typical(ref)
	}
	y := young{windows: windows, hours: hours, least: past.draw}
	never := y.sinceBegun(expected, ref)
	level := relevel(expected, ref, now, past.draw)
	if recent := present(p.Recent); len(recent) >= leastSteps {
		now = smooth(recent)
	}
	for _, e := range never {
		expected[e] = now[e]
	}
	return Forecast{Expected: expected, Method: Profile, Days: len(windows), Level: level, SD: profileSD(windows, hours), past: past}, true
}

// relevel scales a profile for an hour that was expected to be ref; leaves that are small
// compared with draw follow the overall level, which it returns.
func relevel(expected, ref, now []float64, draw float64) float64 {
	level := 1.0
	if s := total(ref); s > 0 {
		level = total(now) / s
	}
	for e := range expected {
		if ref[e]+draw > 0 {
			expected[e] *= (now[e] + draw*level) / (ref[e] + draw)
		}
	}
	return level
}

// days returns the earlier days with both the window and the hour before it: of the last week,
// and of the same weekday in the weeks before.
func days(p Pieces) (windows, hours [][]float64) {
	for j := range min(len(p.Profile), len(p.Level)) {
		if back := j + 1; back > weekDay && back%weekDay != 0 {
			continue
		}
		w, h := filled(p.Profile[j]), filled(p.Level[j])
		if w != nil && h != nil {
			windows = append(windows, w)
			hours = append(hours, h)
		}
	}
	return windows, hours
}

// smooth returns the exponentially weighted mean of the steps.
func smooth(steps [][]float64) []float64 {
	s := slices.Clone(steps[0])
	for _, step := range steps[1:] {
		for e := range s {
			s[e] += ewmaAlpha * (step[e] - s[e])
		}
	}
	return s
}

// average returns the mean of the steps.
func average(steps [][]float64) []float64 {
	s := make([]float64, len(steps[0]))
	for _, step := range steps {
		for e := range s {
			s[e] += step[e] / float64(len(steps))
		}
	}
	return s
}

// medians returns the median over days of each leaf.
func medians(days [][]float64) []float64 {
	out := make([]float64, len(days[0]))
	buf := make([]float64, len(days))
	for e := range out {
		for j := range days {
			buf[j] = days[j][e]
		}
		out[e] = order.MedianInPlace(buf)
	}
	return out
}

// typical returns the median of the leaves with any volume.
func typical(piece []float64) float64 {
	volume := make([]float64, 0, len(piece))
	for _, x := range piece {
		if x > 0 {
			volume = append(volume, x)
		}
	}
	if len(volume) == 0 {
		return 0
	}
	return order.MedianInPlace(volume)
}

// orZero returns the piece with NaN replaced by 0.
func orZero(piece []float64) []float64 {
	out := slices.Clone(piece)
	for i, x := range out {
		if math.IsNaN(x) {
			out[i] = 0
		}
	}
	return out
}
