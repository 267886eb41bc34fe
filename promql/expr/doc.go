// SPDX-License-Identifier: Apache-2.0

// Package expr derives what a PromQL expression measures. It is pure: text or a
// parsed expression in, words and expressions out, and no queries.
//
// # Any alert
//
// An alert's expression is a question about a number that people have a name
// for. [Derive] finds that number, the KPI, and what is asked about it:
//
//	sum by (job) (rate(errors_total[5m])) / sum by (job) (rate(requests_total[5m])) > 0.05
//	  and on (job) sum by (job) (rate(requests_total[5m])) > 1
//
// is a ratio that is compared with the threshold 0.05, and one [Guard] that must
// hold besides. [Derivation.Apart] then makes a [Measure] of it: a numerator and
// a denominator, each a sum of terms. A [Term] can be written by any labels
// ([Term.By]), and these parts add up to the whole: that is how somebody finds
// out that all errors are of one path. [Title] says what people would call the
// KPI, [Unit] what it is counted in.
//
// A derivation is exact: the alert fires where "target operator threshold"
// holds and the guards do, for the same labels. That is shown with Prometheus'
// own engine on generated series: on 139 public rules, on four hundred made-up
// ones by idiom, and on rules that a grammar writes. Two vectors that are
// compared are measured by their difference, or by their quotient where the one is
// held against a multiple of the other, against its own past or against its peers
// (there [Derivation.Difference] is what is exact), `absent(x)` by the count of x, the
// members of a group for which something holds by their number, so that there is
// a value also when the alert doesn't fire. Series that only bring labels are
// joined as x ^ 0, which is 1. What ends in `bool` always has a value, and so
// the alert would fire always; the comparison is what is meant.
//
// # Measures
//
// A breakdown needs parts that add up to the whole. Sums, counts, plain series
// and their differences and multiples do; a quotient of two of them is a
// ratio, an average is the ratio of sum and count, and 1 - a/b is (b-a)/b. A
// quantile with a threshold is the share of events beyond it. Of a maximum the
// series are told apart that it is taken over, one of which it is ([ExtremeOf]).
// Most alerts are about a single series, below which there is nothing
// ([Measure.Leaf]), or about one of several sums: then the series of the KPI are
// compared with each other, the alert's own among them, and not added up
// ([Beside]). An outlier is told by its own
// values, since those that it is compared with move with it, and the past of a
// KPI, which a rule names with an offset, is what is expected of each of its
// parts ([Measure.Expected]). Labels are sent through
// nested aggregations as far as the parts still add up, which only Prometheus
// knows: who asks it says how far ([Term.Deepened]).
//
// # Expressions as values
//
// What is parsed here may be printed and parsed again ([Parse], [MustParse]).
// [Scope] changes the expression that it is given, since most are made for it;
// everything else returns another one, or text.
package expr
