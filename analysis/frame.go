// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/forecast"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Frame is the evidence about one incident on one time axis.
//
// A missing sample is NaN. Times must ascend, but need not be evenly spaced.
type Frame struct {
	Times []float64 // Unix seconds of the rows
	Onset float64   // Unix seconds: rows at or after it belong to the incident
	End   float64   // Unix seconds, inclusive; later rows are ignored; 0 means the last row

	// Settled is when the KPI reached its new level: its current value is taken from the rows
	// since then. 0: from the onset on.
	Settled float64

	Targets  []Target    // the KPIs; the first is the one that people look at
	Topology [][2]string // known calls between services: caller, callee
	Warnings []Warning   // queries that failed or were refused; copied into the Result

	// Fired lists the times before the onset when the alert was pending or firing: an earlier
	// incident must not be part of the baseline.
	Fired []Stretch

	// Part says that the KPIs are parts of those that an alert is about. The question is then
	// whether they moved; "no" is an answer, whatever else moved.
	Part bool

	// Changes are what was done in the hours before the onset and since, in any order and
	// possibly with duplicates.
	Changes []changes.Change
	// ChangesSince is the time, in Unix seconds, from which changes are known; 0: from the
	// first of Changes. It distinguishes "none found" from "not queried".
	ChangesSince float64
	// Labels are the alert's labels. They decide which changes are near.
	Labels map[string]string

	// Tiers order some series in time or by design, for the graph: a series in a later (larger)
	// tier cannot cause one in an earlier tier.
	Tiers map[string]int
}

// Target is one KPI, with the evidence that belongs to it.
type Target struct {
	Name       string
	Title      string     // display name; empty: Name
	Kind       string     // latency, error, traffic, cpu, …; empty: detected from the name
	Service    string     // that the KPI belongs to; empty: as in the frame's labels
	Unit       words.Unit // of Values, if known
	Weight     float64    // severity relative to the other targets; 0 means 1
	Values     []float64  // one per row
	Crossing   bool       // the onset is a threshold crossing; Values may have begun to move earlier
	Unread     bool       // it is unknown what the alert measures: Values count the alerts of its name
	Limit      *Limit     // of the alert's condition; nil: unknown
	Infinite   bool       // mostly infinite since the onset, as after a division by zero; Values lack those samples
	Clock      bool       // Values are the time since or until something, and move even if nothing happens
	Breakdown  *Breakdown
	Beside     *Breakdown // the KPI among the levels of its peers; nil: no peers, or Breakdown already is that
	Candidates []Series

	within map[string]string // labels that locate the findings of Breakdown, besides its own labels
}

// Series is one candidate that may explain the KPI.
type Series struct {
	Name    string    // unique within a target: the column, or the Prometheus series
	Metric  string    // the Prometheus series, if a rule renames it
	Query   string    // that it came from; series of one query share a unit
	Service string    // that it belongs to; empty: unknown
	Kind    string    // like Target.Kind
	Scale   string    // each or common; empty: common if all candidates share one query, else each
	Values  []float64 // one per row
	Scope   string    // selector that its query was narrowed to; empty: none
	Whole   string    // name of the unscoped series that it is part of; empty: none

	From string // exporter; empty: unknown
	Own  bool   // the KPI comes from the same exporter

	Member   bool  // the KPI counts it among others
	Positive bool  // the KPI can only rise with it (an additive cost)
	Lags     []int // shifts of its copies, in rows; empty: none
}

// Breakdown is a KPI split by labels into leaves. A leaf is one combination of label values.
type Breakdown struct {
	Labels []string   // label names
	Leaves [][]string // leaf → label values in the order of Labels; "" is a missing label

	Numerator   Pieces  // the measure itself if additive, else the numerator of the ratio
	Denominator *Pieces // nil unless the measure is a ratio
	Count       bool    // the measure counts events, so its noise is at least Poisson

	// Whole is the numerator queried without any label, in the incident: what its parts should
	// add up to. 0: unknown.
	Whole float64
	// Scale converts the pieces to numbers of events. The zero value means amounts over an
	// incident of Seconds.
	Scale forecast.Scale
	// Event is the value of one event per 5 minutes in the pieces; 0: they count nothing.
	Event float64
	// Seconds is the length of the incident if the pieces are amounts over it; they are
	// displayed divided by it. 0: displayed as they are.
	Seconds float64
	// Length is the length in seconds of the incident that the actual values cover; 0: unknown.
	Length float64

	// Course is the breakdown over time, for charts; zero if unknown, or if the leaves are no
	// parts of a sum.
	Course Course

	Marginals []Marginal // replace the leaves if only one label at a time could be queried
	Total     *Marginal  // with Marginals: the whole measure, in one row; nil: the largest sum over any label
	Refused   []Refusal  // labels that were not broken down
	Unsplit   string     // why nothing was broken down; empty: something was, or there is no label for it

	// Discovered says that nobody configured the labels. Those that name a replica, such as
	// pod, are then displayed but give no causes, unless there are no others.
	Discovered bool
	Partial    []bool // leaves with missing samples; nil: none known
	Gone       []bool // leaves that had samples and have none now; nil: none known

	// Doubts are reservations about the values of the parts, found while reading them.
	Doubts []string
	// Aside lists the times shortly before the incident that are excluded from the baseline,
	// such as an earlier incident. The pieces have baseline values there.
	Aside []forecast.Span

	// Beside says that the leaves don't add up to Target.Values: they belong to the KPI and its
	// siblings, to what an aggregation ranges over, or to a multiple of the KPI. Whether the
	// KPI moved is then decided by its samples alone.
	Beside bool
	// Unlike says that the leaves have another unit than the KPI, such as events beyond the
	// bound of a quantile.
	Unlike bool
	// Missing says that the alert is about absence: if everything is gone, the leaves that
	// existed before are the place.
	Missing bool
	// Own is the label set of the KPI's own leaf if the others are its siblings; nil: all
	// leaves are parts of the KPI.
	Own map[string]string
	// Levels says that the leaves are levels, each compared with its own past, and not parts of
	// a sum.
	Levels bool
	// Here lists, for labels that do not distinguish the leaves, the values that occur in the
	// KPI's own leaf only: each of them identifies it.
	Here map[string][]string
	// Extreme says that the KPI is the maximum or minimum of the leaves, and Own is the leaf
	// that attains it.
	Extreme bool
}

// Pieces are aggregates of one measure over stretches of time, one value per leaf, from which a
// forecast is made.
type Pieces = forecast.Pieces

// Marginal is a breakdown by a single label.
type Marginal struct {
	Label  string
	Values []string // one per row of the pieces

	Numerator   Pieces
	Denominator *Pieces
}

// Refusal says why a label was not broken down.
type Refusal struct {
	Label  string `json:"label"`
	Reason string `json:"reason"`
}

// has says whether a leaf has all values of a label set.
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

// finite replaces infinities and NaN, which JSON can't represent.
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
