// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/promql/expr"
)

// mostLabels bounds the labels of a breakdown: 8 give 256 sets of labels to search.
const mostLabels = 8

// Breakdown is the plan for splitting a KPI by labels, before anything is queried. What
// Prometheus has makes it a [shape], and choosing the windows makes that a [Split]; each is
// read-only to the next.
type Breakdown struct {
	parts
	Labels []string // nil: to be discovered
	Reason string   // why the KPI can't be broken down; empty if it can

	// Siblings says that the parts are the series of the KPI, the alert's own among them: an
	// alert on a single series has no parts.
	Siblings bool
	Own      model.LabelSet // labels of the alert's own series

	beside *Breakdown // the KPI's series, the alert's own among them; nil: there is only that one
}

// parts are the terms that a KPI is split into, which can be queried by labels and over windows
// of time, on the grid of a plan.
type parts struct {
	expr.Measure
	Target   string
	Baseline time.Duration // configured, and used instead of a forecast; 0: none
	Missing  bool          // the alert is about too little of it, so what is gone is the place

	// Levels says that the series are levels to be compared with each other, not parts of a
	// sum.
	Levels  bool
	Extreme expr.Extreme // for levels: which of them is the KPI

	of    parser.Expr // the expression that was decomposed
	grid  grid
	steps int  // number of recent steps; 0: recentSteps
	weeks bool // also query the same time in earlier weeks
}

// siblings makes b a breakdown over all series of the KPI.
func (b *Breakdown) siblings(own model.LabelSet) { b.Siblings, b.Own = true, own }

// levels makes b compare the series of an expression.
func (b *Breakdown) levels(of parser.Expr) bool {
	t, ok := expr.Beside(of)
	if ok {
		b.Measure, b.Levels, b.Reason = expr.Measure{Numerator: []expr.Term{t}, StandsFor: b.StandsFor}, true, ""
	}
	return ok
}

// counts says whether b counts the series of a selector, with or without the alert's labels.
func (b *Breakdown) counts(selector string) bool {
	return b != nil && b.Missing && (slices.Contains(expr.SelectorTexts(b.of), selector) || b.beside.counts(selector))
}

// beside says whether the parts add up to something other than the KPI: to what it aggregates,
// to a multiple of it, or to a rate instead of an increase.
func (b parts) beside() bool {
	multiple := b.Denominator != nil && b.Scale != 1
	increase := b.Denominator == nil && flows(b.Numerator) &&
		slices.ContainsFunc(b.Numerator, func(t expr.Term) bool { return t.Per != time.Second })
	return b.StandsFor != "" || b.Tail || b.Bucket != 0 || multiple || increase
}

// Piece is one aggregate over time of a breakdown.
type Piece string

// The pieces, as in analysis.Pieces.
const (
	PieceActual   Piece = "actual"
	PieceRecent   Piece = "recent"
	PieceProfile  Piece = "profile"
	PieceLevel    Piece = "level"
	PieceDay      Piece = "day"
	PieceHour     Piece = "hour"
	PieceBaseline Piece = "baseline"
	PieceExpected Piece = "expected" // the forecast, from the rule's own expression
)

// The windows of the pieces.
const (
	day          = 24 * time.Hour
	mostDays     = 7 // the same weekday
	marginalDays = 3 // if labels are queried one by one
	hourWindow   = time.Hour
	recentStep   = 5 * time.Minute
	recentSteps  = 24
	mostSteps    = 72 // if most of the usual ones are excluded from the baseline
	mostWeeks    = 3
	fewDays      = 3 // too few days for a baseline
)

// sample is one window of a piece: the sum over (end-length, end] at the given resolution. A
// recent piece has many windows, from one range query.
type sample struct {
	piece  Piece
	index  int // days back, for a profile or a level
	end    time.Time
	length time.Duration
	res    time.Duration
	steps  int // 0: one instant; else the number of windows, the last one at end
}

// incident returns the length of the incident: one step per row.
func (b parts) incident() time.Duration { return b.grid.end.Sub(b.grid.onset) + b.grid.step }

// now returns the length of the window that is compared with the baseline: the incident without
// its beginning, while a rate still rises. For a level it is the last few minutes, in whole
// steps so that sum and count match.
func (b parts) now() time.Duration {
	now := b.grid.end.Sub(b.grid.settled) + b.grid.step
	if flows(b.Numerator) { // one row has too few events
		return max(now, fewestSteps*b.grid.step)
	}
	return min(now, max(recentStep.Truncate(b.grid.step), b.grid.step))
}

// samples returns the windows to query, given the days back that have data. A ratio is forecast
// from its rates over the last hour and day; an additive measure from its profile over days,
// scaled to the level of the last hour, or from the last two hours.
func (b parts) samples(days []int, recent bool) []sample {
	g := b.grid
	fine, minute := g.step, max(g.step, time.Minute)
	s := []sample{{piece: PieceActual, end: g.end, length: b.now(), res: fine}}
	if b.Missing { // what is there at the end, not in the first minute
		s[0].length = fine
	}
	if b.Baseline > 0 {
		return append(s, sample{piece: PieceBaseline, end: g.before, length: b.Baseline, res: b.baselineRes()})
	}
	if b.Expected != nil {
		return append(s, sample{piece: PieceExpected, end: g.end, length: b.now(), res: fine})
	}
	s = append(s, sample{piece: PieceHour, end: g.before, length: hourWindow, res: minute})
	if b.Denominator != nil {
		s = append(s, sample{piece: PieceDay, end: g.before, length: day, res: recentStep})
	} else {
		for _, j := range days {
			back := time.Duration(j) * day
			s = append(s,
				sample{piece: PieceProfile, index: j, end: g.end.Add(-back), length: b.now(), res: fine},
				sample{piece: PieceLevel, index: j, end: g.before.Add(-back), length: hourWindow, res: minute})
		}
	}
	if recent {
		s = append(s, sample{piece: PieceRecent, end: g.before, length: recentStep, res: min(fine, time.Minute), steps: b.recentSteps()})
	}
	return s
}

