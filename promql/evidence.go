// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"time"
)

// Evidence is every answer for a plan, from which [Align] makes a frame.
type Evidence struct {
	Answers    Answers
	Breakdowns []*Split // one per target; nil if none is wanted, or nobody answered
	Beside     []*Split // one per target: the series beside the KPI's own; nil if there are none
	MaxSeries  int      // limit of the analysis; 0: the default
}

func (e Evidence) mostSeries() int { return cmp.Or(e.MaxSeries, defaultMaxSeries) }

// parts returns the parts of a plan's breakdowns: as split, else as planned.
func (e Evidence) parts(p Plan) []*parts {
	all := p.parts()
	for k, s := range e.Breakdowns {
		if s != nil && all[k] != nil {
			all[k] = &s.parts
		}
	}
	return all
}

// round is the work done for a plan, for a plan that continues it.
type round struct {
	budget   *budget
	until    time.Time // time limit of the analysis
	evidence Evidence
}

// parts returns the planned parts of each target's breakdown; nil if it has none.
func (p Plan) parts() []*parts {
	all := make([]*parts, len(p.Targets))
	for k, t := range p.Targets {
		if t.Breakdown != nil && t.Breakdown.Reason == "" {
			all[k] = &t.Breakdown.parts
		}
	}
	return all
}

// first returns the queries that others wait for: the targets, the presence of data of their
// parts, and earlier firings.
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
