// SPDX-License-Identifier: Apache-2.0

// Package forecast computes the expected value of each leaf of a breakdown during
// an incident.
//
// It works on pieces of time rather than on series: the mean over the incident
// and the same hours of earlier days, the hour before each of them, and a few
// short steps before the incident. A server that can aggregate sends them for
// thousands of leaves in a dozen small answers; [Cut] takes them from series
// that are already loaded.
//
// [Additive] forecasts counts, sums and rates: the median of the same window on
// earlier days gives the leaf's profile, the last hour its level, and a leaf
// too small to have a level of its own uses that of the total. On real traffic with
// 600 leaves its error is half that of a copy of yesterday or of last week. With less than a day of history it is an exponentially weighted mean of
// two hours, or a plain mean of half an hour. Three days or more also give the
// error of each leaf's own past forecasts ([Forecast.Errors]).
//
// [Ratio] gives the number of events expected for the actual traffic: a leaf's own
// rate over a day, shrunk towards the overall rate the smaller the leaf is, and scaled
// to the level of the last hour. Traffic shifts thus cancel out, and an additive
// measure remains, with shares that add up.
//
// Forecasts are made for leaves and summed, never for each label by itself, so
// that all labels add up to one total.
package forecast
