// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql/expr"
)

// BenchmarkAlign aligns the answers to a ratio with the given number of leaves: four windows of
// both sides, one of them with 24 steps.
func BenchmarkAlign(b *testing.B) {
	for _, leaves := range []int{100, 2_000, 20_000} {
		b.Run(fmt.Sprint(leaves), func(b *testing.B) {
			plan, e := wide(leaves)
			b.ReportAllocs()
			for b.Loop() {
				if f := Align(plan, e); len(f.Targets[0].Breakdown.Leaves) != leaves {
					b.Fatal(f.Warnings)
				}
			}
		})
	}
}

func wide(leaves int) (Plan, Evidence) {
	d := parts{
		Target: "t", Measure: expr.Measure{Numerator: []expr.Term{{Coefficient: 1, Text: "sum(a)"}}, Denominator: []expr.Term{{Coefficient: 1, Text: "sum(b)"}}},
		grid: grid{start: clock("10:00:00"), onset: clock("12:00:00"), end: clock("12:10:00"), before: clock("11:59:00"), step: time.Minute},
	}
	plan := Plan{Start: d.grid.start, Onset: d.grid.onset, End: d.grid.end, Step: d.grid.step, Targets: []Target{{Breakdown: &Breakdown{parts: d}}}}
	s := &Split{shape: shape{parts: d, names: []string{"x", "y"}}, samples: d.samples(nil, true)}
	answers := Answers{}
	for _, q := range s.queries() {
		answers[q.key()] = Answer{Value: wideAnswer(q, leaves)}
	}
	return plan, Evidence{Answers: answers, Breakdowns: []*Split{s}}
}

func wideAnswer(q Query, leaves int) model.Value {
	var vector model.Vector
	var matrix model.Matrix
	for i := range leaves {
		m := model.Metric{"x": model.LabelValue(fmt.Sprint(i % 100)), "y": model.LabelValue(fmt.Sprint(i / 100))}
		vector = append(vector, &model.Sample{Metric: m, Value: 1})
		s := &model.SampleStream{Metric: m}
		for k := range recentSteps {
			s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(q.End.Add(-time.Duration(k) * recentStep).UnixNano()), Value: 1})
		}
		matrix = append(matrix, s)
	}
	if q.instant() {
		return vector
	}
	return matrix
}
