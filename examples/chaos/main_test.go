// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// TestExperimentsAreTracedToTheirService takes ten runs of each experiment: the
// injected service is the first suspect, and the way to the KPI passes through
// it, nearly always.
func TestExperimentsAreTracedToTheirService(t *testing.T) {
	const runs = 10
	for _, e := range experiments() {
		first, through := 0, 0
		for seed := range uint64(runs) {
			r := analysis.Run(observe(e, seed), analysis.Options{})
			if len(r.Causes) > 0 && strings.HasPrefix(r.Causes[0].Series, e.service+"|") {
				first++
			}
			for _, chain := range r.Graph.Chains[:min(3, len(r.Graph.Chains))] {
				if strings.Contains(chain.Sentence, e.service+"|") {
					through++
					break
				}
			}
		}
		t.Logf("%s: first suspect %d, way %d of %d", e.name, first, through, runs)
		if first < runs-1 || through < runs-2 {
			t.Errorf("%s: the first suspect is right in %d, the way in %d of %d", e.name, first, through, runs)
		}
	}
}

func TestTheExampleNamesEveryExperiment(t *testing.T) {
	var out strings.Builder
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	for _, e := range experiments() {
		if !strings.Contains(out.String(), e.name) {
			t.Errorf("no %q in\n%s", e.name, out.String())
		}
	}
}
