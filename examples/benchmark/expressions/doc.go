// SPDX-License-Identifier: Apache-2.0

// Package expressions is a corpus of alerts as people write them, each with the
// series that it fires on and the answer that a person would give who sees them.
//
// An [Alert] goes the whole way: a real PromQL engine serves its series, the KPI
// is derived from its expression, and what is said in the end is compared with
// the answer. [Variants] writes the same alert in other words, which may not
// change what is said.
package expressions
