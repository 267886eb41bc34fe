// SPDX-License-Identifier: Apache-2.0

package config

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/rank"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestMistakes loads each file of testdata/bad, which has one mistake or a few of one kind, and
// compares the messages with the golden file beside it.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			_, err := Load(file)
			if err == nil {
				t.Fatal("no mistake was found")
			}
			placed(t, file, err.(Errors))
			got := strings.ReplaceAll(err.Error(), filepath.Dir(file)+"/", "") + "\n"
			golden(t, strings.TrimSuffix(file, ".yml")+".want", got)
			for _, secret := range []string{"hunter2"} {
				if strings.Contains(got, secret) {
					t.Errorf("the message shows a secret: %s", got)
				}
			}
		})
	}
}

// placed checks that each mistake has a hint, and a line that has a key of its path or its value; a
// mapping is below its key. A missing key has the line of what it is missing from.
func placed(t *testing.T, file string, mistakes Errors) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, m := range mistakes {
		path, _, _ := strings.Cut(m.What, " ")
		if m.Hint == "" || m.File != file || m.Line > len(lines) {
			t.Errorf("%+v", m)
		}
		if m.Line == 0 || strings.Contains(m.What, "is missing") || !strings.ContainsAny(path, "._") {
			continue
		}
		words := append(regexp.MustCompile(`[a-z_]+`).FindAllString(path, -1), strings.Trim(regexp.MustCompile(`"[^"]*"`).FindString(m.What), `"`))
		near := strings.Join(lines[max(0, m.Line-2):m.Line], "\n")
		if !slices.ContainsFunc(words, func(w string) bool { return w != "" && strings.Contains(near, w) }) {
			t.Errorf("%q has none of %q: %s", near, words, m)
		}
	}
}

// golden compares got with the file, or writes it if the tests run with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// load loads a file without mistakes.
func load(t *testing.T, file string) *Config {
	t.Helper()
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c := load(t, "testdata/good/minimal.yml")
	p := c.Prometheus[0]
	if p.MaxConcurrentQueries != 4 || p.QueryTimeout != model.Duration(10*time.Second) || p.MaxSeries != 20_000 {
		t.Errorf("prometheus: %+v", p)
	}
	if !p.HTTPConfig.FollowRedirects || !p.HTTPConfig.EnableHTTP2 {
		t.Errorf("http_config does not have the defaults of Prometheus: %+v", p.HTTPConfig)
	}
	want := Publish{
		AlertAnnotations:   Toggle{Enabled: true},
		SilenceComments:    SilenceComments{UpdateExisting: true},
		GrafanaAnnotations: Toggle{Enabled: true},
	}
	if c.Publish != want {
		t.Errorf("publish: %+v", c.Publish)
	}
	if c.Grafana != nil {
		t.Errorf("grafana: %+v", c.Grafana)
	}
	if c.AlertmanagerEvents != nil {
		t.Error("events of Alertmanager are taken though nobody asked for it")
	}
	if c.MCP != nil {
		t.Error("assistants are let in though nobody asked for it")
	}
	if c.Changes != (Changes{Queries: true, Lifetime: model.Duration(30 * 24 * time.Hour)}) {
		t.Errorf("changes: %+v", c.Changes)
	}
}

