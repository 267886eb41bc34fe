// SPDX-License-Identifier: Apache-2.0

// Package judge decides which label sets moved by themselves, whether all leaves of a table
// moved alike, and how far each of these statements can be trusted. It uses one likelihood for
// all of them.
//
// A leaf with forecast f and actual value a has the mean m = (a+f)/2, raised
// slightly, and the deviation
//
//	d = (a−f)/m             between −2 (vanished) and 2 (appeared)
//	w = m²/s²,  s² = φm + (κm)²  its precision,
//
// where s is at least the error of the leaf's own past forecasts.
// Leaves that changed by one factor have one d, whatever their size: the
// generalised ripple effect (Li et al., "Generic and Robust Localization of
// Multi-Dimensional Root Causes", ISSRE 2019). A model is a background and some
// sets, each with its own d. Its cost is −2 ln of its likelihood, without
// constants, plus the price of its claims:
//
//	Σ_leaves ( −ln w + w(d − d_group)² ) + Σ_sets price + prior(κ)
//
// A background with factor 1 is free, one with its own factor has a small price. A
// set costs twice the logarithm of the number of sets considered, and a little more.
// κ, the relative noise, is fitted with each model: the leaves outside the sets show
// how noisy the table is, so that a fault in the largest leaf is not mistaken for the
// noise of large leaves.
//
// Whether a set moved is therefore also a statement about the rest. Everything moved
// alike if the background has its own factor and no set is worth its price; this needs
// the rest to have moved by the same factor without the heaviest value of each label,
// too ([Model.Alike]).
//
// [Table.Search] considers all sets of a small table. For a large one, package grescan
// proposes the sets, with noise fitted to bands of sizes; [Table.Judge] is the same for
// both.
package judge
