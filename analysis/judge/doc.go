// SPDX-License-Identifier: Apache-2.0

// Package judge decides which sets of label values moved by themselves and whether
// all leaves of a table moved alike, and how far each of these statements can be
// trusted. It uses one likelihood for all of them.
//
// A leaf with forecast f and actual value a has the middle m = (a+f)/2, a
// little raised, and the deviation
//
//	d = (a−f)/m             between −2 (vanished) and 2 (appeared)
//	w = m²/s²,  s² = φm + (κm)²  its precision,
//
// where a leaf whose own past forecasts erred by more has their error instead.
// Leaves that changed by one factor have one d, whatever their size: the
// generalised ripple effect (Li et al., "Generic and Robust Localization of
// Multi-Dimensional Root Causes", ISSRE 2019). A model is a background and some
// sets, each with a d of its own. Its cost is −2 ln of its likelihood, without
// constants, and the price of what it claims:
//
//	Σ_leaves ( −ln w + w(d − d_group)² ) + Σ_sets price + prior(κ)
//
// The background has factor 1 for nothing, or one of its own at a small price.
// A set costs twice the logarithm of the number of sets that were looked at,
// and a little. κ, the relative noise, is fitted with each model: what the sets
// leave over says how noisy the table is, so that the fault of the largest leaf
// is not taken for the noise of large leaves.
//
// Whether a set moved is thus a statement about the rest, too. Everything moved
// alike where the background has a factor of its own and no set earns its
// price; and that is seen only where, without the heaviest value of each label,
// the rest still moved by the same factor ([Model.Alike]).
//
// [Table.Search] looks at all sets of a small table. In a large one a search of
// its own (package grescan) proposes, with a noise fitted to bands of sizes;
// [Table.Judge] is the same for both.
package judge
