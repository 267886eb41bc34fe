// SPDX-License-Identifier: Apache-2.0

// Package forecast computes the expected value of each leaf of a breakdown during
// an incident.
//
// It works on pieces of time rather than on series: the mean over the incident
// and the same hours of earlier days, the hour before each of them, and a few
// short steps before the incident. A server that can aggregate sends them for
// thousands of leaves in a dozen small answers; [Cut] takes them out of series
// that are at hand.
//
// [Additive] forecasts counts, sums and rates: the median of the same window on
// earlier days gives the leaf's profile, the last hour its level, and a leaf
// too small to have a level of its own takes the one of all. On real traffic of
// 600 leaves that errs by half of what a copy of yesterday or of last week
// does. With less than a day of history it is an exponentially weighted mean of
// two hours, or a plain mean of half an hour. Three days or more also tell what
// a leaf's own forecasts erred by ([Forecast.Errors]).
//
// [Ratio] gives the events that were to be expected of the traffic that there
// was: a leaf's own rate over a day, drawn to the rate of all as far as the
// leaf is small, moved to the level of the last hour. A shift of traffic thus
// drops out, and what remains is an additive measure, with shares that add up.
//
// Forecasts are made for leaves and summed, never for each label on its own:
// so all labels share out one total.
package forecast
