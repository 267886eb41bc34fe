// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"gopkg.in/yaml.v3"
)

const mixin = "../charts/mixin"

// ruleTests is a file of rule unit tests, as promtool reads it. Fields that the mixin does not use
// are omitted, and so rejected.
type ruleTests struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	Tests              []ruleTest     `yaml:"tests"`
}

type ruleTest struct {
	Name        string         `yaml:"name"`
	Interval    model.Duration `yaml:"interval"`
	InputSeries []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	AlertRuleTests []alertTest `yaml:"alert_rule_test"`
}

type alertTest struct {
	EvalTime  model.Duration  `yaml:"eval_time"`
	Alertname string          `yaml:"alertname"`
	ExpAlerts []expectedAlert `yaml:"exp_alerts"`
}

type expectedAlert struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

func readRuleTests(t *testing.T, file string) ruleTests {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var tests ruleTests
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(&tests); err != nil {
		t.Fatal(err)
	}
	return tests
}

// TestMixinAlerts does what `promtool test rules` does: Prometheus' own rule
// groups are evaluated over the given series, interval after interval.
func TestMixinAlerts(t *testing.T) {
	tests := readRuleTests(t, filepath.Join(mixin, "tests.yaml"))
	var files []string
	for _, f := range tests.RuleFiles {
		files = append(files, filepath.Join(mixin, f))
	}
	for _, test := range tests.Tests {
		t.Run(test.Name, func(t *testing.T) {
			test.run(t, files, time.Duration(tests.EvaluationInterval))
		})
	}
}

func (test ruleTest) run(t *testing.T, files []string, every time.Duration) {
	world, err := promqltest.NewLazyLoader(test.load(), promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	groups := loadGroups(t, world, files, every)
	slices.SortStableFunc(test.AlertRuleTests, func(a, b alertTest) int { return cmp.Compare(a.EvalTime, b.EvalTime) })
	at := time.Duration(0)
	for _, check := range test.AlertRuleTests {
		for ; at <= time.Duration(check.EvalTime); at += every {
			evaluate(t, world, groups, at)
		}
		want := check.want()
		if diff := gocmp.Diff(want, firing(groups, check.Alertname)); diff != "" {
			t.Errorf("%s at %s (-want +got):\n%s", check.Alertname, check.EvalTime, diff)
		}
	}
}

// load returns the series in promqltest's language.
func (test ruleTest) load() string {
	var b strings.Builder
	fmt.Fprintf(&b, "load %s\n", test.Interval)
	for _, s := range test.InputSeries {
		fmt.Fprintf(&b, "  %s %s\n", s.Series, s.Values)
	}
	return b.String()
}

func loadGroups(t *testing.T, world *promqltest.LazyLoader, files []string, every time.Duration) []*rules.Group {
	t.Helper()
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:  rules.EngineQueryFunc(world.QueryEngine(), world.Storage()),
		Appendable: world.Storage(),
		Context:    t.Context(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Logger:     slog.New(slog.DiscardHandler),
		Parser:     parser.NewParser(parser.Options{}),
	})
	byName, errs := manager.LoadGroups(every, labels.EmptyLabels(), "", nil, false, files...)
	for _, err := range errs {
		t.Fatal(err)
	}
	var groups []*rules.Group
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		groups = append(groups, byName[name])
		for _, rule := range byName[name].AlertingRules() {
			rule.SetRestored(true) // without a past from which `for` could be restored
		}
	}
	return groups
}

func evaluate(t *testing.T, world *promqltest.LazyLoader, groups []*rules.Group, at time.Duration) {
	t.Helper()
	ts := time.Unix(0, 0).UTC().Add(at)
	world.WithSamplesTill(ts, func(err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			g.Eval(world.Context(), ts)
			for _, rule := range g.Rules() {
				if err := rule.LastError(); err != nil {
					t.Fatalf("%s at %s: %v", rule.Name(), at, err)
				}
			}
		}
	})
}

// firing returns the firing alerts of a name, as lines.
func firing(groups []*rules.Group, name string) []string {
	var lines []string
	for _, g := range groups {
		for _, rule := range g.AlertingRules() {
			if rule.Name() != name {
				continue
			}
			for _, a := range rule.ActiveAlerts() {
				if a.State == rules.StateFiring {
					lines = append(lines, a.Labels.String()+" "+a.Annotations.String())
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// want returns the expected alerts, as lines.
func (a alertTest) want() []string {
	var lines []string
	for _, e := range a.ExpAlerts {
		set := labels.NewBuilder(labels.FromMap(e.Labels)).Set(labels.AlertName, a.Alertname).Labels()
		lines = append(lines, set.String()+" "+labels.FromMap(e.Annotations).String())
	}
	slices.Sort(lines)
	return lines
}

func TestEveryAlertOfTheMixinFiresInATest(t *testing.T) {
	tested := map[string]bool{} // name of an alert: whether a test makes it fire
	for _, test := range readRuleTests(t, filepath.Join(mixin, "tests.yaml")).Tests {
		for _, check := range test.AlertRuleTests {
			tested[check.Alertname] = tested[check.Alertname] || len(check.ExpAlerts) > 0
		}
	}
	for _, rule := range alertRules(t, filepath.Join(mixin, "alerts.yaml")) {
		if !tested[rule.Alert] {
			t.Errorf("no test makes %s fire", rule.Alert)
		}
		delete(tested, rule.Alert)
	}
	for name := range tested {
		t.Errorf("%s is tested and does not exist", name)
	}
}

func TestEveryAlertOfTheMixinSaysWhatItIsAndIsInTheManual(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join(mixin, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range alertRules(t, filepath.Join(mixin, "alerts.yaml")) {
		if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
			t.Errorf("%s has the annotations %v", rule.Alert, rule.Annotations)
		}
		if s := rule.Labels["severity"]; s != "warning" && s != "critical" {
			t.Errorf("%s has the severity %q", rule.Alert, s)
		}
		if !strings.Contains(string(manual), "| "+rule.Alert+" |") {
			t.Errorf("%s is not in the table of the README", rule.Alert)
		}
	}
}
