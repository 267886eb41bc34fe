// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"
	"sort"
)

// newCandidates cuts the frame to the rows of the analysis and puts the
// candidates in the order of their names, so that every tie falls to the
// smaller name whatever order they came in.
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
		c.young = c.dropYouth()
		c.dropReplaced()
	}
	c.encodeServices(f.Topology)
	c.learnCalls()
	before := c.changesBefore(f)
	c.expected = before.Odds
	if compared {
		c.withoutReleases(before)
		if row := began(c.target.Values, t.Values[c.young:end], c.onset); t.Crossing {
			c.late, c.onset = c.times[c.onset]-c.times[row], row
		}
	}
	return c
}

// mostYouth is the share of the baseline that may lie before a series begins;
// of one that is younger, the ranking would say nothing.
const mostYouth = 0.2

// dropYouth cuts off the rows in which most series did not exist yet, as in a
// Prometheus that was started an hour ago: a short baseline of all tells more
// than a long one of few. It leaves the baseline alone where too little would be
// left, as after a rollout: what is old then still tells. It returns how many
// rows were cut off.
func (c *candidates) dropYouth() int {
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
	if float64(cut) <= mostYouth*float64(c.onset) || c.onset-cut < shortHistory {
		return 0
	}
	c.times, c.target.Values, c.onset = c.times[cut:], c.target.Values[cut:], c.onset-cut
	for i := range c.series {
		c.series[i].Values = c.series[i].Values[cut:]
	}
	return cut
}
