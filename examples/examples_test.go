// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver"
)

// glob returns the files that match, at least one.
func glob(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s matches nothing (%v)", p, err)
		}
		files = append(files, found...)
	}
	return files
}

// alertRules loads a rule file as Prometheus does and returns its alerts.
func alertRules(t *testing.T, file string) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if groups == nil {
		t.Fatalf("%s has no groups", file)
	}
	var alerts []rulefmt.Rule
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				alerts = append(alerts, r)
			}
		}
	}
	return alerts
}

// stories returns culprit's rules in rules/.
func stories(t *testing.T) []config.Rule {
	t.Helper()
	var all []config.Rule
	for _, file := range glob(t, "rules/*.yml") {
		rules, err := config.ParseRules(file, []byte(read(t, file)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rules...)
	}
	return all
}

func TestTheConfigurationsAreFine(t *testing.T) {
	for _, file := range glob(t, "../charts/testdata/config/*/culprit.yml", "docker-compose/culprit.yml", "systemd/culprit.yml") {
		cfg, err := receiver.LoadConfig(file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for _, w := range cfg.Warnings {
			if !strings.Contains(w.What, "matches no file") && !strings.Contains(file, "minimal") {
				t.Errorf("%s: %v", file, w)
			}
		}
	}
}

func TestTheStoriesLoadTogether(t *testing.T) {
	main := filepath.Join(t.TempDir(), "culprit.yml")
	folder, err := filepath.Abs("rules")
	if err != nil {
		t.Fatal(err)
	}
	write(t, main, "prometheus: {url: http://prometheus:9090}\nalertmanagers: [{url: http://alertmanager:9093}]\nrule_files: ["+folder+"/*.yml]\n")
	cfg, err := receiver.LoadConfig(main)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Rules) != 7 || len(cfg.Warnings) != 0 {
		t.Errorf("%d rules, warnings %v", len(cfg.Rules), cfg.Warnings)
	}
}

// TestEveryStoryHasItsAlert makes a plan for each alert, with exactly the labels that Prometheus
// gives it: those of its `by (…)` and those of the rule.
func TestEveryStoryHasItsAlert(t *testing.T) {
	rules := config.Config{Rules: stories(t)}
	told := map[string]bool{}
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	for _, alert := range alertRules(t, "rules/prometheus/alerts.yml") {
		set := labelsOf(t, alert)
		rule, ok := rules.Rule(set)
		if !ok {
			t.Errorf("no story explains %v", set)
			continue
		}
		told[rule.Name] = true
		plan, err := promql.NewPlan(*rule, promql.Alert{
			Labels: set, Onset: now.Add(-5 * time.Minute), StartsAt: now.Add(-3 * time.Minute),
			GeneratorURL: "http://prometheus/graph?g0.expr=" + url.QueryEscape(alert.Expr),
		}, now)
		if err != nil {
			t.Errorf("%s: %v", rule.Name, err)
			continue
		}
		for _, w := range plan.Warnings {
			t.Errorf("%s: %s: %s", rule.Name, w.Source, w.Text)
		}
		checkPlan(t, rule, plan)
	}
	for _, rule := range rules.Rules {
		if !told[rule.Name] {
			t.Errorf("no alert in rules/prometheus leads to %q", rule.Name)
		}
	}
}

// checkPlan expects every target and every candidate of the rule in the plan.
func checkPlan(t *testing.T, rule *config.Rule, plan promql.Plan) {
	t.Helper()
	targets := rule.Targets
	if rule.Target != nil {
		targets = append(targets, *rule.Target)
	}
	if len(plan.Targets) != len(targets) {
		t.Errorf("%s: %d targets of %d are planned", rule.Name, len(plan.Targets), len(targets))
	}
	candidates := len(rule.Candidates)
	for _, target := range targets {
		candidates += len(target.Candidates)
	}
	planned := 0
	for _, q := range plan.Queries {
		if q.Role == promql.RoleCandidate {
			planned++
		}
	}
	if planned != candidates {
		t.Errorf("%s: %d candidates of %d are planned", rule.Name, planned, candidates)
	}
	if rule.Breakdown != nil && len(plan.Targets) > 0 && plan.Targets[0].Breakdown == nil {
		t.Errorf("%s: the target is not broken down", rule.Name)
	}
}

// labelsOf returns the labels of an alert that a rule fires.
func labelsOf(t *testing.T, rule rulefmt.Rule) model.LabelSet {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(rule.Expr)
	if err != nil {
		t.Fatal(err)
	}
	set := model.LabelSet{"alertname": model.LabelValue(rule.Alert)}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			for _, name := range a.Grouping {
				if name != "le" {
					set[model.LabelName(name)] = "10.0.0.1:9100"
				}
			}
		}
		return nil
	})
	for name, value := range rule.Labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return set
}

// TestBadSQLIsAskedAsPublished checks the settings of the paper: two measures,
// each explained by the same measure of every statement.
func TestBadSQLIsAskedAsPublished(t *testing.T) {
	found := 0
	for _, rule := range stories(t) {
		if !strings.HasPrefix(rule.Name, "bad SQL") {
			continue
		}
		found++
		if len(rule.Targets) != 2 {
			t.Errorf("%s has %d measures", rule.Name, len(rule.Targets))
		}
		for _, target := range rule.Targets {
			for _, c := range target.Candidates {
				if c.Scale != "common" || !c.Positive || !slices.Equal(c.Lags, []int{-1, 0}) {
					t.Errorf("%s: %s is asked with scale %q, positive %v, lags %v", rule.Name, c.Name, c.Scale, c.Positive, c.Lags)
				}
				if metric(t, c.Query) != metric(t, target.Query) {
					t.Errorf("%s: %s is explained by another measure, %s", rule.Name, metric(t, target.Query), metric(t, c.Query))
				}
			}
		}
	}
	if found != 2 {
		t.Errorf("%d rules about bad SQL, want PostgreSQL's and MySQL's", found)
	}
}

