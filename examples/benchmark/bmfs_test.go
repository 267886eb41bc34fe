// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestProblemsAreAsDescribed(t *testing.T) {
	problems, err := readProblems(problemTable)
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]int{}
	for _, p := range problems {
		tables[p.table]++
		if p.p > 200 {
			continue // the same code, and slow
		}
		drawn := p.draw(1)
		if len(drawn.X) != p.p || len(drawn.Y) != p.n {
			t.Errorf("%s: %d candidates, %d samples", p, len(drawn.X), len(drawn.Y))
		}
	}
	for table, want := range map[string]int{
		"published: size": 18, "published: noise": 4, "published: active": 5, "published: missing": 5,
		"correlated blocks": 24, "blocks with missing samples": 6,
	} {
		if tables[table] != want {
			t.Errorf("%d problems in %q, want %d", tables[table], table, want)
		}
	}
}

func TestASelectionIsMeasuredBesideThoseOfOthers(t *testing.T) {
	problems, err := readProblems(problemTable)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := selections(problems[:1], 2, true, &out); err != nil {
		t.Fatal(err)
	}
	if want := "| n=100 p=20 20 blocks, 5 active, noise 0.1 | 0.693 | 0.661 | 0.836 | 0.820 | **1.000** | 1.000 | 1.000 | 1.000 |"; !strings.Contains(out.String(), want) {
		t.Errorf("no line %s in\n%s", want, out.String())
	}
}

func TestOnlySomeTablesAreMeasured(t *testing.T) {
	var out strings.Builder
	if err := regressions([]string{"-seeds", "1", "-only", "with missing"}, &out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, "| n=") != 6 || strings.Contains(text, "published") {
		t.Errorf("want the six blocks with missing samples, got\n%s", text)
	}
}

func TestContainersAreScored(t *testing.T) {
	dir := t.TempDir()
	var table strings.Builder
	table.WriteString(",container,unix_time,cpu,mem,y\n")
	for i := range 31 {
		cpu, mem := i*i%7, i*3%5
		if i == 30 {
			cpu = 40
		}
		for _, c := range []string{"one", "two"} {
			table.WriteString(strings.Join([]string{"0", c, "0", strconv.Itoa(cpu), strconv.Itoa(mem), strconv.Itoa(2*cpu + 1)}, ",") + "\n")
		}
	}
	for name, text := range map[string]string{"container.csv": table.String(), "label.json": `{"one":[1,0],"two":[1,0]}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := readContainers(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s := scoreContainers(list, "robust"); len(list) != 2 || s.F1 != .5 { // cpu is found, mem has none to find
		t.Errorf("%d containers, score %+v", len(list), s)
	}
	var out strings.Builder
	if err := containers(t.TempDir(), &out); err != nil || !strings.Contains(out.String(), "are left out") {
		t.Errorf("%v: %s", err, out.String())
	}
}
