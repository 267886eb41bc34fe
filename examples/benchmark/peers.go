// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/order"
)

// peer is a published formula that scores each series by itself.
type peer struct {
	name  string
	score func(before, during []float64) float64
}

// peers are formulas that are hard to beat on public data.
func peers() []peer {
	return []peer{
		{"N-Sigma", func(before, during []float64) float64 {
			return (slices.Max(during) - meanOf(before)) / orOne(deviationOf(before))
		}},
		{"N-Sigma, two-sided", func(before, during []float64) float64 {
			return farthest(during, meanOf(before)) / orOne(deviationOf(before))
		}},
		{"BARO", func(before, during []float64) float64 { // Pham et al., FSE 2024: the robust scorer
			sorted := slices.Sorted(slices.Values(before))
			spread := quantile(sorted, 0.75) - quantile(sorted, 0.25)
			return farthest(during, quantile(sorted, 0.5)) / orOne(spread)
		}},
		{"robust z", func(before, during []float64) float64 { // median and median absolute deviation, 1 % of the level at least
			centre := order.Median(before)
			return farthest(during, centre) / orOne(max(order.RobustSD(before), 0.01*math.Abs(centre)))
		}},
	}
}

// rankBy ranks the candidates of a case by a formula, as findings.
func (c incident) rankBy(p peer) []analysis.Finding {
	frame, err := c.frame(0)
	if err != nil {
		panic(err) // the case names a KPI that it doesn't have
	}
	onset, _ := slices.BinarySearch(frame.Times, frame.Onset)
	var causes []analysis.Finding
	for _, s := range frame.Targets[0].Candidates {
		before, during := present(s.Values[:onset]), present(s.Values[onset:])
		score := 0.0
		if len(before) > 0 && len(during) > 0 {
			score = p.score(before, during)
		}
		causes = append(causes, analysis.Finding{Series: s.Name, Score: score})
	}
	slices.SortFunc(causes, func(a, b analysis.Finding) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Series, b.Series))
	})
	return causes
}

// comparison formats the results of the peers on a set: AC@1, AC@3, AC@5, Avg@5 by service, and
// Avg@5 by metric.
func comparison(name string, incidents []incident, usual tally) string {
	line := fmt.Sprintf("| %s | **%s** |", name, usual.brief())
	for _, p := range peers() {
		t := newTally()
		for _, c := range incidents {
			t.add(c, c.rankBy(p))
		}
		line += fmt.Sprintf(" %s |", t.brief())
	}
	return line
}

// brief formats a tally in one cell.
func (t tally) brief() string {
	s := t.services
	text := fmt.Sprintf("%.2f %.2f %.2f %.3f", s.at(1), s.at(3), s.at(5), s.average())
	if len(t.metrics) > 0 {
		text += fmt.Sprintf("; %.3f", t.metrics.average())
	}
	return text
}

func present(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}

func meanOf(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func deviationOf(values []float64) float64 {
	centre, sum := meanOf(values), 0.0
	for _, v := range values {
		sum += (v - centre) * (v - centre)
	}
	return math.Sqrt(sum / float64(len(values)))
}

// farthest returns the largest distance of a value from a centre.
func farthest(values []float64, centre float64) float64 {
	far := 0.0
	for _, v := range values {
		far = max(far, math.Abs(v-centre))
	}
	return far
}

// quantile interpolates between sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// orOne does what the published programs do with a series that stood still.
func orOne(scale float64) float64 {
	if scale == 0 {
		return 1
	}
	return scale
}
