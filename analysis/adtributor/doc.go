// SPDX-License-Identifier: Apache-2.0

// Package adtributor finds the label values that explain the change of a
// measure, one label at a time.
//
// It is the algorithm of Bhagwan et al., "Adtributor: Revenue Debugging in
// Advertising Systems", NSDI 2014 (called the paper below). A dimension is a
// label; its elements are the label's values; the elements of every dimension
// add up to the same total. Two numbers are known for each element, its
// forecast F and its actual value A. They give
//
//	EP = (A_ij − F_ij) / (A − F)                            equation 4
//	p  = F_ij / F,  q = A_ij / A                            equations 5, 6
//	S  = ½ (p log₂ 2p/(p+q) + q log₂ 2q/(p+q))              equation 7
//
// the explanatory power, which adds up to 1 over a dimension, and the surprise
// in bits, the element's part of the Jensen–Shannon divergence of p and q. A
// set of elements of one dimension is a candidate if each of them has an EP of
// more than 10 % and all of them together more than 67 %; the most surprising
// sets are the answer.
//
// [Explain] has two modes. [Complete], the default, takes every element that
// passes 10 %, and handles the cases in which the equations mislead: a total that
// did not move, elements that move against each other, values that appear or
// vanish, a label that refines another, a ratio whose traffic shifted, counts so
// small that chance alone is surprising, and a total whose parts all moved
// alike. [NSDI] follows the paper to the letter: it stops at the first elements
// that explain 67 % and so truncates about a third of the true sets.
//
// A measure is additive (counts, sums, rates; never negative) or a ratio of two
// additive ones. Percentiles, maxima and averages cannot be shared out: write
// an average as the ratio of its sum and its count, a latency as the ratio of
// slow requests to all.
//
// The package works on codes and numbers only, does no I/O, and gives the same
// bytes for the same input.
package adtributor
