// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"slices"
)

// ByReplica returns the plan that asks for the KPI once more by the names of
// what comes and goes, such as instance and pod. A breakdown that discovers its
// labels leaves them out where others vary: they are always at least as
// surprising, and say the least. So they are for a change that the others don't
// tell, as when three of twenty instances are down.
//
// It asks nothing itself; [Fetcher.Fetch] asks what is new, at the cost of the
// same analysis. It returns false if no such label was left out.
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

// Then returns another plan of the same alert, as one that goes on from f: at the
// cost of the same analysis.
func (f Fetched) Then(p Plan) Plan {
	p.after, p.inside = &round{budget: f.budget, until: f.until, evidence: Evidence{Answers: f.evidence.Answers}}, false
	return p
}
