package rank

import (
	"fmt"
	"math"
)

// A Series is one column of the input.
type Series struct {
	Values  []float64 // one sample a row; NaN and ±Inf are missing
	Service int       // code of the service; codes in the order of their names break ties by name
	Kind    Kind
}

// An Input is what is ranked. Rows are aligned samples in the order of time.
// The series should be in the order of their names: every tie falls to the one
// that comes first, so the result then doesn't depend on how they were read.
type Input struct {
	KPI    Series   // what the alert is about; its Service isn't looked at
	Series []Series // the candidates
	Onset  int      // first row of the incident, as the alert says; rows before it are the baseline
	Calls  [][2]int // optional call graph by service code, {caller, callee}; may hold services without series
}

// Options are the settings of Rank. The zero value is the measured default.
type Options struct {
	Attribution   Attribution // nil: Ridge
	NoResidual    bool        // leave out the residual factor of the causal graph
	NoExplainAway bool        // leave the call graph out of the ranking
}

// Rank returns the candidates in the order in which they are likely to be the
// cause, and the services likewise.
//
// Doubt is in the result: a short history, a KPI that did not move and series
// without data give warnings and a lower confidence, never an error.
//
// Rank panics if a series has not as many values as the KPI or if Onset is not
// within the rows.
func Rank(in Input, opt Options) Result {
	check(in)
	t, warnings := prepare(in)
	res := Result{Rows: t.rows, Core: max(0, t.core), Warnings: warnings}
	if t.core < 2 || t.onset == t.rows || len(t.cand) == 0 {
		return res.refuse(t)
	}
	p := findOnset(t)
	kz, w := trust(t, p)
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
	for j := range ev {
		ev[j].x = math.Log1p(ev[j].Residual/ev[j].Quiet) * ev[j].Link * ev[j].Kind
	}
	gs := groups(t, ev)
	if !opt.NoExplainAway {
		explainAway(t, gs, in.Calls, max(0, p.onset-nearRows(t, p)), w)
	}
	spread(gs, ev)
	res.Onset, res.Walked, res.Calm = p.onset, p.walked, p.calm
	res.KPI, res.Trust = kz, w
	res.list(in, t, p, gs, ev)
	res.judge(t, p, gs, ev, calm)
	return res
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
