// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver"
	"github.com/culprit-dev/culprit/receiver/ruletest"
)

// block is one YAML block of a page.
type block struct {
	where string // page:line
	text  string
}

// pageBlocks returns the YAML blocks of all pages, without the indent of a list.
func pageBlocks(t *testing.T) []block {
	t.Helper()
	var found []block
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			found = append(found, yamlBlocks(path, read(t, path))...)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func yamlBlocks(path, page string) (found []block) {
	inside, indent := false, ""
	for i, line := range strings.Split(page, "\n") {
		text := strings.TrimLeft(line, " ")
		switch {
		case !inside && (text == "```yaml" || text == "```yml"):
			inside, indent = true, line[:len(line)-len(text)]
			found = append(found, block{where: fmt.Sprintf("%s:%d", path, i+1)})
		case inside && text == "```":
			inside = false
		case inside:
			found[len(found)-1].text += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	return found
}

// TestEveryBlockOfThePagesLoads loads each YAML block of each page with the code of its program:
// culprit, Alertmanager or Prometheus. The chart's tests render values of the chart; here, the
// configuration in them is loaded.
func TestEveryBlockOfThePagesLoads(t *testing.T) {
	kinds := map[string]int{}
	for _, b := range pageBlocks(t) {
		docs, err := decodeAll(b.text)
		if err != nil {
			t.Errorf("%s: %v", b.where, err)
		}
		for _, doc := range docs {
			kind, err := load(t, doc)
			if err != nil {
				t.Errorf("%s: as %s: %v", b.where, kind, err)
			}
			kinds[kind]++
		}
	}
	if kinds["a configuration"] < 5 || kinds["values of the chart"] < 3 || kinds["a route"] < 1 || kinds["an object of Kubernetes"] < 4 {
		t.Errorf("few blocks were loaded: %v", kinds)
	}
}

func TestABlockThatNobodyCanLoadIsSeen(t *testing.T) {
	for _, text := range []string{
		"rulez: []", "prometheus: {urls: a}", "candidates: [{name: a, query: 'sum('}]", "ruleFiles: {a.yml: {rules: [{nam: a}]}}",
		"route: {receiver: nobody}", "event_recorder: {webhook_output: []}", "groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]", "- a", "config: {rulez: []}",
		"{apiVersion: v1, kind: ConfigMap, data: {a.yml: 'rules: [{nam: a}]'}}", "groups: [{name: a, rules: [{alert: A, expr: up, annotations: {culprit_window: 5m}}]}]",
		"{apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, spec: {groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]}}",
		"{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, spec: {values: {config: {rulez: []}}}}",
	} {
		for _, doc := range documents(text) {
			if kind, err := load(t, doc); err == nil {
				t.Errorf("%s was loaded as %s", text, kind)
			}
		}
	}
}

// runRuleTests runs tests of rules that need no rule.
func runRuleTests(t *testing.T, text []byte) error {
	tests, err := ruletest.Read("tests.yml", text)
	if err != nil {
		return err
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rules.yml"), []byte("rules: []\n"), 0o600); err != nil {
		return err
	}
	tests.SetDirectory(dir)
	outcomes, err := tests.Run(t.Context())
	for _, o := range outcomes {
		for _, f := range o.Failures {
			err = errors.Join(err, errors.New(f.Text))
		}
	}
	return err
}

// decodeAll reads all documents of a text.
func decodeAll(text string) (docs []any, err error) {
	for dec := yaml.NewDecoder(strings.NewReader(text)); ; {
		var doc any
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return docs, err
		}
		docs = append(docs, doc)
	}
}

// load recognises a document by its keys, and loads it.
func load(t *testing.T, doc any) (kind string, err error) {
	t.Helper()
	top, ok := doc.(tree)
	if !ok {
		return "anything", fmt.Errorf("%v is not a mapping", doc)
	}
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return top[k] != nil })
	}
	switch {
	case has("apiVersion"):
		return "an object of Kubernetes", loadObject(t, top)
	case only(top, "rule_files", "tests"):
		return "tests of rules", runRuleTests(t, encode(top))
	case has("groups"):
		return "rules of Prometheus", loadAlerts(top)
	case only(top, "event_recorder"):
		return "events of Alertmanager", loadAlertmanager(tree{"route": tree{"receiver": "people"}, "event_recorder": top["event_recorder"]})
	case has("route", "receivers"):
		return "a route", loadAlertmanager(top)
	case only(top, "rules"):
		_, err := config.ParseRules("rules.yml", encode(top))
		return "a rule file", err
	case only(top, configKeys()...):
		return "a configuration", loadMain(t, top)
	case only(top, chartKeys(t)...):
		return "values of the chart", loadValues(t, top)
	case only(top, "alertmanager", "prometheus", "extraManifests"):
		return "values of kube-prometheus-stack", loadAlertmanager(at(top, "alertmanager", "config"))
	default:
		return "anything", fmt.Errorf("no program has the keys of %v", top)
	}
}

