// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
)

// list repeats a value.
func list(n int, value any) []any { return slices.Repeat([]any{value}, n) }

// TestLimits writes values on both sides of every limit: those inside are accepted, and one outside
// is exactly one mistake, with its key.
func TestLimits(t *testing.T) {
	type values []any
	label := func(name string) any { return map[string]any{"query": "up", "labels": []any{name}} }
	link := map[string]any{"name": "Logs", "url": "http://l"}
	breakdown, candidate := "breakdown.labels", "candidates[0].kind"
	uid40 := strings.Repeat("a", 40)
	for _, c := range []struct {
		path            string
		inside, outside values
	}{
		{"prometheus[0].max_concurrent_queries", values{1}, values{0, -1}},
		{"prometheus[0].max_series", values{1}, values{0, -1}},
		{"prometheus[0].max_queries", values{1}, values{0}},
		{"prometheus[0].max_samples", values{1}, values{0}},
		{"prometheus[0].max_bytes", values{1}, values{0}},
		{"prometheus[0].query_timeout", values{"1ms"}, values{"0s"}},
		{"prometheus[0].max_time", values{"1ms"}, values{"0s"}},
		{"prometheus[0].rules_url", values{"https://v/x"}, values{"v:80", "ftp://v", "http:///x", "http://u:p@v"}},
		{"changes.lifetime", values{"1h"}, values{"59m59s"}},
		{"changes.grafana.tags[0]", values{"deploy"}, values{"", "culprit"}},
		{"changes.grafana.dashboards[0]", values{uid40}, values{"", uid40 + "a", "a/b"}},
		{"expressions.from_api", values{"any", "known_rules", "never", ""}, values{"Any", "rules"}},
		{"context.facts[0].labels[0]", values{"a"}, values{"", "a-b", "1a"}},
		{"context.facts", values{list(20, label("a"))}, nil},
		{"context.links", values{list(20, link)}, nil},
		{"rules[0].grafana.panel_id", values{0, 1}, values{-1}},
		{"rules[0].grafana.dashboard_uid", values{uid40, ""}, values{uid40 + "a", "a b", "../x"}},
		{"rules[0].target.weight", values{0, 1e9}, values{-1e-9}},
		{"rules[0].candidates[0].lags", values{[]any{-60, 60}, []any{}}, nil},
		{"rules[0].candidates[0].lags[0]", values{60, -60}, values{61, -61}},
		{"rules[0].target." + candidate, values{"CPU", " cpu ", ""}, values{"cpus and more"}},
		{"rules[1].targets[0]." + candidate, values{"io"}, values{"cpus and more"}},
		{"rules[0].target." + breakdown + "[0]", values{"ü", "pod"}, values{"", "__name__"}},
		{"rules[1].targets[0]." + breakdown + "[0]", values{"pod"}, values{"", "__name__"}},
		{"rules[0].topology.edges[0]", values{[]any{"a", "b"}}, values{[]any{"a"}, []any{"a", "b", "c"}, []any{"a", ""}, []any{"", "b"}, []any{"a", "a"}}},
		{"rule_files[0]", values{"a/[bc]*.yml"}, values{"", "[a"}},
	} {
		tryAll(t, c.path, c.inside, c.outside)
	}
}

// TestLimitsOfTheMethods does the same for the methods' settings, of the file and of a rule.
func TestLimitsOfTheMethods(t *testing.T) {
	for _, at := range []string{"analysis.", "rules[0].analysis."} {
		for path, highest := range map[string]float64{
			"labels.min_change": 1, "labels.t_ep": 1, "labels.t_eep": 1, "labels.top": 1000, "series.top": 1000, "graph.alpha": .5, "graph.max_k": 10,
		} {
			tryAll(t, at+path, []any{0, highest}, []any{-1, highest + 1})
		}
		for _, path := range []string{"labels.mode", "series.method", "series.preset", "series.candidate_ad", "series.transform"} {
			tryAll(t, at+path, []any{""}, []any{"anything"})
		}
	}
}

// tryAll writes legal and illegal values of a key.
func tryAll(t *testing.T, path string, inside, outside []any) {
	t.Helper()
	for _, value := range inside {
		text, _ := written(t, path, value)
		if _, err := Parse("x.yml", []byte(text)); err != nil {
			t.Errorf("%s: %v is refused: %v", path, value, err)
		}
	}
	for _, value := range outside {
		text, line := written(t, path, value)
		_, err := Parse("x.yml", []byte(text))
		mistakes, _ := err.(Errors)
		if len(mistakes) != 1 || mistakes[0].Line != line || !strings.HasPrefix(mistakes[0].What, path+" ") {
			t.Errorf("%s: %v, on line %d, gives %v", path, value, line, err)
		}
	}
}

