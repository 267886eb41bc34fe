// SPDX-License-Identifier: Apache-2.0

// Package worlds generates everyday incidents with known causes, lets culprit explain each, and
// counts how often the answer is what a careful person with the same figures would say.
//
// A world is drawn by a seed: leaves of one or several labels with their usual rates, noise, and a
// fault that moves some of them from minute 0 on. The same scene is shown in one of three ways: as
// a table of real and expected values ([Table]), as a table over time that culprit forecasts itself
// ([Series]), or as counters behind PromQL ([Rules]): there the alert, with or without a rule,
// takes the daemon's path, with Prometheus' own engine behind the HTTP API. [Candidates] are tables
// of series, one of which is the reason.
//
// A family is a kind of incident (families.go). Worlds in which a careful person could not see the
// truth are drawn again; culprit's answer never causes another draw.
package worlds
