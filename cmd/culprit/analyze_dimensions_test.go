// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// incidents are calls on synthetic files: a path and a version that got six times the requests, a
// quiet shop, traffic that shifted, errors on one path and zone over a few hours, stalls on one
// network, and tables 2 to 4 of the NSDI'14 paper.
func incidents() map[string][]string {
	const in = "testdata/dimensions/"
	return map[string][]string{
		"snapshot":  {in + "snapshot.csv"},
		"quiet":     {in + "quiet.csv"},
		"mix":       {in + "ratio.csv"},
		"ratio":     {"--numerator", in + "errors.csv", "--denominator", in + "requests.csv", "--overlay", in + "overlay.csv", "--onset", "1700011200", "--end", "1700011500", "--count"},
		"series":    {"--series", in + "requests.csv", "--onset", "2023-11-15T01:20:00Z"},
		"long":      {"--long", in + "long.csv", "--time", "min", "--numerator-column", "stalled", "--denominator-column", "viewers", "--onset", "1584640680", "--end", "1584640680", "--baseline-start", "1584640440", "--baseline-end", "1584640620", "--count"},
		"marginals": {"--marginals", in + "marginals.csv"},
		"nsdi":      {"--marginals", in + "marginals.csv", "--mode", "nsdi"},
	}
}

func analyzeDimensions(t *testing.T, args ...string) call {
	t.Helper()
	return culprit(t, append([]string{"analyze", "dimensions"}, args...)...)
}

func TestDimensionsAsTables(t *testing.T) {
	for name, args := range incidents() {
		t.Run(name, func(t *testing.T) {
			c := analyzeDimensions(t, args...)
			if c.code != exitOK || c.err != "" {
				t.Fatalf("exit %d: %s", c.code, c.err)
			}
			for _, line := range strings.Split(c.out, "\n") {
				if columns(line) > 100 {
					t.Errorf("%d columns: %s", columns(line), line)
				}
			}
			golden(t, filepath.Join("dimensions", name+".txt"), c.out)
		})
	}
}

func TestDimensionsAsJSON(t *testing.T) {
	for name, args := range incidents() {
		t.Run(name, func(t *testing.T) {
			var r analysis.Result
			analyzeDimensions(t, append(args, "--format", "json")...).into(t, &r)
			if r.Causes == nil || r.Dimensions == nil || r.Warnings == nil || r.Forecast == "" {
				t.Errorf("%+v: lists are [] and never null", r)
			}
		})
	}
	golden(t, "dimensions/mix.json", analyzeDimensions(t, append(incidents()["mix"], "--format", "json")...).out)
}

