// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

// statements runs every step of the published method on incidents of a database: one of a hundred
// statements became slow, three others moved alike without mattering, three more grow.
func statements(out io.Writer) {
	const cases = 60
	fmt.Fprintf(out, "\n%d incidents of a database, 100 statements each (Bayesian ridge alone finds the cause among the first three in .83):\n", cases)
	fmt.Fprintln(out, "\n| method | first | first three | listed | ms |")
	fmt.Fprintln(out, "|---|---|---|---|---|")
	for _, way := range []struct {
		name   string
		series analysis.SeriesOptions
	}{
		{"BMFS, ridge and shortlist (default)", analysis.SeriesOptions{Method: "balance"}},
		{"as published", analysis.SeriesOptions{Method: "balance", Preset: "paper"}},
	} {
		var top1, top3, listed int
		start := time.Now()
		for seed := range uint64(cases) {
			c := synth.Incident{}.Case(synth.Rand(seed))
			causes := analysis.Run(statementFrame(c), analysis.Options{Series: way.series}).Causes
			listed += len(causes)
			for i, cause := range causes {
				if cause.Series == statementName(c.Cause) && i < 3 {
					top3++
					top1 += b2i(i == 0)
				}
			}
		}
		ms := float64(time.Since(start).Milliseconds()) / cases
		fmt.Fprintf(out, "| %s | %.2f | %.2f | %.2f | %.0f |\n", way.name,
			float64(top1)/cases, float64(top3)/cases, float64(listed)/cases, ms)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// statementFrame is an incident whose last row is the anomaly. The statements share a unit.
func statementFrame(c synth.IncidentCase) analysis.Frame {
	f := analysis.Frame{Times: make([]float64, len(c.Y))}
	for i := range f.Times {
		f.Times[i] = float64(60 * (i + 1))
	}
	f.Onset = f.Times[len(f.Times)-1]
	target := analysis.Target{Name: "response time", Values: c.Y}
	for j, x := range c.X {
		target.Candidates = append(target.Candidates, analysis.Series{Name: statementName(j), Scale: "common", Positive: true, Values: x})
	}
	f.Targets = []analysis.Target{target}
	return f
}

func statementName(i int) string { return fmt.Sprintf("statement %03d", i) }
