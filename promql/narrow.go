// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Narrow returns the plan that continues f inside a cause of kind labels: the candidates of the
// explained targets are also queried inside its label set, so that "which label" narrows "which
// series". It sends no query; [Fetcher.Fetch] sends the new ones, on the budget of the same
// analysis, and its frame has everything.
//
// It returns false if nothing would be learned: the cause has no selectable labels, or every
// candidate already distinguishes them, selects their values, or has no series.
func (f Fetched) Narrow(cause analysis.Finding) (Plan, bool) {
	p := f.Plan
	p.Targets = slices.Clone(p.Targets)
	p.Queries = nil
	for i, t := range p.Targets {
		if !slices.Contains(cause.Explains, t.Query.Name) {
			continue
		}
		more := t.narrowed(regions(cause.Labels), f.evidence.Answers)
		p.Targets[i].Candidates = slices.Concat(t.Candidates, more)
		for _, c := range more {
			p.Queries = append(p.Queries, c.Query)
		}
	}
	p.continues, p.inside = &f.round, len(p.Queries) > 0
	return p, p.inside
}

// narrowed narrows the candidates that have series.
func (t Target) narrowed(where []region, answers Answers) []Candidate {
	var more []Candidate
	asked := map[string]bool{}
	for _, r := range where {
		for _, c := range t.Candidates {
			answer := answers.to(c.Query)
			if answer.Err != nil || seriesIn(answer.Value) == 0 {
				continue
			}
			n, ok := c.narrowed(r)
			if key := c.Query.Name + "\n" + n.Query.Query; ok && !asked[key] {
				asked[key] = true
				more = append(more, n)
			}
		}
	}
	return more
}

// narrowed narrows a candidate, if that can give other series.
func (c Candidate) narrowed(r region) (Candidate, bool) {
	e, err := expr.Parse(c.Query.Query)
	if err != nil || expr.RenamesLabels(e) || !r.narrows(e) || !r.inject(e) {
		return c, false
	}
	c.whole, c.scope, c.optional = c.Query, r, true
	c.Query.Name = c.whole.Name + " within " + r.String()
	c.Query.Query = e.String()
	_, err = expr.Parse(c.Query.Query) // some values can't be written in PromQL, such as U+FFFD
	return c, err == nil
}
