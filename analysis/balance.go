// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/attribution"
	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/words"
)

// balance is the published pipeline alone: the regression selects, the attribution ranks (Chen
// et al., BALANCE, SIGMOD 2023).
//
// Candidates that did not move in the incident are left out of the answer, or already of the
// regression, as configured. Without an onset the last row is the anomaly, and everything
// selected is in the answer.
func (c *candidates) balance() seriesAnswer {
	window := attribution.Window{Onset: c.onset, End: len(c.times)}
	ad := c.options.Series.CandidateAD
	var series []int
	moved := 0
	for i, s := range c.series {
		still := math.Abs(window.Deviation(s.Values)) < minDeviation
		if !still {
			moved++
		}
		if ad != "pre" || !still {
			series = append(series, i)
		}
	}
	reg := c.regress(series, 0, c.onset)
	answer := seriesAnswer{fit: reg.fit(len(c.series)), warnings: append(reg.warnings(), c.drift(reg)...)}
	answer.fit.Moved = moved
	if ad == "off" || !c.dated {
		answer.findings = c.contributions(reg.all(), reg)
		return answer
	}
	answer.findings = c.contributions(reg.shortlist(c.options.Series.Preset == "paper"), reg)
	return answer
}

// minDeviation is how far a candidate must move, in robust standard deviations, to count as
// anomalous: as in the published detector.
const minDeviation = 3

// part is a candidate with its contribution to the KPI's change.
type part struct {
	series int
	share  float64 // of what moved the KPI in its direction
	phi    float64 // in the KPI's unit
}

// shortlist returns the candidates that moved and that the regression holds responsible. A
// sparse selection misses the cause of a KPI that is the sum of many parts, so ridge has a say
// too, except in the published variant.
func (r *regression) shortlist(published bool) []part {
	phi := [][]float64{r.bySeries(r.change.Phi)}
	if !published {
		phi = append(phi, r.bySeries(r.opinion().Phi))
	}
	deviation := make([]float64, len(phi[0]))
	for s := range r.columns {
		deviation[s] = r.deviation(s)
	}
	at, base := r.window.Levels(r.y)
	var list []part
	for _, f := range (attribution.Shortlist{MinDeviation: minDeviation}).Select(phi, nil, deviation, at-base) {
		list = append(list, part{f.Candidate, f.Share, phi[0][f.Candidate]})
	}
	return list
}

// bySeries sums numbers of columns for each series; 0 for series that are not in the
// regression.
func (r *regression) bySeries(values []float64) []float64 {
	last := -1
	for _, s := range r.seriesOf {
		last = max(last, s)
	}
	sums := make([]float64, last+1)
	for column, v := range values {
		sums[r.seriesOf[column]] += v
	}
	return sums
}

// all returns the selected candidates by contribution, those that moved the KPI in its
// direction first. Those that the regression can't tell apart are merged and their shares
// added.
func (r *regression) all() []part {
	at, base := r.window.Levels(r.y)
	direction := 1.0
	if at < base {
		direction = -1
	}
	var list []part
	for s, phi := range r.bySeries(r.change.Phi) {
		if r.selected(s) {
			list = append(list, part{s, r.share(s), phi})
		}
	}
	slices.SortStableFunc(list, func(a, b part) int {
		forward := cmp.Compare(max(b.phi*direction, 0), max(a.phi*direction, 0))
		return cmp.Or(forward, cmp.Compare(math.Abs(b.phi), math.Abs(a.phi)))
	})
	return r.together(list)
}

// together keeps the first of each set of indistinguishable candidates.
func (r *regression) together(list []part) []part {
	sets := r.sets()
	place := map[int]int{} // series → its place in what is kept
	var kept []part
	for _, p := range list {
		if i, ok := place[p.series]; ok {
			kept[i].share += p.share
			continue
		}
		for _, m := range sets[p.series] {
			place[m] = len(kept)
		}
		kept = append(kept, p)
	}
	return kept
}

// contributions returns the findings of a list.
func (c *candidates) contributions(list []part, reg *regression) []Finding {
	var findings []Finding
	members := reg.sets()
	for _, p := range list[:min(len(list), top(c.options.Series.Top, 5))] {
		f := c.contribution(p, reg)
		f.Evidence.Members = c.names(members[p.series], p.series)
		findings = append(findings, f)
	}
	return findings
}

// contribution returns the finding of one candidate.
func (c *candidates) contribution(p part, reg *regression) Finding {
	s := c.series[p.series]
	f := Finding{
		Kind: KindSeries, Series: s.Name, Metric: s.Metric, Name: s.Name, Method: "balance",
		Score: finite(p.share), Share: finite(p.share),
		Confidence: Low, Explains: []string{c.target.Name},
		Evidence: Evidence{Service: serviceOf(s), Deviation: known(math.Abs(reg.deviation(p.series)))},
	}
	if !reg.weak() && reg.selected(p.series) {
		f.Confidence = Medium
	}
	before, after := c.levels(s.Values)
	f.Evidence.Before, f.Evidence.After = known(before), known(after)
	reg.describe(p.series, &f.Evidence)
	f.Sentence = s.Name + " " + verb(before, after) + ": "
	if p.share > 0 {
		f.Sentence += "by the regression it makes " + words.Percent(f.Share) + " of the change of " + c.target.Name
	} else {
		f.Sentence += "by the regression it did not push " + c.target.Name + " the way it went"
	}
	f.place(s)
	return f
}

// levels returns the medians of a series before and in the incident; NaN without samples.
func (c *candidates) levels(values []float64) (before, after float64) {
	return medianOf(values[:c.onset]), medianOf(values[c.onset:])
}

// medianOf returns the median of the known samples; NaN if there are none.
func medianOf(values []float64) float64 {
	present := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(present) == 0 {
		return math.NaN()
	}
	return order.MedianInPlace(present)
}
