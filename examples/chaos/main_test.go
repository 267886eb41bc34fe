// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// TestExperimentsAreTracedToTheirService runs each experiment ten times: the injected service is
// the first suspect, and the first path to the KPI nearly always begins at the very resource that
// was used up.
func TestExperimentsAreTracedToTheirService(t *testing.T) {
	const runs = 10
	for _, e := range experiments() {
		first, begins := 0, 0
		for seed := range uint64(runs) {
			r := analysis.Run(observe(e, seed), analysis.Options{})
			if len(r.Causes) > 0 && strings.HasPrefix(r.Causes[0].Series, e.service+"|") {
				first++
			}
			if len(r.Graph.Chains) > 0 && r.Graph.Chains[0].Nodes[0] == e.service+"|"+e.metric {
				begins++
			}
		}
		t.Logf("%s: first suspect %d, way %d of %d", e.name, first, begins, runs)
		if first < runs-1 || begins < runs-2 {
			t.Errorf("%s: the first suspect is right in %d, the way in %d of %d", e.name, first, begins, runs)
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
