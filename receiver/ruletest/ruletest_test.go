// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/analysis"
)

func load(t *testing.T, text string) *File {
	t.Helper()
	f, err := Read("tests.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f.SetDirectory("testdata")
	return f
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheExamplePasses(t *testing.T) {
	outcomes, err := load(t, file(t, "tests.yml")).Run(t.Context())
	if err != nil || len(outcomes) != 3 {
		t.Fatalf("%+v %v", outcomes, err)
	}
	for _, o := range outcomes {
		if len(o.Failures) > 0 {
			t.Errorf("%s: %s: %v (%s %v)", o.Test, o.Alert, o.Failures, o.Summary, o.Report.Result.Warnings)
		}
	}
}

func TestUnmetExpectationsAreListed(t *testing.T) {
	text := file(t, "tests.yml")
	for _, c := range []struct{ old, expected, want string }{
		{"exp_verdict: explained", "exp_verdict: external", "the verdict is explained, not external"},
		{"{path: /pay, version: v2}", "{path: /cart}", "path=/cart is not among the causes; they are: 1. path=/pay, version=v2 (high)"},
		{"- labels: {path: /pay, version: v2}\n", "- series: 'db_connections{service=\"shop\"}'\n", "confidence, less than high"},
		{"exp_verdict: explained", "exp_verdict: SHOW", "the verdict is explained, not SHOW, which is not a verdict; hint: use one of explained external"},
		{"exp_verdict: explained", "exp_summary: nothing", `not "nothing"`},
		{"exp_causes:\n          - labels: {queue: mail}", "exp_causes: []", "a cause was found where none is expected: 1. queue=mail"},
	} {
		if !strings.Contains(text, c.old) {
			t.Fatalf("there is no %q", c.old)
		}
		outcomes, err := load(t, strings.Replace(text, c.old, c.expected, 1)).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var failures []Failure
		for _, o := range outcomes {
			failures = append(failures, o.Failures...)
		}
		line := strings.Count(text[:strings.Index(text, c.old)], "\n") + 1
		if len(failures) == 0 || !strings.Contains(failures[0].Text, c.want) || failures[0].Line != line {
			t.Errorf("%s, line %d: %+v", c.expected, line, failures)
		}
	}
}

func TestFilesWithMistakes(t *testing.T) {
	const alert = "rule_files: [x]\ntests: [{alerts: [{labels: {a: b}, at: 1h, exp_verdict: explained}]}]"
	for _, c := range []struct{ text, want string }{
		{"", "tests.yml: rule_files and config_file are missing (name the rules to test"},
		{"rule_files: [x]", "tests.yml: tests is missing"},
		{"rule_files: [x]\ntests: [{name: a}]", "tests.yml:2: tests[0].alerts is missing"},
		{strings.Replace(alert, "{a: b}", "{}", 1), "tests.yml:2: tests[0].alerts[0].labels is missing"},
		{strings.Replace(alert, "at: 1h", "at: 1h, onset: 2h", 1), "at is 1h, which is not after the onset 2h"},
		{strings.Replace(alert, ", exp_verdict: explained", "", 1), "tests[0].alerts[0] expects nothing (write exp_causes"},
		{strings.Replace(alert, "exp_verdict: explained", "exp_causes: [{top: 1}]", 1), "exp_causes[0] has neither labels nor series, or both (write labels"},
		{strings.Replace(alert, "exp_verdict: explained", "exp_causes: [{series: a, min_confidence: some}]", 1), `min_confidence is "some" (use one of high, medium, low)`},
		{strings.Replace(alert, "at:", "when:", 1), `tests[0].alerts[0].when is not a setting (use one of annotations, at,`},
		{strings.Replace(alert, "exp_verdict", "exp_verdit", 1), `exp_verdit is not a setting (did you mean "exp_verdict"?)`},
		{"\n\n" + strings.Replace(alert, "at: 1h", "at: soon", 1), `tests.yml:4: tests[0].alerts[0].at is "soon", which is not a duration (write 30s`},
		{strings.Replace(alert, "at:", "expr: 'sum(', at:", 1), "expr can't be read: 1:5: parse error"},
		{strings.Replace(alert, "{alerts", "{input_series: [{series: a, values: 0+3y}], alerts", 1), "tests.yml:2: tests[0].input_series[0] can't be read: "},
		{strings.Replace(alert, "{alerts", "{input_series: [{series: a, values: 0}, {series: a, values: 1}], alerts", 1), "input_series[1].series {__name__=\"a\"} is given twice (keep one; the first is on line 2)"},
	} {
		if _, err := Read("tests.yml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
	for _, c := range []struct{ old, bad, want string }{
		{"rules.yml", "none.yml", "matches no file"},
		{"rules.yml", "bad-rules.yml", "bad-rules.yml:4: rules[0].target.query"},
		{"expr: sum(queue_depth) > 100", "annotations: {}", `tests.yml:34: tests[1].alerts[0].expr is missing, and the rule "by its own expression" (testdata/rules.yml:11) has no target (write the expression`},
		{"alertname: QueueLong}\n        expr: sum(queue_depth) > 100", "alertname: Other}", "expr is missing, and no rule is for these labels (write"},
	} {
		_, err := load(t, strings.Replace(file(t, "tests.yml"), c.old, c.bad, 1)).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.bad, err)
		}
	}
}

func TestAConfigurationBringsItsRulesAndOptions(t *testing.T) {
	text := strings.Replace(file(t, "tests.yml"), "rule_files: [rules.yml]", "config_file: culprit.yml", 1)
	outcomes, err := load(t, text).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range outcomes[0].Report.Result.Causes {
		if c.Kind == analysis.KindSeries {
			t.Errorf("the configuration wants no series, and there is %s", c.Name)
		}
	}
}

// TestTheStoreIsThatOfPrometheus compares the store with that of promqltest.
func TestTheStoreIsThatOfPrometheus(t *testing.T) {
	series := []InputSeries{
		{`a{x="1"}`, "0+10x20 stale 5+1x10"},
		{`a{x="2"}`, "_x5 1x30"},
		{`b{x="1"}`, "3 _ _ _ _ _ _ 4x20"},
		{`h{x="1"}`, "{{schema:0 sum:3 count:2 buckets:[1 1]}}x30"},
	}
	var script strings.Builder
	script.WriteString("load 1m\n")
	for _, s := range series {
		script.WriteString(s.Series + " " + s.Values + "\n")
	}
	theirs := promqltest.LoadedStorage(t, script.String())
	ours, err := newStore(series, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 1_000_000)
	for _, q := range []string{
		"a", `a{x!="1"}`, `{x=~"1|2"}`, "rate(a[5m])", "sum by (x) (a) + on (x) group_right b", "absent(c)", "count_over_time(b[10m])",
		"max_over_time(rate(a[2m])[10m:1m])", "histogram_quantile(0.5, h)", "a offset 3m", "timestamp(a)",
	} {
		var texts [2]string
		for i, db := range []storage.Queryable{theirs, ours} {
			rq, err := engine.NewRangeQuery(t.Context(), db, nil, q, at(0), at(0).Add(40*time.Minute), 90*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			res := rq.Exec(t.Context())
			texts[i] = res.String()
			rq.Close()
		}
		if texts[0] != texts[1] || texts[0] == "" {
			t.Errorf("%s:\n%s\nis here\n%s", q, texts[0], texts[1])
		}
	}
}

// The engine reuses the histograms that it reads: they must be copies.
func TestHistogramsAreReadTheSameTwice(t *testing.T) {
	f := load(t, `
rule_files: [rules.yml]
tests:
  - name: a slow method
    interval: 30s
    input_series:
      - {series: 'rpc_seconds{method="List"}', values: '{{sum:10 count:100 buckets:[100]}}+{{sum:10 count:100 buckets:[100]}}x231 {{sum:2400 count:23300 buckets:[23200 0 0 100]}}+{{sum:80 count:100 buckets:[0 0 0 100]}}x9'}
      - {series: 'rpc_seconds{method="Get"}', values: '{{sum:10 count:100 buckets:[100]}}+{{sum:10 count:100 buckets:[100]}}x241'}
    alerts:
      - {labels: {alertname: Slow}, expr: 'histogram_quantile(0.95, sum(rate(rpc_seconds[2m]))) > 2', onset: 1h56m30s, at: 2h, exp_verdict: explained}
`)
	var first string
	for range 4 {
		outcomes, err := f.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(outcomes)
		if err != nil {
			t.Fatal(err)
		}
		if first = cmp.Or(first, string(text)); string(text) != first {
			t.Fatalf("first\n%s\nthen\n%s", first, text)
		}
	}
}

// The JSON of a failure is a string, which existing programs expect.
func TestAFailureIsAStringInJSON(t *testing.T) {
	text, err := json.Marshal([]Failure{{Line: 7, Text: "the verdict is external"}, {Text: "no cause"}})
	if want := `["the verdict is external","no cause"]`; err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
}
