// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

func TestExactCombinationsAreCounted(t *testing.T) {
	var s setScore
	s.add([]string{"a=1", "b=2"}, []string{"a=1"})            // one of two is right
	s.add([]string{"a=1&b=2"}, []string{"a=1&b=2"})           // exact
	s.add(nil, []string{"c=3"})                               // missed
	s.add([]string{"c=9", "c=1"}, []string{"c=1", "d=5&e=7"}) // right in the second place
	if s.right != 3 || s.found != 5 || s.true != 5 || s.exact != 1 {
		t.Errorf("%+v", s)
	}
	if math.Abs(s.f1()-0.6) > 1e-12 {
		t.Errorf("F1 %v", s.f1())
	}
	if s.ac1 != 2 || s.ac3 != 2.5 {
		t.Errorf("AC@1 %v, AC@3 %v of 4", s.ac1, s.ac3)
	}
}

func TestCombinationsAreComparedInOneOrder(t *testing.T) {
	if got := combinations("b=1&a=2;a=1"); strings.Join(got, ";") != "a=1;a=2&b=1" {
		t.Errorf("%v", got)
	}
}

func writePacked(t *testing.T, file, text string) {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	writeText(t, file, packed.String())
}

func writeText(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// smallSets makes one set of each form, with an obvious cause: x=2.
func smallSets(t *testing.T) string {
	dir := t.TempDir()
	var snapshot, rows, series, requests, errors, fault, wrong strings.Builder
	snapshot.WriteString("x,y,real,predict\n")
	rows.WriteString("min,x,y,value,cnt\n")
	header := "x,y"
	for i := range 40 {
		header += fmt.Sprintf(",%d", 300*(i+1))
	}
	series.WriteString(header + "\n")
	requests.WriteString(header + "\n")
	errors.WriteString(header + "\n")
	fault.WriteString("x,y,12000\n")
	wrong.WriteString("x,y,12000\n")
	for k := range 12 {
		leaf, many := fmt.Sprintf("%d,%d", k/3, k%3), k/3 == 2
		of := func(usual, hit int) int {
			if many {
				return hit
			}
			return usual
		}
		fmt.Fprintf(&snapshot, "%s,%d,%d\n", leaf, of(100+k, 300), 100+k)
		for m := range 5 {
			fmt.Fprintf(&rows, "%d,%s,%d,%d\n", 600+60*m, leaf, map[bool]int{true: of(4, 300)}[m == 4]+4, 400)
		}
		fmt.Fprintf(&series, "%s%s\n", leaf, strings.Repeat(fmt.Sprintf(",%d", 100+k), 40))
		fmt.Fprintf(&requests, "%s%s\n", leaf, strings.Repeat(",1000", 40))
		fmt.Fprintf(&errors, "%s%s\n", leaf, strings.Repeat(",10", 40))
		fmt.Fprintf(&fault, "%s,%d\n", leaf, of(100+k, 300))
		fmt.Fprintf(&wrong, "%s,%d\n", leaf, of(10, 200))
	}
	writePacked(t, filepath.Join(dir, "s1d", "one.csv.gz"), snapshot.String())
	writeText(t, filepath.Join(dir, "s1d", "labels.csv"), "file,cause\none,x=2\n")
	writePacked(t, filepath.Join(dir, "rs", "one.csv.gz"), rows.String())
	writeText(t, filepath.Join(dir, "rs", "labels.csv"), "file,timestamp,cause\none,840,x=2\n")
	writePacked(t, filepath.Join(dir, "ts_aiops19", "series.csv.gz"), series.String())
	writePacked(t, filepath.Join(dir, "ts_aiops19", "f1.csv.gz"), fault.String())
	writeText(t, filepath.Join(dir, "ts_aiops19", "faults.csv"), "id,t0,t1,cause\nf1,12000,12000,x=2\n")
	writePacked(t, filepath.Join(dir, "ts_ratio19", "requests.csv.gz"), requests.String())
	writePacked(t, filepath.Join(dir, "ts_ratio19", "errors.csv.gz"), errors.String())
	writePacked(t, filepath.Join(dir, "ts_ratio19", "f1.errors.csv.gz"), wrong.String())
	writeText(t, filepath.Join(dir, "ts_ratio19", "faults.csv"), "id,t0,t1,cause\nf1,12000,12000,x=2\n")
	return dir
}

func TestEachFormOfDataIsScored(t *testing.T) {
	var out strings.Builder
	if err := dims([]string{smallSets(t)}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| rs | 1 | 1.000 | 1.000 | **1.000** | 1 | 1.00 | 1.00 |",
		"| s1d | 1 | 1.000 | 1.000 | **1.000** | 1 | 1.00 | 1.00 |",
		"| ts_aiops19 | 1 | 1.000 | 1.000 | **1.000** | 1 | 1.00 | 1.00 |",
		"| ts_ratio19 | 1 | 1.000 | 1.000 | **1.000** | 1 | 1.00 | 1.00 |",
		"b0 is left out", "l is left out",
		"| nsdi | 1 | 1 | 1 | 1 | 1.000 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestAFolderWithoutSetsIsAMistake(t *testing.T) {
	for _, args := range [][]string{nil, {t.TempDir()}, {"a", "b"}} {
		if err := dims(args, &strings.Builder{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func TestConfidenceIsCounted(t *testing.T) {
	finding := func(c analysis.Confidence, values ...string) analysis.Finding {
		f := analysis.Finding{Confidence: c}
		for _, v := range values {
			f.Labels = append(f.Labels, map[string]string{"a": v})
		}
		return f
	}
	r := reliability{}
	r.add([]analysis.Finding{
		finding(analysis.High, "1", "2"), finding(analysis.High, "1", "9"), // one is a cause in all of its parts
		finding(analysis.Low, "3"),
	}, []string{"a=1", "a=2"})
	if got := r.cells(); got != "1 of 2 | 0 of 0 | 0 of 1" {
		t.Errorf("%s", got)
	}
}
