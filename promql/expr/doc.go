// SPDX-License-Identifier: Apache-2.0

// Package expr derives what a PromQL expression measures. It is pure: text or a
// parsed expression in, words and expressions out, and no queries.
//
// # Any alert
//
// An alert's expression is a condition on a number that people have a name for.
// [Derive] finds that number, the KPI, and the condition:
//
//	sum by (job) (rate(errors_total[5m])) / sum by (job) (rate(requests_total[5m])) > 0.05
//	  and on (job) sum by (job) (rate(requests_total[5m])) > 1
//
// is a ratio compared with the threshold 0.05, and one [Guard] that must also hold. [Derivation.Apart] then makes a [Measure] of it: a numerator and
// a denominator, each a sum of terms. A [Term] can be written by any labels
// ([Term.By]), and these parts add up to the whole, which shows for instance that all
// errors have one path. [Title] names the KPI as people would, [Unit] gives its unit.
//
// A derivation is exact: the alert fires where "target operator threshold" and the
// guards hold, for the same labels. Tests show this with Prometheus' own engine on
// generated series, for 139 public rules, four hundred rules written by idiom, and
// rules generated from a grammar. A comparison of two vectors is measured by their
// difference,  or by their quotient if one is compared with a multiple of the
// other, with its own past or with its peers (there [Derivation.Difference] is exact);
// `absent(x)` by the count of x; group members that satisfy a condition by their number.
// So there is a value even when the alert doesn't fire. Series joined only for their
// labels become x ^ 0, which is 1. An expression that ends in `bool` always has a value,
// so its alert would always fire; it is read as the comparison.
//
// # Measures
//
// A breakdown needs parts that add up to the whole. Sums, counts, plain series and
// their differences and multiples do. A quotient of two of them is a ratio, an average
// is the ratio of sum and count, and 1 - a/b is (b-a)/b. A quantile with a threshold is
// the share of events beyond it. A maximum is broken down into the series it is taken
// over, one of which it equals ([ExtremeOf]). Most alerts are about a single series, which
// has no parts ([Measure.Leaf]), or about one of several sums: then the series of the KPI
// are compared with each other and not added up ([Beside]). An outlier is judged by its
// own values, since the peers it is compared with move with it. If a rule compares a KPI
// with its past by an offset, that past is the expected value of each part
// ([Measure.Expected]). Labels are passed through nested aggregations as far as the parts
// still add up, which only Prometheus knows; the caller says how far ([Term.Deepened]).
//
// # Expressions as values
//
// Every expression parsed here can be printed and parsed again ([Parse], [MustParse]).
// [Scope] modifies its argument, which is usually made for it; all other functions
// return a new expression, or text.
package expr
