// SPDX-License-Identifier: Apache-2.0

package suggest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
	"github.com/culprit-dev/culprit/receiver/suggest"
)

const ruleFile = `
groups:
  - name: shop
    rules:
      - record: job:errors:rate5m
        expr: sum by (job) (rate(errors_total[5m]))
      - alert: ErrorsHigh
        expr: sum(rate(errors_total[5m])) / sum(rate(requests_total[5m])) > 0.05
        for: 2m
        labels: {severity: page}
      - alert: QueueLong
        expr: max(queue_depth) > 100 and on () hour() > 6
        labels: {severity: ticket}
      - alert: QueueLong
        expr: max(queue_depth) > 1000
        labels: {severity: page}
      - alert: CallsFail
        expr: sum(rate(calls_total{code="500"}[5m])) / sum(rate(calls_total[5m])) > 0.1
      - alert: Watchdog
        expr: vector(1)
---
kind: List
items:
  - kind: PrometheusRule
    spec:
      groups:
        - name: disks
          rules:
            - alert: DiskFull
              expr: disk_free_bytes / disk_size_bytes < 0.1 or disk_errors > 0
            - alert: Broken
              expr: 'sum('
`

func read(t testing.TB, text string) []promql.AlertingRule {
	t.Helper()
	rules, err := promql.ReadAlertingRules("test", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func entriesOf(rules []promql.AlertingRule) []suggest.Entry {
	entries := make([]suggest.Entry, len(rules))
	for i, r := range rules {
		entries[i] = suggest.New(r)
	}
	return entries
}

func written(t testing.TB, entries []suggest.Entry) string {
	t.Helper()
	var b strings.Builder
	if err := suggest.Write(&b, "a test", entries); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mistakes returns the configuration's mistakes in a rule file.
func mistakes(text string) []string {
	rules, err := config.ParseRules("rules.yml", []byte(text))
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for _, r := range rules {
		for _, m := range promql.Check(r) {
			found = append(found, m.String())
		}
	}
	return found
}

func TestTheRuleFile(t *testing.T) {
	text := written(t, entriesOf(read(t, ruleFile)))
	golden(t, "rules.yml", text)
	if found := mistakes(text); len(found) > 0 {
		t.Errorf("it has mistakes: %q", found)
	}
}

func TestWhatAPrometheusHasIsInTheRuleFile(t *testing.T) {
	s := promtest.New(t, `load 1m
errors_total{path="/a",version="1",pod="a"} 0+1x60
requests_total{path="/a",version="1",pod="a"} 0+1x60
requests_total{path="/b",version="1",pod="b"} 0+1x60
requests_total{path="/b",version="2"} 0+1x60
node_load1{instance="a:9100"} 3x60
node_memory_MemAvailable_bytes{instance="a:9100"} 3x60
node_memory_MemTotal_bytes{instance="a:9100"} 9x60
disk_free_bytes{instance="a:9100",device="sda"} 3x60
disk_size_bytes{instance="a:9100",device="sda"} 9x60
calls_total{code="200",path="/a"} 0+1x60
calls_total{code="500",path="/b"} 0+1x60
`)
	cfg, err := config.Parse("test", []byte("prometheus: {url: "+s.URL+"}"))
	if err != nil {
		t.Fatal(err)
	}
	fetcher, err := promql.NewFetcher(cfg.Prometheus[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	rules := read(t, ruleFile)
	entries := entriesOf(rules)
	for i := range entries {
		entries[i].Look(t.Context(), fetcher, rules[i], nil, time.Unix(3600, 0))
	}
	text := written(t, entries)
	golden(t, "rules-explored.yml", text)
	if found := mistakes(text); len(found) > 0 {
		t.Errorf("it has mistakes: %q", found)
	}
}

// TestPublicRulesMakeAValidFile uses the alerting rules of kube-prometheus.
func TestPublicRulesMakeAValidFile(t *testing.T) {
	files, err := filepath.Glob("../../promql/expr/testdata/rules/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var rules []promql.AlertingRule
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		more, err := promql.ReadAlertingRules(file, f)
		_ = f.Close()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		rules = append(rules, more...)
	}
	entries := entriesOf(rules)
	if found := mistakes(written(t, entries)); len(found) > 0 {
		t.Errorf("the file has mistakes:\n%s", strings.Join(found, "\n"))
	}
	derived := 0
	for _, e := range entries {
		if e.Err == nil {
			derived++
		}
	}
	if len(rules) != 139 || derived < 132 {
		t.Errorf("%d of %d rules tell their KPI", derived, len(rules))
	}
}

// TestAnyRuleMakesAValidFile writes rules with arbitrary names, labels and values. The file must be
// valid, and a rule must match each alert.
func TestAnyRuleMakesAValidFile(t *testing.T) {
	words := rapid.SampledFrom([]string{"A", "B's", `C "x"`, "yes", "12", "a: b", "- c", "#d", "é {{ x", "{e}", "x\ny"})
	rapid.Check(t, func(t *rapid.T) {
		var rules []promql.AlertingRule
		for range rapid.IntRange(1, 5).Draw(t, "rules") {
			rules = append(rules, promql.AlertingRule{
				Alert:  words.Draw(t, "alert"),
				Expr:   rapid.SampledFrom([]string{`a > 1`, `sum(rate(b{x="{{"}[5m])) / sum(rate(c[5m])) > 0.1`, "vector(1)", "a > 1 or b > 2", "max(e) > 1", `sum(rate(b{l0="1"}[5m])) / sum(rate(b[5m])) > 0.1`, "histogram_quantile(0.9, sum by (le) (rate(d_bucket[5m]))) > 1"}).Draw(t, "expr"),
				Labels: map[string]string{"severity": words.Draw(t, "severity"), "team": words.Draw(t, "team")},
			})
		}
		entries := entriesOf(rules)
		for i := range entries {
			entries[i].Survey = surveys(words).Draw(t, "survey")
		}
		var b strings.Builder
		if err := suggest.Write(&b, words.Draw(t, "source"), entries); err != nil {
			t.Fatal(err)
		}
		if found := mistakes(b.String()); len(found) > 0 {
			t.Fatalf("%q in\n%s", found, b.String())
		}
		parsed, _ := config.ParseRules("rules.yml", []byte(b.String()))
		cfg := config.Config{Rules: parsed}
		for _, e := range entries {
			ls := e.Labels.Merge(model.LabelSet{"alertname": model.LabelValue(e.Alert)})
			if _, ok := cfg.Rule(ls); !ok && e.Err == nil {
				t.Fatalf("no rule matches %s in\n%s", ls, b.String())
			}
		}
	})
}

// surveys draws what a Prometheus may have for a rule.
func surveys(words *rapid.Generator[string]) *rapid.Generator[*promql.Survey] {
	return rapid.Custom(func(t *rapid.T) *promql.Survey {
		s := &promql.Survey{Series: rapid.IntRange(0, 5).Draw(t, "series"), Labels: []promql.LabelCount{{Label: words.Draw(t, "label"), Values: 2}}}
		for j := range rapid.IntRange(0, 12).Draw(t, "labels") {
			s.Labels = append(s.Labels, promql.LabelCount{Label: fmt.Sprintf("l%d", j), Values: 3 + 100*j})
		}
		s.Refused = []analysis.Refusal{{Label: words.Draw(t, "refused"), Reason: words.Draw(t, "reason")}}
		s.Candidates = []config.Candidate{{Name: words.Draw(t, "candidate"), Query: `up{job="x"}`, Kind: "cpu"}}
		return s
	})
}

func TestNoRulesAreAValidFile(t *testing.T) {
	if text := written(t, nil); len(mistakes(text)) > 0 {
		t.Errorf("no rules make\n%s", text)
	}
}

// golden compares text with a file of testdata. UPDATE=1 writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}
