// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"fmt"
	"math"
)

// Series is one column of the input.
type Series struct {
	Values  []float64 // one sample per row; NaN and ±Inf are missing
	Service int       // code of the service; codes sorted by name break ties by name
	Kind    Metric
	Metric  int  // code of what is measured: series of one code share a unit; 0: unique
	Own     bool // it has the same source as the KPI
}

// Input is what is ranked. Rows are aligned samples in order of time. The series should be
// sorted by name: ties go to the first one, so the result then doesn't depend on the order of
// reading.
type Input struct {
	KPI    Series    // of the alert; its Service is ignored
	Series []Series  // the candidates
	Onset  int       // first row of the incident, as the alert says; rows before it are the baseline
	Late   int       // rows by which the alert may always be late; 0: as the incident suggests
	Calls  [][2]int  // optional call graph by service code, {caller, callee}; may hold services without series
	Odds   []float64 // optional, by service code: how much likelier it is by other evidence, at least 1
	Edges  [][2]int  // optional, {index in Series, caller's code}: the series measures calls of that service to its own
}

// Options are the settings of Rank. The zero value is the measured default.
type Options struct {
	Attribution   Attribution // nil: Ridge
	NoResidual    bool        // leave out the residual factor of the causal graph
	NoExplainAway bool        // leave the call graph out of the ranking
}

// Rank sorts the candidates, and their services, by how likely they are the cause.
//
// Doubt is in the result: a short history, a KPI that did not move and series without data give
// warnings and lower confidence, never an error.
//
// Rank panics if a series has another number of values than the KPI, or if Onset is not within
// the rows.
func Rank(in Input, opt Options) Result {
	check(in)
	res := Result{Rows: len(in.KPI.Values)}
	if why := unfit(in); why != "" {
		return res.refuse(in, why)
	}
	t, skipped := prepare(in)
	if res.Skipped = skipped; len(skipped) > 0 {
		res.warn("%d of %d series left out: more than %.0f %% of their baseline or all of the incident is missing", len(skipped), len(in.Series), 100*maxMissing)
	}
	if len(t.cand) == 0 {
		return res.refuse(Input{Onset: in.Onset}, "no candidate has enough data")
	}
	p := findOnset(t)
	t.rebase(p)
	res.Core = t.core
	res.rank(in, t, p, opt)
	return res
}

// rank does everything after the preparation.
func (r *Result) rank(in Input, t *table, p period, opt Options) {
	r.Onset, r.Walked, r.Calm = p.onset, p.walked, p.calm
	r.KPI, r.Trust = trust(t, p)
	ev, calm := weigh(t, p, r.Trust, opt)
	r.Effect = followers(t, p, ev)
	for j := range ev {
		ev[j].x = math.Log1p(ev[j].Residual/ev[j].Quiet) * ev[j].Link * ev[j].Kind * ev[j].late()
	}
	e := edgesOf(t, in.Edges, ev)
	gs := groups(t, ev, e)
	if !opt.NoExplainAway {
		explainAway(t, gs, ev, in.Calls, max(0, p.onset-nearRows(t, p)), r.Trust)
	}
	addUp(gs, ev, e)
	expect(gs, in.Odds)
	lifts(t, gs, ev, calm)
	sortGroups(gs)
	r.Few = t.fewQuiet(p)
	m := DefaultMarks().mark(r.Few, r.Trust)
	m.demote(gs)
	m.prefer(gs)
	m.grades(gs)
	m.bind(gs, ev, t.bond(p, m, ev, in.Calls))
	spread(t, gs, ev)
	r.Load = findLoad(t, r.KPI, ev)
	r.list(in, t, p, m, gs, ev)
	r.doubt(t, m)
}

// weigh collects the evidence of each candidate, and its deviation in each quiet window.
func weigh(t *table, p period, w float64, opt Options) ([]Evidence, [][]float64) {
	ev, calm := deviations(t, p)
	attribute := opt.Attribution
	if attribute == nil {
		attribute = Ridge
	}
	associate(t, p, w, attribute, ev)
	for j := range ev {
		ev[j].Kind = t.cand[j].kind.weight(t.kpi.kind)
	}
	if !opt.NoResidual {
		residuals(t, p, ev)
	}
	plain(t, p, ev)
	return ev, calm
}

// unfit says why the rows can't be ranked at all; "" if they can.
func unfit(in Input) string {
	switch rows := len(in.KPI.Values); {
	case in.Onset == rows:
		return "no samples at or after the onset"
	case coreRows(rows, in.Onset, in.Late) < 2:
		return fmt.Sprintf("no baseline: %d samples before the onset, at least 3 are needed to say anything and 15 to say much", in.Onset)
	}
	return ""
}

func check(in Input) {
	n := len(in.KPI.Values)
	for j, s := range in.Series {
		if len(s.Values) != n {
			panic(fmt.Sprintf("rank: series %d has %d values, the KPI %d", j, len(s.Values), n))
		}
	}
	if in.Onset < 0 || in.Onset > n {
		panic(fmt.Sprintf("rank: onset %d is not within %d rows", in.Onset, n))
	}
}
