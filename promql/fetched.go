// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"github.com/culprit-dev/culprit/analysis"
)

// Fetched is a plan with its results. ByReplica, Narrow and Then return plans that continue it.
type Fetched struct {
	Plan  Plan
	Frame analysis.Frame
	round
}

// Asked returns the queries worth showing to people: targets, parts of breakdowns by the labels
// that were used, candidates, topology, and queries for changes that found some. Discovered
// labels are known only from the frame. The pieces of a breakdown are left out: they query the
// same sums over other windows.
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
		if seriesIn(f.evidence.Answers.to(q).Value) > 0 { // those that found nothing are the same for every alert
			qs = append(qs, q)
		}
	}
	return qs
}
