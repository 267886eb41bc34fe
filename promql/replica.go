// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"slices"
)

// ByReplica returns the plan that breaks the KPI down by replica labels, such as instance and
// pod. Label discovery omits them if others vary, because they are always at least as
// surprising and say the least. They remain for changes that the others don't explain, such as
// three of twenty instances down.
//
// It sends no query; [Fetcher.Fetch] sends the new ones, on the budget of the same analysis. It
// returns false if no such label was omitted.
func (f Fetched) ByReplica() (Plan, bool) {
	p, found := f.Plan, false
	p.Targets = slices.Clone(p.Targets)
	for k, s := range f.evidence.Breakdowns {
		if s == nil || len(s.replicas) == 0 {
			continue
		}
		again := *p.Targets[k].Breakdown
		again.Labels = s.replicas
		p.Targets[k].Breakdown, found = &again, true
	}
	return f.Then(p), found
}

// Then returns p as a plan that continues f, on the budget of the same analysis.
func (f Fetched) Then(p Plan) Plan {
	p.continues, p.inside = &round{budget: f.budget, until: f.until, evidence: Evidence{Answers: f.evidence.Answers}}, false
	return p
}
