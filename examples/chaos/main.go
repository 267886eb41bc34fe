// SPDX-License-Identifier: Apache-2.0

// Chaos analyses the windows of chaos experiments: a fault is injected on purpose, no alert fires,
// and the question is how it spreads to the KPI.
//
//	go run ./examples/chaos
//
// The shop is simulated, so that the right answers are known. With a system of
// your own it takes two steps and no code; see the README beside this file.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "error: %s\n", err)
		os.Exit(1)
	}
}

// run runs all experiments and prints what the analysis found.
func run(out io.Writer) error {
	for i, e := range experiments() {
		result := analysis.Run(observe(e, uint64(i)), analysis.Options{Series: analysis.SeriesOptions{Top: 3}})
		if _, err := fmt.Fprint(out, describe(e, result)); err != nil {
			return err
		}
	}
	return nil
}

// describe prints an experiment: what was done, the suspects, and the likely path to the KPI.
func describe(e experiment, r analysis.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.name)
	if c := r.Change; c != nil {
		fmt.Fprintf(&b, "  %s went from %.0f ms to %.0f ms\n", c.Target, c.Forecast, c.Actual)
	}
	for _, cause := range r.Causes {
		fmt.Fprintf(&b, "  %d. %s (%s confidence)\n", cause.Rank, cause.Sentence, cause.Confidence)
	}
	for _, chain := range r.Graph.Chains {
		fmt.Fprintf(&b, "  likely way: %s\n", chain.Sentence)
	}
	fmt.Fprintln(&b)
	return b.String()
}
