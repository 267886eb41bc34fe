// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"

	"github.com/culprit-dev/culprit/analysis"
)

// A rule may have several KPIs. The first one leads: the figures of the line are its own, and a
// cause only of another KPI does not explain its change.

// lead is the name of the first KPI; empty if unknown.
func (r Report) lead() string {
	i := slices.IndexFunc(r.Plan.Queries, func(q Query) bool { return q.Role == RoleTarget })
	if i < 0 {
		return ""
	}
	return r.Plan.Queries[i].Name
}

// isOfLead reports whether a cause explains the first KPI.
func (r Report) isOfLead(f analysis.Finding) bool {
	lead := r.lead()
	return lead == "" || len(f.Explains) == 0 || slices.Contains(f.Explains, lead)
}

// told returns the causes that the line may name, and what they explain: those of the first KPI or,
// if it has none, those of the KPI of the first confident cause.
func (r Report) told(causes []analysis.Finding) (told []analysis.Finding, of string, ofLead bool) {
	own := slices.DeleteFunc(slices.Clone(causes), func(f analysis.Finding) bool { return !r.isOfLead(f) })
	other := firstConfident(causes)
	if slices.ContainsFunc(own, Confident) || len(other.Explains) == 0 {
		return own, r.of(), true
	}
	name := other.Explains[0]
	others := slices.DeleteFunc(slices.Clone(causes), func(f analysis.Finding) bool { return !slices.Contains(f.Explains, name) })
	return others, ofKPI(name), false
}

// ofKPI names the change of a KPI other than the first.
func ofKPI(name string) string { return "the change of " + cut(clean(name), titleLimit) }
