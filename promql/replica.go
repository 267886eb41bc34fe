// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"slices"

	"github.com/prometheus/common/model"
)

// ByReplica returns the plan that asks for the KPI once more by the names of
// what comes and goes, such as instance and pod. A breakdown that discovers its
// labels leaves them out where others vary: they are always at least as
// surprising, and say the least. So they are for a change that the others don't
// tell, as when three of twenty instances are down.
//
// It asks nothing itself; [Fetcher.Fetch] asks what is new, at the cost of the
// same analysis. It returns false if p was not fetched, or if no such label was
// left out.
func (p Plan) ByReplica() (Plan, bool) {
	if p.asked == nil || p.asked.planned == nil {
		return p, false
	}
	first, found := p.asked, false
	p.Targets = slices.Clone(p.Targets)
	for k, t := range p.Targets {
		if t.Breakdown == nil {
			continue
		}
		again := first.planned[k]
		if len(t.Breakdown.replicas) > 0 {
			again.Labels, again.wider, found = t.Breakdown.replicas, nil, true
		}
		p.Targets[k].Breakdown = &again
	}
	p.asked = &round{budget: first.budget, until: first.until, evidence: Evidence{Answers: first.evidence.Answers}}
	return p, found
}

// breakdowns are copies of those of a plan.
func (p Plan) breakdowns() []Breakdown {
	out := make([]Breakdown, len(p.Targets))
	for k, t := range p.Targets {
		if t.Breakdown != nil {
			out[k] = *t.Breakdown
		}
	}
	return out
}

// replicas are the labels that name one of many that do the same, and vary,
// unless they are among the names already.
func replicas(series []model.LabelSet, names []string) []string {
	var out []string
	for _, name := range []model.LabelName{model.InstanceLabel, "pod"} {
		values := map[model.LabelValue]bool{}
		for _, s := range series {
			values[s[name]] = true
		}
		if len(values) > 1 && !slices.Contains(names, string(name)) {
			out = append(out, string(name))
		}
	}
	return out
}
