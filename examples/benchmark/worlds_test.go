// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/benchmark/worlds"
)

func TestWorldsAreCountedByFamily(t *testing.T) {
	var out strings.Builder
	dir := t.TempDir()
	args := []string{"--seed", "1,2", "--only", "violent,swap", "--level", "table", "--show", "RIGHT", "--write", dir, "--check"}
	if err := everyday(args, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| violent | ", "| 20 | 20 | 0 | 0 | 0 | 20 of 20 |", "| swap | ", "| all | | 40 |", "RIGHT violent-table-2-01"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	command, err := os.ReadFile(filepath.Join(dir, "violent-table-1-01", "run.sh"))
	if err != nil || string(command) != "culprit analyze dimensions table.csv\n" {
		t.Errorf("%q %v", command, err)
	}
}

// One WRONG answer in fifty is tolerated, and one in a family.
func TestTooManyWrongAnswersFail(t *testing.T) {
	family := worlds.Families()[0].Name
	answers := make([]answered, 100)
	for i := range answers {
		answers[i] = answered{world: worlds.World{Family: family}, score: worlds.Score{Class: worlds.Right}}
	}
	for n, want := range map[int]bool{0: false, 2: false, 3: true} {
		for i := range n {
			answers[i].score.Class = worlds.Wrong
		}
		if got := printFamilies(&strings.Builder{}, answers); got != want {
			t.Errorf("%d of 100 WRONG: %v", n, got)
		}
		for i := range n {
			answers[i].score.Class = worlds.Right
		}
	}
}

func TestReliabilityIsCountedByConfidence(t *testing.T) {
	var out strings.Builder
	said := []worlds.Said{{Confidence: analysis.High, True: true}, {Confidence: analysis.High}, {Confidence: analysis.Low, True: true}}
	external := analysis.Result{Verdict: analysis.External}
	printReliability(&out, []answered{
		{world: worlds.World{Twins: "a"}, score: worlds.Score{Class: worlds.Right, Said: said}, result: external},
		{world: worlds.World{Twins: "a", Truth: worlds.Truth{Verdict: analysis.External}}, score: worlds.Score{Class: worlds.Wrong}, result: external},
		{world: worlds.World{Twins: "b"}, score: worlds.Score{Class: worlds.Good}},
	})
	for _, want := range []string{"high confidence | 1 of 2", "medium confidence | –", "low confidence | 1 of 1", "no single place | 1 of 2", "all units | 1 of 2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %s", want, out.String())
		}
	}
}

func TestWrongCallsOfWorldsAreRefused(t *testing.T) {
	for args, want := range map[string]string{
		"--seed x":                   `"x" is not a whole number`,
		"--only flood":               `no family "flood"`,
		"--only again --level table": "no worlds are left",
		"DIR":                        "flags only",
		"--no-such-flag":             "no-such-flag",
	} {
		if err := everyday(strings.Fields(args), &strings.Builder{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
