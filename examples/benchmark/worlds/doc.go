// SPDX-License-Identifier: Apache-2.0

// Package worlds generates everyday incidents with known causes, lets culprit explain
// each, and counts how often the answer is what a careful person with the same figures
// would say.
//
// A world is drawn by a seed: leaves of one or several labels with their usual
// rates, noise, and a fault that moves some of them from minute 0 on. The same
// scene is shown in one of three ways: as a table of real and expected values
// ([Table]), as a table over time of which culprit makes the forecast ([Series]),
// or as counters that are asked with PromQL ([Rules]): there the alert, with or
// without a rule, goes the way that it goes in the daemon, with Prometheus' own
// engine behind the HTTP API. [Candidates] are tables of series, of which one is
// the reason.
//
// A family is a kind of incident (families.go). Worlds in which a careful person
// could not see the truth are drawn again; a world is never drawn again because
// of what culprit says.
package worlds
