// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeCases makes a data set of two cases, in which the entry's latency follows the database.
func writeCases(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	set := filepath.Join(dir, "made-up")
	if err := os.Mkdir(set, 0o700); err != nil {
		t.Fatal(err)
	}
	for k := range 2 {
		var table strings.Builder
		table.WriteString("time,entry|latency,db|wait,cart|cpu,entry|rate\n")
		for i := range 140 {
			moved := 0.0
			if i >= 135 {
				moved = 40
			}
			x := float64(i + 7*k)
			fmt.Fprintf(&table, "%d,%.4f,%.4f,%.4f,%.4f\n", 1000+60*i, 50+math.Sin(1.7*x)+moved, 10+math.Cos(2.3*x)+moved, 20+math.Sin(.9*x), 5+math.Sin(3*x))
		}
		name := fmt.Sprintf("case-%d", k)
		facts, err := json.Marshal(map[string]any{
			"id": name, "files": []string{name + ".csv"}, "target": "entry|latency", "anomaly_start": 1000 + 60*135, "step_s": 60,
			"graph":      [][2]string{{"entry", "cart"}, {"cart", "db"}},
			"root_cause": map[string]any{"services": []string{"db"}, "metrics": []string{"db|wait"}},
			"series": []map[string]string{
				{"col": "entry|latency", "service": "entry", "kind": "latency"},
				{"col": "db|wait", "service": "db", "kind": "io"},
				{"col": "cart|cpu", "service": "cart", "kind": "cpu"},
				{"col": "entry|rate", "service": "entry", "kind": "traffic"},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{name + ".csv": table.String(), name + ".json": string(facts)} {
			if err := os.WriteFile(filepath.Join(set, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func measured(t *testing.T, args ...string) string {
	t.Helper()
	var out strings.Builder
	if err := run(args, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCandidatesAreScored(t *testing.T) {
	out := measured(t, "candidates", writeCases(t))
	for _, want := range []string{
		"| made-up | 2 | 1.00 | 1.00 | 1.00 | 1.000 | 1.00 | 1.00 | 1.00 | 1.000 |", // by service, by metric
		"| made-up | **1.00 1.00 1.00 1.000; 1.000** | 1.00 1.00 1.00 1.000; 1.000 |",
		"| made-up | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 |",
		"| made-up | 2/2 | 0/0 | 0/0 | 100 % | 16 | 0.0 % | 0.0 % |",
		"| made-up | 2/2 | 0/0 | 0/0 | 0 |",
		"| made-up | +0, 100 % | +0, 100 % | +0, 100 % |",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no line %s in\n%s", want, out)
		}
	}
}

func TestAblationsAndGraphsAreMeasured(t *testing.T) {
	dir := writeCases(t)
	if out := measured(t, "candidates", "--ablation", dir); strings.Count(out, "| 1.00 | 1.00 | 1.00 | 1.000 | 1.00 | 1.00 | 1.00 | 1.000 |") != 5 {
		t.Errorf("ablations:\n%s", out)
	}
	out := measured(t, "graph", filepath.Join(dir, "made-up"))
	if !strings.Contains(out, "| made-up | 2 | given | 0 % | 0 % | 0 % | 100 % | – | – | 0 | 0 |") || !strings.Contains(out, "are left out") {
		t.Errorf("graphs:\n%s", out)
	}
}

func TestWrongCallsAreExplained(t *testing.T) {
	for want, args := range map[string][]string{
		"which one?":                    nil,
		`there is no benchmark "x"`:     {"x"},
		"candidates wants one folder":   {"candidates"},
		"graph wants one folder":        {"graph", "a", "b"},
		"there are no cases in":         {"candidates", t.TempDir()},
		"flag provided but not defined": {"candidates", "--nonsense"},
	} {
		if err := run(args, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want one with %s", args, err, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	p := places{1, 2, 5, 6, missed}
	for k, want := range map[int]float64{1: .2, 3: .4, 5: .6} {
		if got := p.at(k); got != want {
			t.Errorf("AC@%d = %g, want %g", k, got, want)
		}
	}
	if got, want := p.average(), (.2+.4+.4+.4+.6)/5; math.Abs(got-want) > 1e-12 {
		t.Errorf("Avg@5 = %g, want %g", got, want)
	}
	if got := firstOf(unique([]string{"a", "b", "a", "c"}), []string{"x", "c"}); got != 3 {
		t.Errorf("place %d of c, want 3", got)
	}
	if got := firstOf([]string{"a"}, []string{"x"}); got != missed {
		t.Errorf("place %d of what is not there", got)
	}
}

func TestQuietWindowsAreUsedOnce(t *testing.T) {
	incidents, err := readIncidents(filepath.Join(writeCases(t), "made-up"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	windows := incidents[0].quietWindows(seen)
	if len(windows) != 15 { // 75 rows of five
		t.Fatalf("%d windows", len(windows))
	}
	for _, w := range windows {
		if n := len(w.samples.Times); w.Onset != w.samples.Times[n-5] || n > 135 {
			t.Errorf("window from %g in %d rows", w.Onset, n)
		}
	}
	if again := incidents[0].quietWindows(seen); len(again) > 0 {
		t.Errorf("%d windows are used twice", len(again))
	}
}

func TestDifferenceFromATrueGraph(t *testing.T) {
	var d difference
	d.add([][2]string{{"a", "b"}, {"b", "c"}, {"c", "d"}, {"d", "e"}}, []drawn{
		{[2]string{"a", "b"}, true}, {[2]string{"c", "b"}, true}, {[2]string{"d", "c"}, false}, {[2]string{"a", "e"}, true},
	})
	if want := (difference{missing: 1, extra: 1, reversed: 1, open: 1}); d != want {
		t.Errorf("%+v, want %+v", d, want)
	}
}
