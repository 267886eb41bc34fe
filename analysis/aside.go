// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"
	"strings"
	"time"
)

// asideOf are the times that the breakdown has set aside.
func asideOf(b *Breakdown) []Stretch {
	if b == nil {
		return nil
	}
	var list []Stretch
	for _, s := range b.Aside {
		list = append(list, Stretch{From: s.Onset, To: s.End})
	}
	return list
}

// sayAside says which times were set aside.
func sayAside(list []Stretch) []Warning {
	if len(list) == 0 {
		return nil
	}
	clock := func(t float64) string { return time.Unix(int64(t), 0).UTC().Format("15:04") }
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = clock(s.From) + " to " + clock(s.To)
	}
	return []Warning{{Source: "baseline", Text: "the time from " + strings.Join(texts, ", and from ") +
		" UTC is no baseline and was set aside: the KPI or a part of it was far from its usual"}}
}

// nearOnset is how many seconds before the onset a stretch ends that may be the
// beginning of the incident.
const nearOnset = 600

// setAside takes the samples of earlier incidents out of all series, as long as
// enough of the baseline is left.
func (c *candidates) setAside(list []Stretch) {
	if !c.dated || c.onset >= len(c.times) {
		return
	}
	var rows []int
	for i, t := range c.times[:c.onset] {
		if slices.ContainsFunc(list, func(s Stretch) bool {
			return s.From <= t && t < s.To && s.To < c.times[c.onset]-nearOnset
		}) {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 || 2*len(rows) > c.onset || c.onset-len(rows) < shortHistory {
		return
	}
	without := func(values []float64) []float64 {
		values = slices.Clone(values)
		for _, i := range rows {
			values[i] = math.NaN()
		}
		return values
	}
	c.target.Values = without(c.target.Values)
	for i := range c.series {
		c.series[i].Values = without(c.series[i].Values)
	}
}
