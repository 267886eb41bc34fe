// SPDX-License-Identifier: Apache-2.0

// Package promql turns a rule and an alert into queries, and their results into an
// [analysis.Frame].
//
// One alert's walk: [Fetcher.Locate] finds its onset, [Fetcher.Complete] what
// its rule leaves out, [NewPlan] decides what to ask and [Fetcher.Fetch] asks;
// [Align], which is pure, puts the answers on one grid of time and joins the
// leaves of a breakdown. Where that leads to no label, [Fetched.ByReplica] goes on
// with instance and pod, and where it leads to one, [Fetched.Narrow] inside of it.
// [Check] is what [NewPlan] would complain about, for every rule at once and
// with lines.
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
// with the placeholders, and only then are they replaced, inside matcher values
// only, quoted as a regular expression in =~ and !~.
//
// # Windows
//
// The incident reaches from the onset (see [Fetcher.ActiveAt]) to now, at the
// most an hour. The series of targets and candidates are asked on one grid,
// with a baseline of thirty incidents and at least an hour, or of six hours where
// the KPI was on its way already (see [analysis.UnderWay]); its step is told
// from the ranges of the KPI and from how far its samples are apart. A
// breakdown is asked as means over pieces of time, one instant query a piece,
// never as raw samples; pieces of the past end one step and one range of the
// query before the onset, so that a rate over [2m] doesn't carry the incident
// into them.
//
// # Breakdowns
//
// A KPI is broken down as package expr takes it apart: into terms that add up.
// Which labels there are, and how far they can be sent through nested
// aggregations, Prometheus is asked; every frame compares the parts with the
// whole, and warns when they are more than 1 % apart.
//
// An alert that fires for one of several places is asked about twice: what its own
// KPI is made of, and what the KPI is for every place (see [expr.Beside]). The
// second is the same question for all alerts of a rule, which share its answers;
// it has a row a place, the means of the KPI itself over the windows, of at most
// three earlier days. If there is nothing to look into, it is all that is asked.
//
// Where the KPI stood still, each of its guards is a KPI of its own (see
// [expr.Derivation]): the one that flipped is looked at in its place. A KPI that is
// compared with its own past expects of each part what that was then.
//
// # Candidates
//
// Where nobody names any, they are those of a table of exporters, as far as
// Prometheus has their metrics for what the alert is about: by its own labels and
// by those of the series that its KPI is made of (see [Alert].Series), at most 18.
// The exporter that the KPI is of comes first, then others of the same pods and
// instances, then their node, then what is beside them in the namespace and on the
// node.
//
// The series of a candidate are named as Prometheus names them, by the query's
// name where the metric has lost its own. Once a set of labels is found, such as
// instance="a", a query that adds up over instances hides which of its series
// are of that place. So each is asked once more with the set's matchers put
// into all of its selectors by the parser (of several labels all together, then
// each by itself, since a metric may have one of them only). What keeps the
// label apart, is held to a value of it, gives labels other names or has no
// series isn't asked again; what comes back the same is not listed again.
//
// # Cost
//
// An analysis has a budget of queries, series, samples and time, which what is
// asked inside of a set shares. Answers are kept for a minute and shared, a
// question that is being asked is waited for, and all times lie on a grid, so
// that the alerts of one storm ask the same: in the test, where one alert asks
// 21 times, 500 of the same rule ask about 200 times. Where they can't share,
// the alerts of one name together ask 15 times as much as one of them at the
// most. A server that doesn't answer is left alone for a while. What was left
// out for its cost is a warning of the frame.
package promql