func TestSeveralFilesAreOneObjectALine(t *testing.T) {
	c := analyzeDimensions(t, "--format", "json", "testdata/dimensions/snapshot.csv", "testdata/dimensions/quiet.csv")
	lines := strings.Split(strings.TrimSpace(c.out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	for k, want := range []analysis.Verdict{analysis.Explained, analysis.NoChange} {
		var r struct {
			File string
			analysis.Result
		}
		if err := json.Unmarshal([]byte(lines[k]), &r); err != nil || r.Verdict != want || !strings.HasPrefix(r.File, "testdata/dimensions/") {
			t.Errorf("%v: %s %s", err, r.File, r.Verdict)
		}
	}
	if c := analyzeDimensions(t, "testdata/dimensions/snapshot.csv", "testdata/dimensions/quiet.csv"); !strings.Contains(c.out, "── testdata/dimensions/quiet.csv\nThe total did not move") {
		t.Errorf("tables say whose they are: %s", c.out)
	}
}

func TestPackedFilesAndStandardInput(t *testing.T) {
	text, err := os.ReadFile("testdata/dimensions/snapshot.csv")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	want := analyzeDimensions(t, "testdata/dimensions/snapshot.csv").out
	if got := analyzeDimensions(t, write(t, "packed.csv.gz", packed.String())).out; got != want {
		t.Errorf("packed: %s", got)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"analyze", "dimensions", "-"}, streams{&packed, &out, &errs}); code != exitOK || out.String() != want {
		t.Errorf("exit %d: %s%s", code, &errs, &out)
	}
	out.Reset()
	marginals, err := os.Open("testdata/dimensions/marginals.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer marginals.Close()
	if code := run(t.Context(), []string{"analyze", "dimensions", "--marginals", "-"}, streams{marginals, &out, &errs}); code != exitOK || !strings.Contains(out.String(), "dev=Tablet and Mobile") {
		t.Errorf("exit %d: %s%s", code, &errs, &out)
	}
}

func TestTopBoundsTheCauses(t *testing.T) {
	var r analysis.Result
	analyzeDimensions(t, "--marginals", "testdata/dimensions/marginals.csv", "--mode", "nsdi", "--top", "2", "--format", "json").into(t, &r)
	if len(r.Causes) != 2 || len(r.Dimensions) != 3 {
		t.Errorf("%d causes, %d labels", len(r.Causes), len(r.Dimensions))
	}
}

func TestLabelsDoNotActOnTheTerminal(t *testing.T) {
	file := write(t, "hostile.csv", "path,real,predict\n\"\x1b[31mred\n\",900,10\n"+strings.Repeat("long", 40)+",10,10\n移动,7,7\nd,4,4\ne,5,5\nf,9,9\n")
	c := analyzeDimensions(t, file)
	if c.code != exitOK || strings.ContainsAny(c.out, "\x1b\r") || !strings.Contains(c.out, "longl…") {
		t.Errorf("exit %d: %q", c.code, c.out)
	}
	if wide := analyzeDimensions(t, "--wide", file); !strings.Contains(wide.out, strings.Repeat("long", 40)) {
		t.Errorf("%s", wide.out)
	}
}

func TestWrongCallsOfDimensions(t *testing.T) {
	const in = "testdata/dimensions/"
	bad := write(t, "bad.csv", "path,real,predict\n/a,1,1\n/b,-7,1\n")
	for _, c := range []struct {
		name string
		args []string
		exit int
		want []string
	}{
		{"nothing", nil, exitUsage, []string{"there is nothing to read", "--series"}},
		{"two forms", []string{in + "snapshot.csv", "--marginals", in + "marginals.csv"}, exitUsage, []string{"FILE and --marginals", "one of them"}},
		{"half a ratio", []string{"--numerator", in + "errors.csv", "--onset", "1"}, exitUsage, []string{"both --numerator and --denominator"}},
		{"no onset", []string{"--series", in + "requests.csv"}, exitUsage, []string{"--onset is missing"}},
		{"onset of a snapshot", []string{in + "snapshot.csv", "--onset", "5"}, exitUsage, []string{"measures over time"}},
		{"no time", []string{"--series", in + "requests.csv", "--onset", "noon"}, exitUsage, []string{"--onset", `"noon" is not a time`}},
		{"half a baseline", []string{"--series", in + "requests.csv", "--onset", "9", "--baseline-end", "5"}, exitUsage, []string{"both --baseline-start and --baseline-end"}},
		{"baseline in the incident", []string{"--series", in + "requests.csv", "--onset", "9", "--baseline-start", "5", "--baseline-end", "9"}, exitUsage, []string{"in the incident"}},
		{"end before onset", []string{"--series", in + "requests.csv", "--onset", "9", "--end", "5"}, exitUsage, []string{"before its onset"}},
		{"overlay of nothing", []string{in + "snapshot.csv", "--overlay", "x"}, exitUsage, []string{"--overlay replaces values of series"}},
		{"long without time", []string{"--long", in + "long.csv", "--value", "stalled", "--onset", "1"}, exitUsage, []string{"--long needs --time"}},
		{"long without measure", []string{"--long", in + "long.csv", "--time", "min", "--onset", "1"}, exitUsage, []string{"--long needs --value"}},
		{"long with both", []string{"--long", in + "long.csv", "--time", "min", "--value", "a", "--numerator-column", "b", "--onset", "1"}, exitUsage, []string{"give one of them"}},
		{"long with half", []string{"--long", in + "long.csv", "--time", "min", "--numerator-column", "b", "--onset", "1"}, exitUsage, []string{"both --numerator-column and --denominator-column"}},
		{"columns of nothing", []string{in + "snapshot.csv", "--time", "min"}, exitUsage, []string{"--long"}},
		{"combinations of marginals", []string{"--marginals", in + "marginals.csv", "--mode", "grescan"}, exitUsage, []string{"--mode grescan", "--marginals"}},
		{"no such mode", []string{in + "snapshot.csv", "--mode", "best"}, exitUsage, []string{"best"}},
		{"top of nothing", []string{in + "snapshot.csv", "--top", "0"}, exitUsage, []string{"--top is 0"}},
		{"standard input twice", []string{"-", "-"}, exitUsage, []string{"once only"}},
		{"no file", []string{in + "none.csv"}, exitFinding, []string{"there is no file " + in + "none.csv"}},
		{"no column", []string{"--long", in + "long.csv", "--time", "t", "--value", "stalled", "--onset", "1"}, exitFinding, []string{in + "long.csv", `no column "t"`, "min, cdn"}},
		{"not in the file", []string{"--series", in + "requests.csv", "--onset", "9", "--end", "10"}, exitFinding, []string{"no samples in the incident, from 9 to 10"}},
		{"negative", []string{bad}, exitFinding, []string{"bad.csv: line 3", `column "real"`, "-7 is negative", "hint"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := analyzeDimensions(t, c.args...)
			if got.code != c.exit || got.out != "" {
				t.Errorf("exit %d, want %d; printed %q", got.code, c.exit, got.out)
			}
			for _, want := range c.want {
				if !strings.Contains(got.err, want) {
					t.Errorf("error %q does not say %q", got.err, want)
				}
			}
		})
	}
}
