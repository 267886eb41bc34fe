// SPDX-License-Identifier: Apache-2.0

// Package promql turns a rule and an alert into queries, and their results into an
// [analysis.Frame].
//
// One alert's walk: [Fetcher.Locate] finds its onset, [Fetcher.Complete] what
// its rule leaves out, [NewPlan] decides what to ask and [Fetcher.Fetch] asks;
// [Align], which is pure, puts the answers on one grid of time and joins the
// leaves of a breakdown. If no label explains the change, [Fetched.ByReplica] continues
// with instance and pod; if one does, [Fetched.Narrow] continues inside it. [Check]
// reports what [NewPlan] would reject, for all rules at once and with line numbers.
//
// # Any alert
//
// [expr.Derive], which knows no server, derives what an alert's expression
// measures. The expression is in the alert's generatorURL (g0.expr, or Grafana
// Explore's panes and left), which is parsed and never fetched, or else among the
// rules of the server. If there is none, the alerts themselves are counted.
// Recording rules are expanded, recursively.
//
// # Values of labels
//
// Anybody who can post an alert chooses its labels, so they never become PromQL
// text. A template prints an opaque placeholder for each value. The query is parsed
// with the placeholders, which are replaced afterwards: only inside matcher values, and
// quoted as a regular expression in =~ and !~.
//
// # Windows
//
// The incident lasts from the onset (see [Fetcher.ActiveAt]) until now, an hour at
// most. Targets and candidates are queried on one grid, with a baseline of thirty
// times the incident and at least an hour, or of six hours if the KPI was already
// moving (see [analysis.UnderWay]). The step is derived from the KPI's ranges and the
// distance of its samples. A breakdown is queried as means over pieces of time, one
// instant query per piece, never as raw samples. Pieces before the incident end one
// step and one range of the query before the onset, so that a rate over [2m] doesn't
// carry the incident into them.
//
// # Breakdowns
//
// Package expr breaks a KPI down into terms that add up. Prometheus tells which labels
// there are and how far they can be passed through nested aggregations. Every frame
// compares the sum of the parts with the whole, and warns if they differ by more than
// 1 %.
//
// For an alert that fires for one of several places there are two breakdowns: of its
// own KPI, and of the KPI of every place (see [expr.Beside]). The second is the same
// query for all alerts of a rule, which share its result: one row per place, with the
// means of the KPI itself over the windows, of at most three earlier days. If the alert's
// own KPI cannot be broken down, it is the only one.
//
// If the KPI did not move, each of its guards is treated as a KPI (see
// [expr.Derivation]), and the one that flipped is analyzed instead. If a KPI is compared
// with its own past, that past is the expected value of each part.
//
// # Candidates
//
// If no rule names any, they come from a table of exporters, as far as Prometheus has
// their metrics for the subject of the alert, which is identified by the alert's labels
// and by those of the series behind its KPI (see [Alert].Series); at most 18. The KPI's own
// exporter comes first, then others on the same pods and instances, then their node, then
// their neighbours in the namespace and on the node.
//
// A candidate's series are named as in Prometheus, or by the query's name if the metric
// has lost its own. Once a label set is found, such as instance="a", a query that sums over
// instances hides which of its series belong there. So each candidate is queried again
// with the set's matchers added to all of its selectors by the parser (several labels
// first together, then one by one, since a metric may have only one of them). Queries that
// keep the label, match it already, rename labels or have no series are not repeated; an
// unchanged result is not listed again.
//
// # Cost
//
// Each analysis has a budget of queries, series, samples and time, which includes the
// queries inside a label set. Results are cached for a minute and shared, a query in
// flight is sent only once, and all times lie on a grid, so that the alerts of a storm
// send the same queries: in the test, one alert sends 21 queries, and 500 alerts of the
// same rule about 200. If they can't share, all alerts of one name together send at most
// 15 times as many as one of them. A server that doesn't answer is left alone for a while.
// Whatever was left out because of its cost becomes a warning of the frame.
package promql
