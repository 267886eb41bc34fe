// SPDX-License-Identifier: Apache-2.0

// Benchmark measures culprit's methods on public data and on synthetic problems
// with known answers, and prints markdown tables.
//
//	go run ./examples/benchmark dims DIR         which labels: faults and breakdowns with known causes
//	go run ./examples/benchmark riskloc DIR      a peer on the same data
//	go run ./examples/benchmark candidates DIR   which series: incidents with known causes; --leave-out: marks chosen elsewhere
//	go run ./examples/benchmark changes DIR      the same with releases among which the bad one is
//	go run ./examples/benchmark graph DIR        chains and edges on the same incidents
//	go run ./examples/benchmark bmfs [DIR]       the regression: published recipe, blocks, incidents
//	go run ./examples/benchmark expressions      alerts in many words, each with the answer of a person
//	go run ./examples/benchmark worlds           everyday incidents of its own: is it right, or silent?
//	go run ./examples/benchmark stories          what was done before an incident: is it named, and nothing else?
//
// DIR holds the data, which are not part of culprit: one folder a data set. For
// `candidates` and `graph` it holds cases as package tabular describes them. What
// isn't there is left out, and said so. The numbers depend on the data only, but for
// the times, which are of this machine.
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// benchmark is one of the measurements.
type benchmark func(args []string, out io.Writer) error

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "error: %s\n", err)
		os.Exit(2)
	}
}

func run(args []string, out io.Writer) error {
	benchmarks := map[string]benchmark{
		"dims":        dims,
		"riskloc":     riskLoc,
		"candidates":  candidates,
		"changes":     releases,
		"bmfs":        regressions,
		"graph":       graphs,
		"expressions": alertsInWords,
		"worlds":      everyday,
		"stories":     whatWasDone,
	}
	names := strings.Join(slices.Sorted(maps.Keys(benchmarks)), ", ")
	if len(args) == 0 {
		return fmt.Errorf("which one? There are %s", names)
	}
	measure, ok := benchmarks[args[0]]
	if !ok {
		return fmt.Errorf("there is no benchmark %q, only %s", args[0], names)
	}
	return measure(args[1:], out)
}
