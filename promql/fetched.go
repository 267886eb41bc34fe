// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"github.com/culprit-dev/culprit/analysis"
)

// Fetched is a plan with what came of it. Another plan may go on from there:
// see ByReplica, Narrow and Then.
type Fetched struct {
	Plan  Plan
	Frame analysis.Frame
	round
}

// Asked returns the queries worth showing to people: targets, the parts of
// the breakdowns by the labels that the frame was broken down by, candidates and
// topology, and what was asked of changes where some were found. Labels that are
// discovered are known only of the frame. The pieces of time of a breakdown are left
// out: they ask for the same sums over other windows.
func (f Fetched) Asked() []Query {
	var qs []Query
	all := f.evidence.parts(f.Plan)
	for k, t := range f.Plan.Targets {
		qs = append(qs, t.Query)
		if all[k] == nil {
			continue
		}
		names := t.Breakdown.Labels
		if b := f.Frame.Targets[k].Breakdown; b != nil && len(b.Labels) > 0 {
			names = b.Labels
		}
		if names != nil {
			qs = append(qs, all[k].shown(names)...)
		}
	}
	qs = append(qs, f.Plan.others()...)
	for _, q := range f.Plan.changes() {
		if seriesIn(f.evidence.Answers.to(q).Value) > 0 { // what found nothing is the same for every alert
			qs = append(qs, q)
		}
	}
	return qs
}
