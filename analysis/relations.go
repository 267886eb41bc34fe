// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/bmfs"
	"github.com/culprit-dev/culprit/analysis/words"
)

// relations warns about listed candidates for which the assumption of a constant linear
// relation to the KPI fails.
func (c *candidates) relations(told []Finding, r *regression) []Warning {
	listed := map[int]bool{}
	for s := range c.series {
		listed[s] = slices.ContainsFunc(told, func(f Finding) bool { return f.Series == c.series[s].Name })
	}
	bends := c.bends(r, listed) // not listed any more: each half has another slope, which looks like drift
	return append(bends, c.driftOf(r, minListedDrift, func(s int) bool { return listed[s] })...)
}

// minListedDrift is the drift, in standard errors, worth mentioning with a ranking: twice that of
// [bmfs.Drift], because samples of a rate overlap and are fewer than the rows.
const minListedDrift = 6

// drift warns about selected candidates whose relation to the KPI changed before the incident:
// their contribution rests on it. Many samples make even a small change significant, but then
// it does not matter.
func (c *candidates) drift(r *regression) []Warning {
	return c.driftOf(r, 0, func(int) bool { return true })
}

func (c *candidates) driftOf(r *regression, sigmas float64, of func(series int) bool) []Warning {
	before := r.window.Onset
	x := make([][]float64, len(r.x))
	for j, column := range r.x {
		x[j] = column[:before]
	}
	var seeds []int
	for _, set := range r.model.Sets {
		seeds = append(seeds, set.Seed)
	}
	var list []Warning
	for _, change := range bmfs.Drift(x, r.y[:before], seeds) {
		s := r.seriesOf[change.Candidate]
		if !of(s) || change.Sigmas < sigmas || math.Abs(change.After-change.Before) < max(math.Abs(change.Before), math.Abs(change.After))/2 {
			continue
		}
		list = append(list, Warning{Source: "regression", Text: fmt.Sprintf(
			"the relation of %s to the KPI changed before the incident (%s, then %s for one unit of it): its contribution is uncertain",
			c.series[s].Name, words.Number(change.Before), words.Number(change.After))})
	}
	return list
}

// bends warns about listed candidates whose effect on the KPI has a threshold or reverses,
// before the incident, and unlists them.
func (c *candidates) bends(r *regression, listed map[int]bool) []Warning {
	var list []Warning
	for s := range c.series {
		if !listed[s] || len(r.columns[s]) == 0 {
			continue
		}
		b, bent := bmfs.Bent(r.x[r.columns[s][0]][:r.window.Onset], r.y[:r.window.Onset])
		if !bent {
			continue
		}
		listed[s] = false
		how := "turns"
		if b.Threshold() {
			how = "is another one beyond a threshold"
		}
		list = append(list, Warning{Source: "regression", Text: fmt.Sprintf(
			"the relation of %s to the KPI %s, at %s (%s below it, %s above it for one unit): its contribution, by a straight line, is uncertain",
			c.series[s].Name, how, words.Number(b.At), words.Number(b.Below), words.Number(b.Above))})
	}
	return list
}