// recentSteps returns the number of steps before the incident to query.
func (b parts) recentSteps() int { return cmp.Or(b.steps, recentSteps) }

// baselineRes limits a configured baseline to about three hundred evaluations.
func (b parts) baselineRes() time.Duration {
	return max(b.grid.step, (b.Baseline / 300).Round(15*time.Second))
}

// tick moves windows off the multiples of their resolution: Prometheus 2 includes both ends of
// a range, Prometheus 3 only the last. Just past the multiple, both count the same samples.
const tick = time.Millisecond

// query returns the query for the sums of a term over a window.
func (s sample) query(b parts, t expr.Term, names []string) Query {
	over, of := "sum_over_time", t.By(names)
	if b.Levels { // a missing sample is not 0, and an infinite one is missing
		over, of = "avg_over_time", of+" > -Inf < Inf"
	}
	q := Query{
		Role:  RoleBreakdown,
		Name:  b.Target + ": " + s.name(),
		Query: fmt.Sprintf("%s((%s)[%s:%s])", over, of, model.Duration(s.length), model.Duration(s.res)),
		End:   s.end.Add(tick),
	}
	if s.steps > 0 {
		q.Step = s.length
		q.Start = q.End.Add(-time.Duration(s.steps-1) * s.length)
	}
	return q
}

func (s sample) name() string {
	if s.index > 0 {
		return fmt.Sprintf("%s %d", s.piece, s.index)
	}
	return string(s.piece)
}

// terms returns the terms of both sides.
func (b parts) terms() []expr.Term {
	return append(append([]expr.Term(nil), b.Numerator...), b.Denominator...)
}

// termsOf returns the terms to query in a window.
func (b parts) termsOf(s sample) []expr.Term {
	if s.piece == PieceExpected {
		return b.Expected
	}
	return b.terms()
}

// queries returns a query for every window and term.
func (b parts) queries(names []string, samples []sample) []Query {
	var qs []Query
	for _, s := range samples {
		for _, t := range b.termsOf(s) {
			qs = append(qs, s.query(b, t, names))
		}
	}
	return qs
}

// exists is PromQL that has series whenever the measure exists: its denominator, or the measure
// itself.
func (b parts) exists() string {
	terms := b.base()
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = t.Exists()
	}
	return strings.Join(texts, " or ")
}

// presence returns the queries for when there is data: hourly over the last week (over the last
// day for a ratio), and per step over the last hours.
//
// A counter of errors often has no series before the first error. So in the last hours, an
// additive measure without series counts as zero whenever the server had any data (up). Earlier
// days are strict: a new service has no profile.
func (b parts) presence() (history, recent Query) {
	history = Query{
		Role: RoleBreakdown, Name: b.Target + ": history", Query: b.exists(),
		Start: b.grid.end.Add(-(mostDays + 1) * day), End: b.grid.end, Step: time.Hour,
	}
	if b.weeks {
		history.Start = b.grid.end.Add(-(7*mostWeeks + 1) * day)
	}
	recent = Query{
		Role: RoleBreakdown, Name: b.Target + ": presence", Query: b.exists(),
		Start: floor(b.grid.before.Add(-time.Duration(b.recentSteps())*recentStep), b.grid.step), End: b.grid.end, Step: b.grid.step,
	}
	if b.Denominator == nil {
		recent.Query += " or count(up)"
	} else {
		history.Start = b.grid.end.Add(-2 * day)
	}
	if b.Baseline > 0 {
		history.Query = recent.Query
		history.Step = b.baselineRes()
		history.Start, history.End = b.grid.before.Add(-b.Baseline), b.grid.before
	}
	return history, recent
}

// leafCount counts the leaves at a time.
func (b parts) leafCount(names []string, at time.Time) Query {
	return Query{
		Role:  RoleBreakdown,
		Name:  fmt.Sprintf("%s: number of values of %s", b.Target, strings.Join(names, ", ")),
		Query: "count(" + b.base()[0].By(names) + ")",
		End:   at,
	}
}

// shown returns the queries of a breakdown in readable form, without windows.
func (b parts) shown(names []string) []Query {
	var qs []Query
	add := func(side string, terms []expr.Term) {
		for _, t := range terms {
			qs = append(qs, Query{Role: RoleBreakdown, Name: b.Target + side, Query: t.By(names), End: b.grid.end})
		}
	}
	if b.Denominator == nil {
		add("", b.Numerator)
		return qs
	}
	add(", numerator", b.Numerator)
	add(", denominator", b.Denominator)
	return qs
}

// flows says whether all terms are rates or increases.
func flows(terms []expr.Term) bool {
	return !slices.ContainsFunc(terms, func(t expr.Term) bool { return t.Per == 0 })
}

// base returns the terms that exist whenever the measure does: the denominator, or the measure
// itself.
func (b parts) base() []expr.Term {
	if b.Denominator != nil {
		return b.Denominator
	}
	return b.Numerator
}
