// SPDX-License-Identifier: Apache-2.0

// Package expressions is a corpus of alerts as people write them, each with the series that it
// fires on and the answer that a person would give who sees them.
//
// An [Alert] is tested end to end: a real PromQL engine serves its series, the KPI is derived from
// its expression, and the report is compared with the answer. [Variants] rewrites the expression,
// which must not change the report.
package expressions