// TestMoreThanTwentyFactsOrLinksAreTooMany expects the message for the section that holds both.
func TestMoreThanTwentyFactsOrLinksAreTooMany(t *testing.T) {
	for path, one := range map[string]any{
		"context.facts": map[string]any{"query": "up", "labels": []any{"a"}}, "context.links": map[string]any{"name": "Logs", "url": "http://l"},
	} {
		text, _ := written(t, path, list(21, one))
		if _, err := Parse("x.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), "context has 21 facts or links") {
			t.Errorf("21 of %s: %v", path, err)
		}
	}
}

// TestABaselineIsAsLongAsItsIncident sets two keys at once.
func TestABaselineIsAsLongAsItsIncident(t *testing.T) {
	for window, fits := range map[string]bool{
		"incident: 5m, baseline: 5m": true, "incident: 5m, baseline: 4m59s": false, "incident: 5m": true, "baseline: 1m": true,
	} {
		_, err := Parse("x.yml", []byte("prometheus: {url: http://p}\nrules: [{name: a, matchers: [a=b], window: {"+window+"}}]\n"))
		if fits != (err == nil) {
			t.Errorf("%s: %v", window, err)
		}
	}
}

// TestARuleFileIsCheckedAsTheRulesOfTheMainFile breaks a rule in each.
func TestARuleFileIsCheckedAsTheRulesOfTheMainFile(t *testing.T) {
	bad := "rules: [{name: a, matchers: [a=b], candidates: [{name: x, query: y, scale: z}]}]\n"
	_, main := Parse("x.yml", []byte("prometheus: {url: http://p}\n"+bad))
	_, file := ParseRules("x.yml", []byte("\n"+bad))
	if main == nil || !reflect.DeepEqual(main, file) {
		t.Errorf("in the main file: %v\nin a rule file: %v", main, file)
	}
}

// TestEveryFileOfASecretIsFoundBesideItsConfiguration names a file at each server: only the
// directory of the configuration is searched.
func TestEveryFileOfASecretIsFoundBesideItsConfiguration(t *testing.T) {
	dir := t.TempDir()
	main := filepath.Join(dir, "culprit.yml")
	text := "changes: {token_file: token}\nalertmanager_events: {token_file: token}\n"
	const client = "{url: http://h, http_config: {authorization: {credentials_file: token}, http_headers: {X-A: {files: [token]}}}"
	text += "prometheus: " + client + "}\ngrafana: " + client + "}\nalertmanagers: [" + client + "}]\nrecovery_webhooks: [" + client + ", secret_file: token}]\n"
	write := func(file, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(main, text)
	c := load(t, main)
	if len(c.Missing) != 11 {
		t.Errorf("%d files are missing, want 11: %v", len(c.Missing), c.Missing)
	}
	write(filepath.Join(dir, "token"), "x")
	if c = load(t, main); len(c.Missing) > 0 {
		t.Errorf("%v", c.Missing)
	}
	shown := c.String()
	if beside := filepath.Join(dir, "token"); strings.Count(shown, beside) != 11 || strings.Count(shown, "token") != strings.Count(shown, beside)+2+strings.Count(dir, "token") {
		t.Errorf("not every file is %s:\n%s", beside, shown)
	}
}

func TestTyposGetASuggestion(t *testing.T) {
	words := []string{"candidates", "common", "Top", "count", "counter"}
	for word, want := range map[string]string{
		"comon": "common", "COMMON": "common", "tpo": "Top", "cand": "candidates", "ca": "", "cou": "", "candi": "candidates", "count": "count", "xxxxxx": "", "": "",
	} {
		hint, near := Meant(word, words)
		if near != (want != "") || near && hint != fmt.Sprintf("did you mean %q?", want) {
			t.Errorf("%q: %v, %s; want %q", word, near, hint, want)
		}
	}
}

// TestWhichAlertsAreExplainedWithoutARule tries each way to exclude alerts.
func TestWhichAlertsAreExplainedWithoutARule(t *testing.T) {
	const text = "prometheus: {url: http://p}\nrules: [{name: a, matchers: [a=b]}]\nunmatched_alerts: {enabled: %v}\n"
	for _, all := range []bool{true, false} {
		c, err := Parse("x.yml", fmt.Appendf(nil, text, all))
		if err != nil {
			t.Fatal(err)
		}
		if r := c.RuleFor(model.LabelSet{"a": "c"}); (r != nil) != all || r != nil && r.Name != "" {
			t.Errorf("unmatched alerts %v: %+v", all, r)
		}
		if r := c.RuleFor(model.LabelSet{"a": "b"}); r == nil || r.Name != "a" {
			t.Errorf("the rule's own alert: %+v", r)
		}
	}
}
