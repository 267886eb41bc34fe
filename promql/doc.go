// Package promql turns a rule and an alert into questions to Prometheus, and
// the answers into an [analysis.Frame].
//
// It has three stages. [NewPlan] is pure: it expands the templates of a
// [config.Rule], decides on windows and step, and takes the KPI apart into
// sums that can be told apart by labels. [Fetcher.Fetch] asks. [Align] is pure
// again: it puts the answers on one grid of time and joins the leaves of a
// breakdown. [Check] is what [NewPlan] would complain about, for every rule at
// once and with lines.
//
// # Values of labels
//
// What an alert carries is written by whoever can post an alert, so it never
// becomes PromQL text. A template prints an opaque placeholder for each value;
// the query is parsed with it, and only then it is replaced, inside matcher
// values and nowhere else, quoted as a regular expression in =~ and !~.
//
// # Windows
//
// The incident reaches from the onset (see [Fetcher.ActiveAt]) to now, at the
// most an hour. The series of targets and candidates are asked on one grid,
// with a baseline of thirty incidents and at least an hour. A breakdown is
// asked as means over pieces of time, one instant query a piece, never as raw
// samples; pieces of the past end one step and one range of the query before
// the onset, so that a rate over [2m] doesn't carry the incident into them.
//
// # Measures
//
// A breakdown needs parts that add up to the whole. Sums, counts, plain series
// and their differences and multiples do; a quotient of two of them is a
// ratio, an average is the ratio of sum and count, and 1 - a/b is (b-a)/b.
// Quantiles, maxima and minima don't, and are refused with a reason.
package promql
