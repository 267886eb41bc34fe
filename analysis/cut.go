// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"
	"sort"
)

// newCandidates cuts the frame to the rows of the analysis, and sorts the candidates by name,
// so that ties do not depend on the order of the input.
func newCandidates(f Frame, t Target, opt Options) *candidates {
	end := len(f.Times)
	if f.End != 0 {
		end = sort.Search(len(f.Times), func(i int) bool { return f.Times[i] > f.End })
	}
	c := &candidates{
		target: t, times: f.Times[:end], options: opt, tiers: f.Tiers, labels: f.Labels,
		onset: max(0, end-1), dated: f.Onset != 0,
	}
	if c.dated {
		c.onset = sort.SearchFloat64s(f.Times[:end], f.Onset)
	}
	c.target.Values = t.Values[:end]
	c.series = slices.Clone(t.Candidates)
	slices.SortStableFunc(c.series, func(a, b Series) int { return compareNames(a.Name, b.Name) })
	queries := map[string]bool{}
	for i := range c.series {
		c.series[i].Values = c.series[i].Values[:end]
		queries[c.series[i].Query] = true
	}
	c.single = len(queries) == 1
	if c.target.Values != nil {
		c.setAside(asideOf(f, t))
	}
	compared := c.dated && c.unusable() == ""
	if compared {
		c.trimmed = c.trimBaseline()
		c.dropReplaced()
	}
	c.encodeServices(f.Topology)
	c.learnCalls()
	before := c.changesBefore(f)
	c.changeOdds = before.Odds
	if compared {
		c.removeReleaseEffects(before)
		if row := began(c.target.Values, t.Values[c.trimmed:end], c.onset); t.Crossing {
			c.late, c.onset = c.times[c.onset]-c.times[row], row
		}
	}
	return c
}

// maxLateStart is the fraction of the baseline that may precede the first sample of most series;
// the ranking ignores younger series.
const maxLateStart = 0.2

// trimBaseline cuts off the rows before most series existed, as in a Prometheus that was started
// an hour ago: a short baseline of all series is better than a long one of few. It cuts nothing
// if too little would remain, as after a rollout, because the older series are still useful. It
// returns the number of rows cut off.
func (c *candidates) trimBaseline() int {
	var begins []int
	for _, s := range c.series {
		if first := slices.IndexFunc(s.Values[:min(c.onset, len(s.Values))], present); first >= 0 {
			begins = append(begins, first)
		}
	}
	if len(begins) == 0 {
		return 0
	}
	slices.Sort(begins)
	cut := begins[len(begins)/2]
	if float64(cut) <= maxLateStart*float64(c.onset) || c.onset-cut < shortHistory {
		return 0
	}
	c.times, c.target.Values, c.onset = c.times[cut:], c.target.Values[cut:], c.onset-cut
	for i := range c.series {
		c.series[i].Values = c.series[i].Values[cut:]
	}
	return cut
}