// metric returns the name of the metric before the braces of a query.
func metric(t *testing.T, query string) string {
	t.Helper()
	before, _, ok := strings.Cut(query, "{")
	if !ok {
		t.Fatalf("no selector in %s", query)
	}
	return before[strings.LastIndexAny(before, "( ")+1:]
}

func TestPrometheusLoadsTheAlerts(t *testing.T) {
	for _, file := range glob(t, "rules/prometheus/*.yml", "docker-compose/alerts.yml", filepath.Join(mixin, "alerts.yaml")) {
		if len(alertRules(t, file)) == 0 {
			t.Errorf("%s has no alerts", file)
		}
	}
	if _, err := promconfig.LoadFile("docker-compose/prometheus.yml", false, nil); err != nil {
		t.Error(err)
	}
}

// TestAlertmanagerAsksCulpritFirst loads the examples with Alertmanager's own code and sends an
// alert through its routes.
func TestAlertmanagerAsksCulpritFirst(t *testing.T) {
	for _, file := range []string{"alertmanager.yml", "docker-compose/alertmanager.yml"} {
		conf, err := amconfig.LoadFile(file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		routes := dispatch.NewRoute(conf.Route, nil).Match(model.LabelSet{"alertname": "A", "severity": "page"})
		if len(routes) < 1 || routes[0].RouteOpts.Receiver != "culprit" || routes[0].RouteOpts.GroupWait != 0 {
			t.Errorf("%s: the alert does not go to culprit first and at once: %v", file, routes)
			continue
		}
		if file == "alertmanager.yml" && (len(routes) != 2 || routes[1].RouteOpts.GroupWait < 10*time.Second) {
			t.Errorf("%s: then it goes to %v", file, routes[1:])
		}
		for _, r := range conf.Receivers {
			for _, hook := range r.WebhookConfigs {
				if r.Name == "culprit" && !hook.SendResolved() {
					t.Errorf("%s: culprit does not hear of the end", file)
				}
			}
		}
	}
}

func TestTheComposeFileNamesFilesAndServicesThatExist(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Volumes []string `yaml:"volumes"`
			Build   struct {
				Context string `yaml:"context"`
			} `yaml:"build"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "docker-compose/compose.yml")), &compose); err != nil {
		t.Fatal(err)
	}
	for name, service := range compose.Services {
		for _, mount := range service.Volumes {
			from, _, _ := strings.Cut(mount, ":")
			if strings.HasPrefix(from, ".") {
				glob(t, filepath.Join("docker-compose", from))
			} else if _, ok := compose.Volumes[from]; !ok {
				t.Errorf("%s mounts %s, which is no volume", name, from)
			}
		}
	}
	glob(t, filepath.Join("docker-compose", compose.Services["culprit"].Build.Context, "Dockerfile"))
	cfg, err := receiver.LoadConfig("docker-compose/culprit.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{cfg.Prometheus[0].URL.Reveal().Hostname(), cfg.Alertmanagers[0].URL.Reveal().Hostname()} {
		if _, ok := compose.Services[host]; !ok {
			t.Errorf("culprit asks %s, which is no service", host)
		}
	}
}

// TestTheSchemaOfTheChartKnowsTheConfiguration walks through culprit's types and the chart's schema
// together: both must have the same keys, except those that hold secrets.
func TestTheSchemaOfTheChartKnowsTheConfiguration(t *testing.T) {
	var schema struct {
		Defs map[string]schemaNode `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(read(t, "../charts/culprit/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	compareSchema(t, schema.Defs, reflect.TypeFor[config.Config](), schema.Defs["config"], "config")
}

type schemaNode struct {
	Ref        string                `json:"$ref"`
	Properties map[string]schemaNode `json:"properties"`
	Items      *schemaNode           `json:"items"`
}

func compareSchema(t *testing.T, defs map[string]schemaNode, typ reflect.Type, node schemaNode, path string) {
	if name, ok := strings.CutPrefix(node.Ref, "#/$defs/"); ok {
		node = defs[name]
	}
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		if typ.Kind() == reflect.Slice && node.Items != nil {
			node = *node.Items
			if name, ok := strings.CutPrefix(node.Ref, "#/$defs/"); ok {
				node = defs[name]
			}
		}
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || node.Properties == nil {
		return
	}
	keys := settings(typ)
	for key, typ := range keys {
		child, ok := node.Properties[key]
		switch {
		case ok && isSecret(key):
			t.Errorf("the schema takes the secret %s.%s", path, key)
		case ok:
			compareSchema(t, defs, typ, child, path+"."+key)
		case !isSecret(key):
			t.Errorf("the schema has no %s.%s", path, key)
		}
	}
	for key := range node.Properties {
		if keys[key] == nil {
			t.Errorf("the schema takes %s.%s, which culprit does not", path, key)
		}
	}
}

// settings returns the YAML keys of a struct, including those of inlined structs.
func settings(typ reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for i := range typ.NumField() {
		field := typ.Field(i)
		key, flags, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(flags, "inline") && field.Type.Kind() == reflect.Struct:
			maps.Copy(keys, settings(field.Type))
		case key != "" && key != "-":
			keys[key] = field.Type
		}
	}
	return keys
}

// isSecret reports whether a key of http_config holds a secret, or refers to a secret store, which
// culprit lacks.
func isSecret(key string) bool {
	return strings.HasSuffix(key, "_ref") ||
		slices.Contains([]string{"password", "credentials", "client_secret", "client_certificate_key", "bearer_token", "key", "proxy_connect_header"}, key)
}