func TestEmptySectionsKeepTheirDefaults(t *testing.T) {
	c, err := Parse("x.yml", []byte("prometheus: {url: http://p, http_config: {}, max_series: null}\npublish: {silence_comments: {}, alert_annotations: null}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !c.Publish.SilenceComments.UpdateExisting || !c.Publish.AlertAnnotations.Enabled || c.Prometheus[0].MaxSeries != 20_000 || !c.Prometheus[0].HTTPConfig.FollowRedirects {
		t.Errorf("%s", c)
	}
}

func TestWrittenSettingsOverrideDefaults(t *testing.T) {
	c := load(t, "testdata/good/full.yml")
	if c.Prometheus[0].MaxConcurrentQueries != 8 || c.Prometheus[0].MaxSeries != 5000 || c.Prometheus[0].QueryTimeout != model.Duration(30*time.Second) {
		t.Errorf("prometheus: %+v", c.Prometheus)
	}
	want := Publish{AlertAnnotations: Toggle{Enabled: true}, SilenceComments: SilenceComments{UpdateExisting: true, CreateNote: true}}
	if c.Publish != want {
		t.Errorf("publish: %+v", c.Publish)
	}
	if c.Alertmanagers[1].HTTPConfig.FollowRedirects || !c.Alertmanagers[0].HTTPConfig.FollowRedirects {
		t.Error("follow_redirects of the Alertmanagers")
	}
	if got := c.Prometheus[0].HTTPConfig.HTTPHeaders.Headers["X-Scope-OrgID"].Values; !cmp.Equal(got, []string{"shop"}) {
		t.Errorf("X-Scope-OrgID: %q", got)
	}
	hook := c.RecoveryWebhooks[0]
	if a := hook.HTTPConfig.Authorization; a == nil || string(a.Credentials) != "hunter2" || hook.MinConfidence != "medium" {
		t.Errorf("recovery webhook: %+v", hook)
	}
}

func TestSecretFilesAreRelativeToTheirFile(t *testing.T) {
	c := load(t, "testdata/good/full.yml")
	for got, want := range map[string]string{
		c.Prometheus[0].HTTPConfig.TLSConfig.CAFile:        "testdata/good/tls/ca.pem",
		c.Prometheus[0].HTTPConfig.BasicAuth.PasswordFile:  "testdata/good/password",
		c.RecoveryWebhooks[0].SecretFile:                   "testdata/good/hook-secret",
		c.Changes.TokenFile:                                "testdata/good/changes-token",
		c.AlertmanagerEvents.TokenFile:                     "testdata/good/events-token",
		c.MCP.TokenFile:                                    "testdata/good/mcp-token",
		c.Grafana.HTTPConfig.Authorization.CredentialsFile: "/etc/culprit/grafana-token",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestRulesComeInOrderAndEachFileOnce(t *testing.T) {
	c := load(t, "testdata/good/full.yml")
	var got []string
	for _, r := range c.Rules {
		got = append(got, filepath.Base(r.Source.File)+" "+r.Name)
	}
	want := []string{"full.yml checkout errors", "a.yml slow database", "b2.yml first", "b2.yml second"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWarnings(t *testing.T) {
	var got []string
	for _, file := range []string{"full", "minimal", "silent"} {
		for _, w := range load(t, "testdata/good/"+file+".yml").Warnings {
			got = append(got, w.String())
		}
	}
	golden(t, "testdata/good/warnings.want", strings.Join(got, "\n")+"\n")
}

func TestFirstMatchingRuleWins(t *testing.T) {
	c := load(t, "testdata/good/full.yml")
	for _, test := range []struct {
		set  model.LabelSet
		want string
	}{
		{model.LabelSet{"alertname": "CheckoutErrors", "service": "cart"}, "checkout errors"},
		{model.LabelSet{"alertname": "CheckoutErrors", "service": "cart", "env": "dev"}, "second"},
		{model.LabelSet{"alertname": "CheckoutErrors", "service": "mycart"}, "second"}, // anchored
		{model.LabelSet{"alertname": "DatabaseSlow"}, "slow database"},
		{model.LabelSet{"läbel": "ü"}, "first"},
		{model.LabelSet{"alertname": "Other"}, ""},
		{nil, ""},
	} {
		r, ok := c.Rule(test.set)
		if ok != (test.want != "") || ok && r.Name != test.want {
			t.Errorf("%v: %v, %v; want %q", test.set, r, ok, test.want)
		}
	}
}

func TestRuleOptionsOverrideThoseOfTheFile(t *testing.T) {
	c := load(t, "testdata/good/full.yml")
	want := analysis.Options{
		Labels: analysis.LabelOptions{Mode: "nsdi", Top: 5},
		Series: analysis.SeriesOptions{Preset: "paper"},
		Graph:  analysis.GraphOptions{Alpha: 0.01},
	}
	if d := cmp.Diff(want, c.Options(&c.Rules[0])); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(c.Analysis, c.Options(&c.Rules[1])); d != "" {
		t.Error(d)
	}
}

// A rule can switch off what the file switches on, for itself only.
func TestARuleSwitchesOffWhatTheFileSwitchesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "culprit.yml")
	if err := os.WriteFile(file, []byte(`
prometheus: {url: 'http://prometheus:9090'}
analysis: {labels: {deep: true, count: true}, graph: {off: true}}
rules:
- {name: none, matchers: [a="1"], analysis: {labels: {deep: false, count: false}, graph: {off: false}}}
- {name: one, matchers: [a="2"], analysis: {labels: {deep: false, top: 3}}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := load(t, file)
	if d := cmp.Diff(analysis.Options{}, c.Options(&c.Rules[0])); d != "" {
		t.Error(d)
	}
	one := analysis.Options{Labels: analysis.LabelOptions{Count: true, Top: 3}, Graph: analysis.GraphOptions{Off: true}}
	if d := cmp.Diff(one, c.Options(&c.Rules[1])); d != "" {
		t.Error(d)
	}
}

func TestLinesOfTexts(t *testing.T) {
	c := load(t, "testdata/good/full.yml")
	text, err := os.ReadFile("testdata/good/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	rule := &c.Rules[0]
	for path, want := range map[string]string{
		"":                    "- name: checkout errors",
		"name":                "- name: checkout errors",
		"matchers[1]":         "env!=",
		"target.query":        "sum(rate(http_requests_total{code", // below the |
		"breakdown.labels[2]": "method",
		"candidates[0].query": "container_cpu",
		"topology.edges[1]":   "payment",
	} {
		if line := rule.Source.Lines[path]; line == 0 || !strings.Contains(lines[line-1], want) {
			t.Errorf("%q is on line %d, which has no %q", path, line, want)
		}
	}
	if line := c.Rules[1].Source.Lines["targets[0].candidates[0].query"]; line != 9 {
		t.Errorf("a query of a rule file is on line %d, want 9", line)
	}
}

func TestStringMasksSecretsAndCanBeReadAgain(t *testing.T) {
	c := load(t, "testdata/good/full.yml")
	text := c.String()
	if strings.Contains(text, "hunter2") || !strings.Contains(text, "<secret>") {
		t.Errorf("secrets are not masked:\n%s", text)
	}
	again, err := Parse("again", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if d := cmp.Diff(text, again.String()); d != "" {
		t.Error(d)
	}
}

func TestAMissingFile(t *testing.T) {
	_, err := Load("testdata/none.yml")
	if want := "testdata/none.yml: can't be read: no such file or directory (check the path and who may read it)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestMistakesOfSeveralFilesAreShownTogether(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.yml", "prometheus: {}\nrule_files: ['*.rules']\nrules: [{name: a, matchers: [x=y]}]\n")
	write("1.rules", "rules:\n  - {name: a, matchers: [x=y]}\n")
	write("2.rules", "rules:\n  - {name: b, matchers: []}\n")
	write("3.rules", "groups: []\n")
	_, err := Load(filepath.Join(dir, "main.yml"))
	if err == nil {
		t.Fatal("no mistake was found")
	}
	want := strings.Join([]string{
		"main.yml:1: prometheus.url is missing (write the address of the server, such as http://host:port)",
		"2.rules:2: rules[0].matchers is missing (say which alerts the rule is for: ['alertname=\"HighErrors\"'])",
		"3.rules:1: groups is not a setting (alerting rules are Prometheus' own; culprit suggest FILE makes rules of them)",
		"1.rules:2: a second rule is called \"a\" (rename one; the first is at main.yml:3)",
	}, "\n")
	if d := cmp.Diff(want, strings.ReplaceAll(err.Error(), dir+"/", "")); d != "" {
		t.Error(d)
	}
}

func TestTheKindsAreThoseOfTheRanking(t *testing.T) {
	for _, kind := range kinds() {
		if _, err := rank.ParseKind(kind); err != nil {
			t.Error(err)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"kitten", "sitting", 3},
		{"hihg", "high", 1},
		{"ab", "ba", 1},
		{"ca", "abc", 3},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// FuzzParse checks that no text makes the parser panic, that it accepts its own output, and that
// each mistake has a message.
func FuzzParse(f *testing.F) {
	for _, glob := range []string{"testdata/bad/*.yml", "testdata/good/*.yml", "testdata/good/rules/*.yml"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if rules, err := ParseRules("r.yml", text); err == nil {
			for _, r := range rules {
				if len(r.Parsed) == 0 {
					t.Errorf("rule %q without matchers", r.Name)
				}
			}
		}
		c, err := Parse("f.yml", text)
		if err != nil {
			for _, m := range err.(Errors) {
				if m.What == "" || m.File != "f.yml" {
					t.Errorf("a mistake without words: %+v", m)
				}
			}
			return
		}
		if _, err := Parse("again.yml", []byte(c.String())); err != nil {
			t.Errorf("what is printed is not accepted: %v\n%s", err, c)
		}
	})
}

func TestTheCatalogueOfCandidatesIsReadWithItsMatchersAndLines(t *testing.T) {
	c, err := Parse("x.yml", []byte(`prometheus: {url: http://p}
candidates:
  - name: queue
    query: sum(queue_length{namespace="{{ .Labels.namespace }}"})
    kind: other
    lags: [-1, 0]
    matchers: ['namespace=~"shop|cart"']
  - {name: deploys, query: deployments_total}
`))
	if err != nil {
		t.Fatal(err)
	}
	k := c.Candidates[0]
	if len(c.Candidates) != 2 || k.Name != "queue" || k.Kind != "other" || len(k.Lags) != 2 || c.CandidateSource.Lines["candidates[0].query"] != 4 {
		t.Errorf("%+v, lines %v", k, c.CandidateSource.Lines)
	}
	if !k.Parsed.Matches(model.LabelSet{"namespace": "cart"}) || k.Parsed.Matches(model.LabelSet{"namespace": "web"}) || !c.Candidates[1].Parsed.Matches(model.LabelSet{}) {
		t.Errorf("matchers %v and %v", k.Parsed, c.Candidates[1].Parsed)
	}
}

func TestTheBudgetOfAnAnalysisHasDefaults(t *testing.T) {
	c, err := Parse("x.yml", []byte("prometheus: {url: http://p, max_queries: 50}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Prometheus[0]; p.MaxQueries != 50 || p.MaxSamples != 5_000_000 || p.MaxTime != model.Duration(time.Minute) {
		t.Errorf("%+v", p)
	}
	for _, bad := range []string{"max_queries: 0", "max_samples: -1", "max_time: 0s"} {
		if _, err := Parse("x.yml", []byte("prometheus: {url: http://p, "+bad+"}\n")); err == nil {
			t.Errorf("%s is legal", bad)
		}
	}
}
