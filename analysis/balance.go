package analysis

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/words"
)

// balance is the published pipeline alone: the regression selects, the
// attribution ranks (Chen et al., BALANCE, SIGMOD 2023). Candidates that did
// not move in the incident are left out of the answer, or of the regression
// already, as the options say.
func (c *candidates) balance() seriesAnswer {
	var series []int
	moved := map[int]bool{}
	for i, s := range c.series {
		moved[i] = abnormal(s.Values, c.onset)
		if c.options.Series.CandidateAD != "pre" || moved[i] {
			series = append(series, i)
		}
	}
	reg := c.regress(series, 0, c.onset)
	answer := seriesAnswer{fit: reg.fit(len(c.series)), warnings: reg.warnings()}
	answer.fit.Moved = count(moved)
	members := reg.sets()
	listed := map[int]bool{}
	for _, column := range reg.change.Order {
		i := reg.seriesOf[column]
		if len(answer.findings) == top(c.options.Series.Top, 5) {
			break
		}
		if listed[i] || !c.reported(i, moved) {
			continue
		}
		f := c.contribution(i, reg)
		f.Evidence["members"] = c.names(members[i], i)
		for _, m := range append(members[i], i) {
			listed[m] = true
		}
		answer.findings = append(answer.findings, f)
	}
	return answer
}

// reported says whether a candidate may be in the answer. Without an onset
// there is no incident that it could have moved in.
func (c *candidates) reported(series int, moved map[int]bool) bool {
	return c.options.Series.CandidateAD == "off" || !c.dated || moved[series]
}

// contribution is one candidate with what it contributed to the change.
func (c *candidates) contribution(series int, reg *regression) Finding {
	s := c.series[series]
	f := Finding{
		Kind: KindSeries, Series: s.Name, Name: s.Name, Method: "balance",
		Score: finite(math.Abs(reg.sum(reg.change.Phi, series))), Share: finite(reg.share(series)),
		Confidence: Low, Explains: []string{c.target.Name},
		Evidence: map[string]any{"service": serviceOf(s)},
	}
	if !reg.weak() {
		f.Confidence = Medium
	}
	before, after := c.levels(s.Values)
	f.Evidence["before"], f.Evidence["after"] = finite(before), finite(after)
	reg.describe(series, f.Evidence)
	f.Sentence = s.Name + " " + verb(before, after) + ": by the regression it makes " +
		words.Percent(f.Share) + " of the change of " + c.target.Name
	return f
}

// levels are the medians of a series before and in the incident, NaN without
// samples.
func (c *candidates) levels(values []float64) (before, after float64) {
	return medianOf(values[:c.onset]), medianOf(values[c.onset:])
}

// medianOf is the median of the samples that are there, NaN if none is.
func medianOf(values []float64) float64 {
	present := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(present) == 0 {
		return math.NaN()
	}
	return median(present)
}

// abnormal is the candidate test of the published pipeline: more than three
// robust standard deviations from the median before the onset, in at least
// half of the incident.
func abnormal(values []float64, onset int) bool {
	centre := medianOf(values[:onset])
	distances := make([]float64, onset)
	for i, v := range values[:onset] {
		distances[i] = math.Abs(v - centre)
	}
	sd := 1.4826 * medianOf(distances)
	out, seen := 0, 0
	for _, v := range values[onset:] {
		if math.IsNaN(v) {
			continue
		}
		seen++
		if math.Abs(v-centre) >= 3*sd && v != centre {
			out++
		}
	}
	return seen > 0 && 2*out >= seen
}

func count(set map[int]bool) int {
	n := 0
	for _, yes := range set {
		if yes {
			n++
		}
	}
	return n
}
