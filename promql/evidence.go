// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"time"
)

// Evidence is everything that was asked for a plan: what [Align] makes a frame
// of.
type Evidence struct {
	Answers    Answers
	Breakdowns []*Split // one a target; nil where none is wanted, or nobody answered
	Beside     []*Split // one a target: the series beside the KPI's own; nil where there are none
	MaxSeries  int      // that an analysis may read; 0: the default
}

func (e Evidence) mostSeries() int { return cmp.Or(e.MaxSeries, defaultMaxSeries) }

// parts are what the breakdowns of a plan were split into, or will be.
func (e Evidence) parts(p Plan) []*parts {
	all := p.parts()
	for k, s := range e.Breakdowns {
		if s != nil && all[k] != nil {
			all[k] = &s.parts
		}
	}
	return all
}

// round is what was asked for a plan, for the plan that goes on from there.
type round struct {
	budget   *budget
	until    time.Time // when the analysis has taken long enough
	evidence Evidence
}

// parts are what the breakdowns of a plan will be split into: one a target, nil
// where there is none.
func (p Plan) parts() []*parts {
	all := make([]*parts, len(p.Targets))
	for k, t := range p.Targets {
		if t.Breakdown != nil && t.Breakdown.Reason == "" {
			all[k] = &t.Breakdown.parts
		}
	}
	return all
}

// first are the queries that depend on no other answer and that others wait
// for: the targets, where there is data of their parts, and when the alert fired before.
func (p Plan) first(all []*parts) []Query {
	var qs []Query
	for _, t := range p.Targets {
		qs = append(qs, t.Query)
	}
	for _, b := range all {
		if b != nil {
			history, recent := b.presence()
			qs = append(qs, history, recent)
		}
	}
	if q, ok := p.fired(); ok {
		qs = append(qs, q)
	}
	return qs
}
