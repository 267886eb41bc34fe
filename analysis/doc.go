// SPDX-License-Identifier: Apache-2.0

// Package analysis finds the causes of a change of a KPI.
//
// It takes a [Frame] (the KPI, the KPI split by labels, and candidate series,
// all before and during an incident) and returns a [Result]: one verdict and
// one ranked list of [Finding] values, each with its arithmetic.
//
// The package and everything below it is pure. It does no I/O, reads no clock
// and logs nothing: the same Frame and Options give the same bytes. Doubt
// travels in the Result, as warnings and as lower confidence, never as a
// failure of the whole.
//
// The methods live in packages of their own (adtributor, grescan, forecast,
// bmfs, attribution, rank, pcalg, …), which know slices and matrices only. This
// package gives their columns names, runs them, and turns what they say into
// findings that a person understands.
package analysis
