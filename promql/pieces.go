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

// mostLabels are those of a breakdown: 256 combinations of labels to search.
const mostLabels = 8

// Breakdown is a KPI that will be split by labels, as far as that is known
// before anything is asked. What Prometheus has of it makes a [shape] of it, and
// the windows of time that are worth asking for make that a [Split]; nobody
// writes into the one before.
type Breakdown struct {
	parts
	Labels []string // nil: discovered before the leaves are asked
	Reason string   // why the KPI can't be broken down; empty if it can

	// Siblings says that the parts are the series of the KPI, the alert's own
	// among them: an alert on a single series has nothing below it.
	Siblings bool
	Own      model.LabelSet // labels that the alert's own series has

	beside *Breakdown // the KPI's series, the alert's own among them; nil: it is the only one
}

// parts are what a KPI is split into, on the grid of a plan: terms that add up to
// it, which can be asked for by labels and over windows of time.
type parts struct {
	expr.Measure
	Target   string
	Baseline time.Duration // chosen by the user, in place of a forecast; 0: none
	Missing  bool          // the alert is that there is too little of it: what is gone is its place

	// Levels says that the parts are no parts of a sum, but series with values of
	// their own that are compared with each other.
	Levels  bool
	Extreme expr.Extreme // of levels: which of them the KPI is

	of    parser.Expr // that was taken apart
	grid  grid
	steps int  // recent steps that are asked for; 0: recentSteps
	weeks bool // the same time of earlier weeks is looked at, too
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

// counts says whether b counts the series of a selector, held to the alert's
// labels or not.
func (b *Breakdown) counts(selector string) bool {
	return b != nil && b.Missing && (slices.Contains(expr.SelectorTexts(b.of), selector) || b.beside.counts(selector))
}

// beside says whether the parts add up to something else than the KPI: to what
// it is taken over, to a multiple of it, or to a rate where the KPI is an
// increase.
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
	PieceExpected Piece = "expected" // as the rule says: the forecast
)

// The windows of the pieces.
const (
	day          = 24 * time.Hour
	mostDays     = 7 // a week back: the same weekday
	marginalDays = 3 // where each label is asked by itself
	hourWindow   = time.Hour
	recentStep   = 5 * time.Minute
	recentSteps  = 24
	mostSteps    = 72 // where most of the others are no baseline
	mostWeeks    = 3
	fewDays      = 3 // days left as a baseline that are too few
)

// sample is one window of a piece: what is summed over (end-length, end] at
// the given resolution. Recent is many of them, in one range query.
type sample struct {
	piece  Piece
	index  int // days back of a profile or a level
	end    time.Time
	length time.Duration
	res    time.Duration
	steps  int // 0: one instant; else so many windows, the last at end
}

// incident is the length of the incident: its rows, each for a step.
func (b parts) incident() time.Duration { return b.grid.end.Sub(b.grid.onset) + b.grid.step }

// now is the length of what is compared with the time before: the incident
// without its beginning, in which a rate over some minutes is still on its way.
// Of a level, of which nothing is counted, the last minutes tell where it is: whole
// steps, so that as many samples are added up as are counted.
func (b parts) now() time.Duration {
	now := b.grid.end.Sub(b.grid.settled) + b.grid.step
	if !flows(b.Numerator) {
		now = min(now, max(recentStep.Truncate(b.grid.step), b.grid.step))
	}
	return now
}

// samples returns the windows to ask for, given the days back that have data. A
// ratio is forecast from the rates of the last hour and day; an
// additive measure from its profile over days, put on the level of the last
// hour, or from the last two hours.
func (b parts) samples(days []int, recent bool) []sample {
	g := b.grid
	fine, minute := g.step, max(g.step, time.Minute)
	s := []sample{{piece: PieceActual, end: g.end, length: b.now(), res: fine}}
	if b.Missing { // what is there now, and not what was in the first minute
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

// recentSteps is how many steps of the time before the incident are asked for.
func (b parts) recentSteps() int { return cmp.Or(b.steps, recentSteps) }

// baselineRes keeps a chosen baseline under about three hundred evaluations.
func (b parts) baselineRes() time.Duration {
	return max(b.grid.step, (b.Baseline / 300).Round(15*time.Second))
}

// tick moves windows off the multiples of their resolution: Prometheus 2
// counts both ends of a range, Prometheus 3 only the last one. Past the
// multiple by a tick, both count the same.
const tick = time.Millisecond

// query asks for the sums of a term over a window.
func (s sample) query(b parts, t expr.Term, names []string) Query {
	over, of := "sum_over_time", t.By(names)
	if b.Levels { // what is missing is no zero, and what is no number is missing
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

// terms are all terms of both sides.
func (b parts) terms() []expr.Term {
	return append(append([]expr.Term(nil), b.Numerator...), b.Denominator...)
}

// termsOf are those that a window is asked of.
func (b parts) termsOf(s sample) []expr.Term {
	if s.piece == PieceExpected {
		return b.Expected
	}
	return b.terms()
}

// queries asks for every window of every term.
func (b parts) queries(names []string, samples []sample) []Query {
	var qs []Query
	for _, s := range samples {
		for _, t := range b.termsOf(s) {
			qs = append(qs, s.query(b, t, names))
		}
	}
	return qs
}

// exists is the text of something that exists whenever the measure does: of the
// denominator, or the measure itself.
func (b parts) exists() string {
	terms := b.base()
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = t.Exists()
	}
	return strings.Join(texts, " or ")
}

// presence asks where there is data: in each hour of the last week (of the last
// day, for a ratio), and in each step of the last hours.
//
// A counter of errors often has no series before the first error, so in the
// last hours an additive measure without series is zero wherever the server
// had anything (up) at all. Days back are asked strictly: a service that is new
// has no profile.
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

// leafCount asks how many leaves there are at a time.
func (b parts) leafCount(names []string, at time.Time) Query {
	return Query{
		Role:  RoleBreakdown,
		Name:  fmt.Sprintf("%s: number of values of %s", b.Target, strings.Join(names, ", ")),
		Query: "count(" + b.base()[0].By(names) + ")",
		End:   at,
	}
}

// shown are the queries of a breakdown as people would write them.
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

// flows says whether all terms count something that flows.
func flows(terms []expr.Term) bool {
	return !slices.ContainsFunc(terms, func(t expr.Term) bool { return t.Per == 0 })
}

// base are the terms that exist whenever the measure does: the denominator, or
// the measure itself.
func (b parts) base() []expr.Term {
	if b.Denominator != nil {
		return b.Denominator
	}
	return b.Numerator
}
