// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/forecast"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Frame is the evidence about one incident, on one time axis.
//
// A missing sample is NaN. Rows need not be evenly spaced, but times ascend.
type Frame struct {
	Times []float64 // Unix seconds of the rows
	Onset float64   // Unix seconds: rows at or after it belong to the incident
	End   float64   // Unix seconds, inclusive; later rows are ignored; 0 means the last row

	// Settled is when the KPI had arrived where it went: what it is now is told from
	// the rows since then. 0: at the onset.
	Settled float64

	Targets  []Target    // the KPIs; the first is the one that people look at
	Topology [][2]string // known calls between services: caller, callee
	Warnings []Warning   // what could not be had; goes into the Result as it is

	// Fired are the times before the onset in which the alert was pending or firing:
	// an earlier incident is no baseline.
	Fired []Stretch

	// Part says that the KPIs are parts of those that an alert is about: somebody asks
	// whether they moved, and that they did not is the answer, whatever else moved.
	Part bool

	// Changes are what was done in the hours before the onset, and since, in any order:
	// one thing may be told several times.
	Changes []changes.Change
	// ChangesSince is the time, in Unix seconds, from which on changes are known, so that
	// none are told apart from none looked for; 0: from the first of Changes on.
	ChangesSince float64
	// Labels are those of the alert: they tell which changes are near.
	Labels map[string]string

	// Tiers order some series in time or by design, for the graph: what stands
	// in a later (larger) tier is no cause of what stands in an earlier one.
	Tiers map[string]int
}

// Target is one KPI, with the evidence that belongs to it.
type Target struct {
	Name       string
	Title      string     // what people call Values; empty: Name
	Kind       string     // latency, error, traffic, cpu, …; empty: told from the name
	Service    string     // that Values are of; empty: what the labels of the frame name
	Unit       words.Unit // of Values, as far as it is known
	Weight     float64    // severity among the targets; 0 means 1
	Values     []float64  // one value a row
	Crossing   bool       // the onset is when Values crossed a threshold, and they may have begun to move before
	Unread     bool       // what the alert measures is not known: Values count the alerts of its name
	Limit      *Limit     // that Values are compared with; nil: not known
	Infinite   bool       // since the onset it has mostly been infinite, as after a division by zero, and Values lack that
	Clock      bool       // Values are the time since or until something, and move when nothing happens
	Breakdown  *Breakdown
	Beside     *Breakdown // levels: the KPI among those of other places; nil: there are none, or Breakdown is it
	Candidates []Series

	within map[string]string // labels beside those of Breakdown that tell the place of what is found in it
}

// Series is one candidate: a series that may explain the KPI.
type Series struct {
	Name    string    // unique in a target: the column, or the Prometheus series
	Metric  string    // the series as Prometheus has it, where a rule gives it another name
	Query   string    // the candidate query it came from; series of one query share a unit
	Service string    // whose series it is; empty: unknown
	Kind    string    // as Target.Kind
	Scale   string    // each or common; empty: the default of DESIGN (one query: common)
	Values  []float64 // one value a row
	Scope   string    // the set of labels that its query was narrowed to, as a selector; empty: none
	Whole   string    // name of the series that it is a part of, by its scope; empty: none

	From string // the exporter that it comes from; empty: unknown
	Own  bool   // that exporter is the KPI's, too

	Member   bool  // the KPI counts it, among others
	Positive bool  // the KPI can only rise with it (a cost that adds up)
	Lags     []int // rows by which copies of it are shifted; empty: none
}

// Breakdown is a KPI split by labels: one row a leaf, a leaf being one
// combination of label values.
type Breakdown struct {
	Labels []string   // label names
	Leaves [][]string // leaf → label values in the order of Labels; "" is a missing label

	Numerator   Pieces  // the measure itself, if it is additive
	Denominator *Pieces // of a ratio; nil: additive
	Count       bool    // the measure counts events, so its noise is at least Poisson's

	// Whole is what the parts of the numerator should add up to in the incident,
	// as it is without any label; 0: it was not asked.
	Whole float64
	// Scale turns the pieces into numbers of events; the zero value means that
	// they are amounts of an incident of Seconds.
	Scale forecast.Scale
	// Event is what one event in 5 minutes is worth in the pieces; 0: nothing is counted.
	Event float64
	// Seconds is the length of the incident if the pieces are amounts within
	// it: people are shown amounts divided by it. 0: the pieces are shown as they are.
	Seconds float64
	// Length of the incident that the actual values are of, in seconds; 0: not known.
	Length float64

	// Course are the parts over time, for charts; the zero value: they are not known, or are no parts.
	Course Course

	Marginals []Marginal // in place of leaves, where only one label at a time could be asked
	Total     *Marginal  // beside Marginals: the whole measure, in one row; nil: the largest sum of any label
	Refused   []Refusal  // labels that were not broken down
	Unsplit   string     // why nothing was; empty: something was, or there is no label to break it down by

	// Discovered says that nobody has named the labels. Those that name a
	// replica, such as pod, are then shown and give no causes, unless there are
	// no others.
	Discovered bool
	Partial    []bool // leaves that lack samples; nil: none is known to
	Gone       []bool // leaves that had samples, and have none any more; nil: none is known to

	// Doubts are reservations about the values of the parts, as they were read.
	Doubts []string
	// Aside are the times shortly before the incident that are no baseline, as an
	// earlier incident, in which the pieces hold what is usual.
	Aside []forecast.Span

	// Beside says that the leaves don't add up to Target.Values: they are of
	// the KPI and its siblings, of what it is taken over, or of a multiple of
	// it. The move of the KPI is then told from its samples alone.
	Beside bool
	// Unlike says that the leaves are measured in something else than the KPI, as in
	// events beyond the bound of a quantile.
	Unlike bool
	// Missing says that the alert is about what isn't there: where all of it is
	// gone, those that were there are the place.
	Missing bool
	// Own are the labels of the leaf that is the KPI, where the other leaves
	// are its siblings; nil: all leaves are parts of the KPI.
	Own map[string]string
	// Levels says that the leaves have values of their own, which are compared
	// with each other, each by its own size, and are no parts of a sum.
	Levels bool
	// Here are, of labels that the leaves are not told apart by, the values that
	// are found in the KPI's own leaf only: they tell it by themselves.
	Here map[string][]string
	// Extreme says that the KPI is taken over the leaves, and Own is the largest
	// or the smallest of them, which it is.
	Extreme bool
}

// Pieces are aggregates of one measure over pieces of time, one value a leaf,
// from which a forecast is made.
type Pieces = forecast.Pieces

// Marginal is a breakdown by one label alone.
type Marginal struct {
	Label  string
	Values []string // one a row of the pieces

	Numerator   Pieces
	Denominator *Pieces
}

// Refusal says why a label was not broken down.
type Refusal struct {
	Label  string `json:"label"`
	Reason string `json:"reason"`
}

// has says whether a leaf has all values of a set.
func has(labels, leaf []string, set map[string]string) bool {
	for i, name := range labels {
		if v, ok := set[name]; ok && leaf[i] != v {
			return false
		}
	}
	return true
}

func present(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func absent(v float64) bool { return !present(v) }

// finite keeps infinities and NaN, which JSON can't write, out of evidence.
func finite(v float64) float64 {
	switch {
	case math.IsNaN(v):
		return 0
	case math.IsInf(v, 1):
		return math.MaxFloat64
	case math.IsInf(v, -1):
		return -math.MaxFloat64
	}
	return v
}
