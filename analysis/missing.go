// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"

	"github.com/culprit-dev/culprit/analysis/localize"
)

// gone says whether all series that the sets select have disappeared: a part of a sum that is
// gone did not merely fall.
func (b *Breakdown) gone(sets []map[string]string) bool {
	selected := 0
	for i, leaf := range b.Leaves {
		if !slices.ContainsFunc(sets, func(set map[string]string) bool { return has(b.Labels, leaf, set) }) {
			continue
		}
		if i >= len(b.Gone) || !b.Gone[i] {
			return false
		}
		selected++
	}
	return selected > 0
}

// missing reports the leaves that existed before as the place, for an alert about absence. That
// everything stopped is what the alert says already.
func (l *location) missing(r localize.Result) localize.Result {
	if r.Verdict != localize.Outage || !l.breakdown.Missing || len(l.breakdown.Marginals) > 0 {
		return r
	}
	c := localize.Cause{Method: "missing", Confidence: High, Share: 1, Forecast: r.Forecast, Actual: r.Actual, Vanished: true}
	labels := make([]int, len(l.names))
	for d := range labels {
		labels[d] = d
	}
	for leaf, forecast := range l.input.Forecast {
		if forecast <= 0 {
			continue
		}
		values := make([]int32, len(labels))
		for d := range labels {
			values[d] = l.input.Codes[d][leaf]
		}
		c.Combinations = append(c.Combinations, localize.Combination{Labels: slices.Clone(labels), Values: values})
	}
	if c.Leaves = len(c.Combinations); c.Leaves == 0 || c.Leaves > mostMissing {
		return r
	}
	r.Verdict, r.Causes = localize.Explained, []localize.Cause{c}
	return r
}
