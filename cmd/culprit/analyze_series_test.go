// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// A real incident, from the test data of the ranking: 178 series of Online Boutique by Nezha (MIT,
// see there), CPU contention in the front end.
const (
	nezhaTable = "../../analysis/rank/testdata/frontend-cpu.csv.gz"
	nezhaFacts = "../../analysis/rank/testdata/frontend-cpu.json.gz"
)

// facts are what is known about its columns.
type facts struct {
	Target string            `json:"target"`
	Onset  int64             `json:"onset"`
	Calls  [][2]string       `json:"calls"`
	Kinds  map[string]string `json:"kinds"`
}

func readFacts(t *testing.T) facts {
	t.Helper()
	f, err := os.Open(nezhaFacts)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var facts facts
	if err := json.NewDecoder(z).Decode(&facts); err != nil {
		t.Fatal(err)
	}
	return facts
}

// nezha are the arguments for the incident.
func nezha(t *testing.T) []string {
	t.Helper()
	f := readFacts(t)
	return []string{
		nezhaTable, "--target", f.Target, "--onset", fmt.Sprint(f.Onset),
		"--topology", write(t, "calls.json", toJSON(t, f.Calls)), "--kinds", write(t, "kinds.json", toJSON(t, f.Kinds)),
	}
}

// nezhaCase writes the incident as a case of a public data set.
func nezhaCase(t *testing.T) string {
	t.Helper()
	f := readFacts(t)
	table, err := filepath.Abs(nezhaTable)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	relative, err := filepath.Rel(dir, table)
	if err != nil {
		t.Fatal(err)
	}
	type column struct {
		Col     string `json:"col"`
		Service string `json:"service"`
		Kind    string `json:"kind"`
	}
	var columns []column
	for name, kind := range f.Kinds {
		service, _, _ := strings.Cut(name, "|")
		columns = append(columns, column{name, service, kind})
	}
	file := filepath.Join(dir, "case.json")
	text := toJSON(t, map[string]any{
		"id": "nezha", "files": []string{relative}, "target": f.Target, "anomaly_start": f.Onset, "graph": f.Calls, "series": columns,
	})
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func analyzeSeries(t *testing.T, what string, args ...string) call {
	t.Helper()
	return culprit(t, append([]string{"analyze", what}, args...)...)
}

// printed fails unless a command has printed a result.
func (c call) printed(t *testing.T) string {
	t.Helper()
	if c.code != exitOK || c.err != "" {
		t.Fatalf("exit %d: %s", c.code, c.err)
	}
	return c.out
}

func TestSeriesAsTables(t *testing.T) {
	for name, args := range map[string][]string{
		"rank":    {"candidates"},
		"balance": {"candidates", "--method", "balance"},
		"graph":   {"graph"},
	} {
		t.Run(name, func(t *testing.T) {
			out := analyzeSeries(t, args[0], append(nezha(t), args[1:]...)...).printed(t)
			for line := range strings.Lines(out) {
				if columns(strings.TrimRight(line, "\n")) > tableWidth {
					t.Errorf("%d columns: %s", columns(line), line)
				}
			}
			golden(t, filepath.Join("series", name+".txt"), out)
		})
	}
}

func TestGraphForOtherPrograms(t *testing.T) {
	dot := analyzeSeries(t, "graph", append(nezha(t), "--format", "dot")...).printed(t)
	golden(t, filepath.Join("series", "graph.dot"), dot)
	svg := analyzeSeries(t, "graph", append(nezha(t), "--format", "svg")...).printed(t)
	if !strings.HasPrefix(svg, "<svg") || !strings.Contains(svg, "entry|latency_p90") {
		t.Errorf("the drawing is %.300s", svg)
	}
}

func TestACaseSaysWhatTheFlagsSay(t *testing.T) {
	byFlags := analyzeSeries(t, "candidates", append(nezha(t), "--format", "json")...).printed(t)
	byCase := analyzeSeries(t, "candidates", "--case", nezhaCase(t), "--format", "json").printed(t)
	if byFlags != byCase {
		t.Errorf("by flags\n%.2000s\nby case\n%.2000s", byFlags, byCase)
	}
	var r analysis.Result
	if err := json.Unmarshal([]byte(byCase), &r); err != nil {
		t.Fatal(err)
	}
	if r.Causes[0].Series != "frontend|mem_usage_mi" || r.Causes[0].Name != r.Causes[0].Series || len(r.Causes) != 5 || r.Fit.Series != 178 {
		t.Errorf("first cause %+v, fit %+v", r.Causes[0], r.Fit)
	}
	if services(r)[0] != "frontend" {
		t.Errorf("services %v", services(r))
	}
}

func services(r analysis.Result) []string {
	var list []string
	for _, c := range r.Causes {
		service, _, _ := strings.Cut(c.Series, "|")
		if !slices.Contains(list, service) {
			list = append(list, service)
		}
	}
	return list
}

func TestFlagsGoBeforeACase(t *testing.T) {
	var r analysis.Result
	analyzeSeries(t, "candidates", "--case", nezhaCase(t), "--target", "frontend|cpu_usage_m", "--top", "1", "--format", "json").into(t, &r)
	if r.Change.Target != "frontend|cpu_usage_m" || len(r.Causes) != 1 {
		t.Errorf("target %s, %d causes", r.Change.Target, len(r.Causes))
	}
	if r.Causes[0].Series == "frontend|cpu_usage_m" {
		t.Error("the KPI explains itself")
	}
}

// incidentTable is a small incident: the KPI's cause moves at row 40.
func incidentTable(rows int) string {
	var b bytes.Buffer
	b.WriteString("time,entry|latency,db|wait,cart|cpu,entry|rate\n")
	for i := range rows {
		moved := 0.0
		if i >= 40 {
			moved = 30
		}
		wobble := math.Sin(float64(i) * 1.7)
		fmt.Fprintf(&b, "%d,%.3f,%.3f,%.3f,%.3f\n", 1_700_000_000+60*i, 50+wobble+moved, 10+math.Cos(float64(i)*2.3)+moved, 20+math.Sin(float64(i)*.9), 5+wobble+moved)
	}
	return b.String()
}

func TestSeveralInputsAreOneObjectALine(t *testing.T) {
	a, b := write(t, "a.csv", incidentTable(45)), write(t, "b.csv", incidentTable(43))
	out := analyzeSeries(t, "candidates", a, b, "--target", "entry|latency", "--onset", "2023-11-14T22:53:20Z", "--format", "json").printed(t)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines {
		var r struct {
			File string
			analysis.Result
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.File != []string{a, b}[i] || r.Causes[0].Series != "db|wait" || len(r.Causes) != 2 {
			t.Errorf("%s: causes %+v", r.File, r.Causes)
		}
	}
}

func TestStandardInputAndGzip(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(incidentTable(45))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	args := []string{"analyze", "candidates", "-", "--target", "entry|latency", "--onset", "1700002400"}
	if code := run(t.Context(), args, streams{&packed, &out, &errs}); code != exitOK || !strings.Contains(out.String(), "1. db|wait") {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
}

func TestOptionsOfTheRegression(t *testing.T) {
	file := write(t, "a.csv", incidentTable(45))
	for _, args := range [][]string{
		{"--onset", "1700002400", "--preset", "paper"},
		{"--onset", "1700002400", "--scale", "common", "--positive", "--lags=-1,0,1"},
		{"--onset", "1700002400", "--candidate-ad", "pre"},
		{"--candidate-ad", "off"},
		{},
	} {
		var r analysis.Result
		c := analyzeSeries(t, "candidates", append([]string{file, "--target", "entry|latency", "--method", "balance", "--format", "json"}, args...)...)
		c.printed(t)
		c.into(t, &r)
		if len(r.Causes) == 0 || r.Causes[0].Series != "db|wait" || r.Causes[0].Method != "balance" || !*r.Causes[0].Evidence.Selected {
			t.Errorf("%v: causes %+v", args, r.Causes)
		}
	}
}

func TestSeveralKPIs(t *testing.T) {
	var r analysis.Result
	analyzeSeries(t, "candidates", write(t, "a.csv", incidentTable(45)), "--target", "entry|latency", "--target", "entry|rate",
		"--onset", "1700002400", "--format", "json").into(t, &r)
	if first := r.Causes[0]; first.Series != "db|wait" || !first.Common || len(first.Explains) != 2 {
		t.Errorf("first cause %+v", first)
	}
}

func TestTiersReachTheGraph(t *testing.T) {
	var r analysis.Result
	analyzeSeries(t, "graph", write(t, "a.csv", incidentTable(45)), "--target", "entry|latency", "--alpha", "0.2", "--max-k", "1",
		"--tiers", write(t, "tiers.json", `{"entry|latency":0,"db|wait":1}`), "--format", "json").into(t, &r)
	for _, e := range r.Graph.Edges {
		if e.From != "entry|latency" && e.To == "entry|latency" {
			t.Errorf("%s is before the KPI: %+v", e.From, e)
		}
	}
	if len(r.Graph.Edges) == 0 {
		t.Error("no links")
	}
}

func TestWrongCallsForSeries(t *testing.T) {
	file := write(t, "a.csv", incidentTable(45))
	bad := write(t, "bad.csv", "time,a\n1,x\n")
	list := write(t, "list.json", "[1]")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "there is nothing to read", []string{"candidates"}},
		{exitUsage, "--target is missing", []string{"candidates", file}},
		{exitUsage, "--onset is missing: when did the incident begin?", []string{"candidates", file, "--target", "entry|latency"}},
		{exitUsage, `--onset: "noon" is not a time`, []string{"candidates", file, "--target", "a", "--onset", "noon"}},
		{exitUsage, "the incident ends (5) before it begins (7)", []string{"candidates", file, "--target", "a", "--onset", "7", "--end", "5"}},
		{exitUsage, "--top is 0", []string{"candidates", file, "--target", "a", "--top", "0"}},
		{exitUsage, `--lags: "x" is not a number of rows`, []string{"candidates", file, "--target", "a", "--lags", "1,x"}},
		{exitUsage, "standard input can be read once only", []string{"candidates", "-", "--target", "a", "--kinds", "-"}},
		{exitUsage, "only one --case", []string{"candidates", file, "--case", list, "--case", list}},
		{exitUsage, "--alpha is 2", []string{"graph", file, "--target", "a", "--alpha", "2"}},
		{exitUsage, "--max-k is 9", []string{"graph", file, "--target", "a", "--max-k", "9"}},
		{exitFinding, `there is no column "entry|lateness": did you mean entry|latency, entry|rate?`, []string{"graph", file, "--target", "entry|lateness"}},
		{exitFinding, "there is no file nowhere.csv", []string{"graph", "nowhere.csv", "--target", "a"}},
		{exitFinding, `line 2, column "a": "x" is not a number`, []string{"graph", bad, "--target", "a"}},
		{exitFinding, "this is not a call graph", []string{"graph", file, "--target", "entry|latency", "--topology", list}},
		{exitFinding, "this is not a list of kinds", []string{"graph", file, "--target", "entry|latency", "--kinds", list}},
		{exitFinding, "this is not a list of tiers", []string{"graph", file, "--target", "entry|latency", "--tiers", list}},
		{exitFinding, "this is not a case", []string{"candidates", "--case", list}},
	} {
		got := culprit(t, append([]string{"analyze"}, c.args...)...)
		if got.code != c.code || !strings.Contains(got.err, c.want) || got.out != "" {
			t.Errorf("%v: exit %d, want %d with %q:\n%s%s", c.args, got.code, c.code, c.want, got.err, got.out)
		}
	}
}

func TestTooLittleIsAResult(t *testing.T) {
	for _, args := range [][]string{
		{"--onset", "1"}, {"--onset", "1700000060"}, {"--onset", "1800000000"},
	} {
		var r analysis.Result
		c := analyzeSeries(t, "candidates", append([]string{write(t, "a.csv", incidentTable(45)), "--target", "entry|latency", "--format", "json"}, args...)...)
		c.printed(t)
		c.into(t, &r)
		if r.Verdict == "" || len(r.Warnings) == 0 {
			t.Errorf("%v: verdict %q, warnings %v", args, r.Verdict, r.Warnings)
		}
	}
}

func TestLongNamesKeepTheirMetric(t *testing.T) {
	for name, want := range map[string]string{
		"cart|cpu":                            "cart|cpu",
		"a-very-long-service-name|cpu_usage":  "a-very-lo…|cpu_usage",
		"svc|a_metric_with_a_very_long_name":  "svc|a_metric_with_a…",
		`up{instance="a-long-instance:9100"}`: `up{instance="a-long…`,
	} {
		if got := shorten(name, 20); got != want || columns(got) > 20 {
			t.Errorf("%s becomes %s, want %s", name, got, want)
		}
	}
}