func only(doc tree, keys ...string) bool {
	for k := range doc {
		if !slices.Contains(keys, k) {
			return false
		}
	}
	return true
}

// at follows keys into a document.
func at(doc tree, keys ...string) tree {
	for _, k := range keys {
		doc, _ = doc[k].(tree)
	}
	return doc
}

func encode(doc any) []byte {
	text, err := yaml.Marshal(doc)
	if err != nil {
		panic(err) // it was decoded from YAML
	}
	return text
}

// configKeys returns the keys of culprit's main file.
func configKeys() (keys []string) {
	c := reflect.TypeFor[config.Config]()
	for i := range c.NumField() {
		key, _, _ := strings.Cut(c.Field(i).Tag.Get("yaml"), ",")
		keys = append(keys, key)
	}
	return keys
}

// chartKeys returns the keys of the chart's values.
func chartKeys(t *testing.T) (keys []string) {
	t.Helper()
	for _, doc := range documents(read(t, "../charts/culprit/values.yaml")) {
		for k := range doc.(tree) {
			keys = append(keys, k)
		}
	}
	return keys
}

// loadMain loads a main file, or a part of one, completed with servers.
func loadMain(t *testing.T, part tree) error {
	t.Helper()
	whole := tree{"prometheus": tree{"url": "http://prometheus:9090"}, "alertmanagers": []any{tree{"url": "http://am:9093"}}, "grafana": tree{"url": "http://g"}}
	for k, v := range part {
		whole[k] = v
	}
	file := filepath.Join(t.TempDir(), "culprit.yml")
	write(t, file, string(encode(whole)))
	_, err := receiver.LoadConfig(file)
	return err
}

// loadValues loads culprit's configuration in values of the chart.
func loadValues(t *testing.T, values tree) error {
	t.Helper()
	for name, file := range at(values, "ruleFiles") {
		if _, err := config.ParseRules(name, encode(file)); err != nil {
			return err
		}
	}
	return loadMain(t, at(values, "config"))
}

// loadObject loads the content of a Kubernetes object: rule files, or values of the chart for Argo
// CD and Flux.
func loadObject(t *testing.T, object tree) error {
	t.Helper()
	switch object["kind"] {
	case "ConfigMap":
		for name, text := range at(object, "data") {
			if _, err := config.ParseRules(name, []byte(text.(string))); err != nil {
				return err
			}
		}
		return nil
	case "Application":
		source := at(object, "spec", "source")
		if source["path"] != "charts/culprit" && source["helm"] == nil {
			return nil // belongs to a team's own objects
		}
		return chartValues(t, at(source, "helm", "valuesObject"))
	case "HelmRelease":
		return chartValues(t, at(object, "spec", "values"))
	case "PrometheusRule":
		return loadAlerts(at(object, "spec"))
	case "GitRepository", "Kustomization":
		return nil
	default:
		return fmt.Errorf("no test knows the kind %v", object["kind"])
	}
}

func chartValues(t *testing.T, values tree) error {
	t.Helper()
	if values == nil || !only(values, chartKeys(t)...) {
		return fmt.Errorf("these are not values of the chart: %v", values)
	}
	return loadValues(t, values)
}

// loadAlertmanager loads a configuration of Alertmanager; receivers missing from a partial one are
// added.
func loadAlertmanager(c tree) error {
	if at(c, "route") == nil {
		return fmt.Errorf("there is no route in %v", c)
	}
	if c["receivers"] == nil {
		c["receivers"] = []any{}
	}
	walkRoutes(at(c, "route"), func(r tree) {
		name, _ := r["receiver"].(string)
		known := slices.ContainsFunc(c["receivers"].([]any), func(one any) bool { return one.(tree)["name"] == name })
		if !known && name == "people" { // the reader's own
			c["receivers"] = append(c["receivers"].([]any), tree{"name": name})
		}
	})
	_, err := amconfig.Load(string(encode(c)))
	return err
}

// loadAlerts loads rules as Prometheus does.
func loadAlerts(doc tree) error {
	_, errs := rulefmt.Parse(encode(doc), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return errs[0]
	}
	if _, mistakes := promql.CheckRuleFile("rules.yml", encode(doc)); len(mistakes) > 0 {
		return mistakes
	}
	return nil
}

func TestBlocksAreFoundWhereverTheyStand(t *testing.T) {
	got := yamlBlocks("p", "a\n```yaml\na: 1\n```\n   ```yaml\n   b:\n     c: 2\n   ```\n```sh\nd\n```\n")
	if want := []block{{"p:2", "a: 1\n"}, {"p:5", "b:\n  c: 2\n"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat("../README.md"); err != nil || len(pageBlocks(t)) < 16 {
		t.Errorf("%d blocks, %v", len(pageBlocks(t)), err)
	}
}
