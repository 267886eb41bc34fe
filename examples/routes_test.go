// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// tree is a YAML mapping.
type tree = map[string]any

// published is a routing tree that this repository recommends.
type published struct {
	where string
	main  tree // Alertmanager's configuration
}

// publishedRoutes walks the repository: every YAML file and every text with a block that begins
// with `route:`, including what the Prometheus operator would make of an AlertmanagerConfig.
func publishedRoutes(t *testing.T) []published {
	t.Helper()
	var found []published
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{"../.git", "../charts/culprit/templates", "../examples/servers/etc", "../receiver/routes/testdata"}, path):
			return filepath.SkipDir // templates, those of the chart rendered into charts/testdata; the last has trees that are wrong on purpose
		case entry.IsDir():
		case slices.Contains([]string{".yml", ".yaml"}, filepath.Ext(path)):
			for _, doc := range documents(read(t, path)) {
				found = append(found, routesIn(t, path, doc)...)
			}
		case slices.Contains([]string{".md", ".txt"}, filepath.Ext(path)):
			for i, block := range blocks(read(t, path)) {
				for _, doc := range documents(block) {
					found = append(found, routesIn(t, fmt.Sprintf("%s, block %d", path, i+1), doc)...)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// documents decodes all documents of a text, skipping those that aren't YAML, such as templates.
func documents(text string) []any {
	var docs []any
	for dec := yaml.NewDecoder(strings.NewReader(text)); ; {
		var doc any
		if dec.Decode(&doc) != nil {
			return docs
		}
		docs = append(docs, doc)
	}
}

// blocks returns the parts of a text that begin with `route:`, up to a smaller indent, with
// examples in place of the reader's own routes.
func blocks(text string) []string {
	var all []string
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		indent, ok := strings.CutSuffix(strings.TrimRight(lines[i], " "), "route:")
		if !ok || strings.TrimSpace(indent) != "" {
			continue
		}
		var b strings.Builder
		for ; i < len(lines) && (strings.HasPrefix(lines[i], indent) && !strings.HasPrefix(lines[i], indent+"```") || strings.TrimSpace(lines[i]) == ""); i++ {
			b.WriteString(strings.TrimPrefix(lines[i], indent) + "\n")
		}
		all = append(all, placeholder().ReplaceAllString(b.String(), `$1- {receiver: oncall, matchers: [severity="page"], group_wait: 10s, continue: true}
$1- {receiver: night, matchers: [severity="page"], mute_time_intervals: [nights]}
$1- {receiver: "null", matchers: [alertname="Watchdog"]}
$1- {receiver: people, matchers: [team="b"], group_by: [team], repeat_interval: 1h, routes: [{receiver: oncall, matchers: [env="prod"]}]}`))
	}
	return all
}

// placeholder matches the place for the readers' own routes.
func placeholder() *regexp.Regexp { return regexp.MustCompile(`(?m)^( *)# … .*routes.*$`) }

// routesIn finds routing trees anywhere in a document.
func routesIn(t *testing.T, where string, doc any) []published {
	var found []published
	switch v := doc.(type) {
	case tree:
		if v["kind"] == "AlertmanagerConfig" {
			return operated(t, where, v)
		}
		route, ok := v["route"].(tree)
		if ok && route["receiver"] != nil {
			return []published{{where, v}}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			found = append(found, routesIn(t, where, v[key])...)
		}
	case []any:
		for _, one := range v {
			found = append(found, routesIn(t, where, one)...)
		}
	case string:
		if strings.Contains(v, "route:") {
			for _, one := range documents(v) {
				if _, text := one.(string); !text {
					found = append(found, routesIn(t, where, one)...)
				}
			}
		}
	}
	return found
}

// operated is what the Prometheus operator makes of an AlertmanagerConfig beside the main
// configuration of examples/kube-prometheus-stack: its route comes before all others, always
// continues, and matches only its own namespace unless the operator is configured otherwise
// (pkg/alertmanager/amcfg.go: AddAlertmanagerConfigs, the enforcers).
func operated(t *testing.T, where string, object tree) []published {
	var all []published
	for _, matcher := range []string{"", `namespace="monitoring"`} {
		var stack struct {
			Alertmanager struct {
				Config tree `yaml:"config"`
			} `yaml:"alertmanager"`
		}
		if err := yaml.Unmarshal([]byte(read(t, "kube-prometheus-stack/values.yaml")), &stack); err != nil {
			t.Fatal(err)
		}
		main := stack.Alertmanager.Config
		route := operatorRoute(object["spec"].(tree)["route"].(tree))
		route["continue"] = true
		if matcher != "" {
			ms, _ := route["matchers"].([]any)
			route["matchers"] = append(ms, matcher)
		}
		root := main["route"].(tree)
		routes, _ := root["routes"].([]any)
		root["routes"] = append([]any{route}, routes...)
		main["receivers"] = append(main["receivers"].([]any), tree{"name": route["receiver"], "webhook_configs": []any{tree{"url": "http://culprit:9798/api/v1/webhook"}}})
		all = append(all, published{fmt.Sprintf("%s, by the operator with the matchers %q", where, matcher), main})
	}
	return all
}

// operatorRoute renames the fields of a route of an AlertmanagerConfig.
func operatorRoute(in tree) tree {
	out := tree{"receiver": fmt.Sprintf("monitoring/culprit/%s", in["receiver"])}
	for from, to := range map[string]string{"groupBy": "group_by", "groupWait": "group_wait", "groupInterval": "group_interval", "repeatInterval": "repeat_interval"} {
		if in[from] != nil {
			out[to] = in[from]
		}
	}
	matchers, _ := in["matchers"].([]any)
	var texts []any
	for _, m := range matchers {
		m := m.(tree)
		texts = append(texts, fmt.Sprintf("%s%s%q", m["name"], cmp.Or(fmt.Sprint(m["matchType"]), "="), m["value"]))
	}
	if len(texts) > 0 {
		out["matchers"] = texts
	}
	return out
}

// isOurs reports whether a receiver is culprit's.
func isOurs(name string) bool { return name == "culprit" || strings.HasSuffix(name, "/culprit") }

// routing loads a configuration with Alertmanager's own code. Missing receivers are added: a block
// in a page need not have all.
func routing(t *testing.T, where string, main tree) *dispatch.Route {
	t.Helper()
	conf := maps.Clone(main)
	known := map[string]bool{}
	receivers, _ := conf["receivers"].([]any)
	for _, r := range receivers {
		known[r.(tree)["name"].(string)] = true
	}
	walkRoutes(conf["route"].(tree), func(route tree) {
		if name, ok := route["receiver"].(string); ok && !known[name] {
			known[name] = true
			receivers = append(receivers, tree{"name": name})
		}
	})
	conf["receivers"] = receivers
	conf["time_intervals"] = []any{tree{"name": "nights", "time_intervals": []any{}}}
	delete(conf, "templates")
	text, err := yaml.Marshal(conf)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := amconfig.Load(string(text))
	if err != nil {
		t.Fatalf("%s: Alertmanager refuses it: %v\n%s", where, err, text)
	}
	return dispatch.NewRoute(loaded.Route, nil)
}

func walkRoutes(route tree, visit func(tree)) {
	visit(route)
	routes, _ := route["routes"].([]any)
	for _, r := range routes {
		walkRoutes(r.(tree), visit)
	}
}

// withoutCulprit returns a route as it was before culprit: without culprit's routes, and with the
// children of a route that only repeats its parent's receiver back in place.
func withoutCulprit(route tree, unwrap bool) tree {
	out := maps.Clone(route)
	routes, _ := route["routes"].([]any)
	var kept []any
	for _, r := range routes {
		r := r.(tree)
		if name, _ := r["receiver"].(string); isOurs(name) {
			continue
		}
		if inner, _ := r["routes"].([]any); unwrap && r["matchers"] == nil && r["receiver"] == route["receiver"] && len(r) <= 2 {
			kept = append(kept, inner...)
			continue
		}
		kept = append(kept, withoutCulprit(r, false))
	}
	out["routes"] = kept
	return out
}

// message is a notification: to whom, in what groups, when.
type message struct {
	Receiver               string
	GroupBy                []model.LabelName
	GroupByAll             bool
	Wait, Interval, Repeat time.Duration
	Mute, Active           []string
}

// messages returns an alert's notifications to receivers other than culprit.
func messages(root *dispatch.Route, alert model.LabelSet) (others []message, culprit bool) {
	for _, r := range root.Match(alert) {
		o := r.RouteOpts
		if isOurs(o.Receiver) {
			culprit = true
			continue
		}
		others = append(others, message{
			o.Receiver, slices.Sorted(maps.Keys(o.GroupBy)), o.GroupByAll, o.GroupWait, o.GroupInterval, o.RepeatInterval, o.MuteTimeIntervals, o.ActiveTimeIntervals,
		})
	}
	return others, culprit
}

// alertsFor returns alerts that the matchers of a tree distinguish, and others.
func alertsFor(root *dispatch.Route) []model.LabelSet {
	values := map[model.LabelName]map[model.LabelValue]bool{"alertname": {"Watchdog": true, "InfoInhibitor": true, "Any": true}, "severity": {"critical": true}, "namespace": {"monitoring": true, "shop": true}}
	root.Walk(func(r *dispatch.Route) {
		for _, m := range r.Matchers {
			name := model.LabelName(m.Name)
			if values[name] == nil {
				values[name] = map[model.LabelValue]bool{}
			}
			for _, v := range alternatives(m) {
				values[name][model.LabelValue(v)] = true
			}
		}
	})
	alerts := []model.LabelSet{{}}
	for name, vs := range values {
		var more []model.LabelSet
		for _, a := range alerts {
			more = append(more, a)
			for v := range vs {
				with := a.Clone()
				with[name] = v
				more = append(more, with)
			}
		}
		alerts = more
	}
	return alerts
}

func alternatives(m *labels.Matcher) []string {
	if m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp {
		return strings.Split(strings.NewReplacer("(", "", ")", "", ".*", "x", ".+", "x").Replace(m.Value), "|")
	}
	return []string{m.Value}
}

// unlike describes an alert whose notifications to others change because of culprit.
func unlike(t *testing.T, p published) string {
	with := routing(t, p.where, p.main)
	for _, unwrap := range []bool{false, true} {
		bare := maps.Clone(p.main)
		bare["route"] = withoutCulprit(p.main["route"].(tree), unwrap)
		before := routing(t, p.where, bare)
		for _, alert := range alertsFor(with) {
			got, _ := messages(with, alert)
			want, _ := messages(before, alert)
			if diff := gocmp.Diff(want, got); diff != "" {
				return fmt.Sprintf("%v (-without +with culprit, unwrapped: %v):\n%s", alert, unwrap, diff)
			}
		}
	}
	return ""
}

// TestPeopleAreToldAsBeforeByEveryPublishedRoute checks that culprit takes away nobody's alerts.
func TestPeopleAreToldAsBeforeByEveryPublishedRoute(t *testing.T) {
	seen := map[string]int{}
	for _, p := range publishedRoutes(t) {
		ours := false
		walkRoutes(p.main["route"].(tree), func(r tree) { name, _ := r["receiver"].(string); ours = ours || isOurs(name) })
		if !ours {
			continue // not ours, such as captured answers
		}
		file, _, _ := strings.Cut(p.where, ",")
		seen[strings.TrimPrefix(file, "../")]++
		if diff := unlike(t, p); diff != "" {
			t.Errorf("%s: %s", p.where, diff)
		}
		root := routing(t, p.where, p.main)
		if _, hears := messages(root, model.LabelSet{"alertname": "Any", "namespace": "monitoring", "severity": "critical"}); !hears {
			t.Errorf("%s: culprit does not hear of an alert", p.where)
		}
		root.Walk(func(r *dispatch.Route) {
			if isOurs(r.RouteOpts.Receiver) && r.RouteOpts.GroupWait != 0 {
				t.Errorf("%s: culprit hears of a group after %s", p.where, r.RouteOpts.GroupWait)
			}
		})
	}
	// A walk that finds nothing would pass, too.
	for _, file := range []string{
		"README.md", "examples/alertmanager.yml", "examples/docker-compose/alertmanager.yml", "examples/demo/play/alertmanager.yml",
		"examples/kube-prometheus-stack/sidecar-values.yaml",
		"charts/testdata/notes/defaults.txt", "charts/testdata/alertmanager/culprit.yaml",
	} {
		if seen[file] == 0 {
			t.Errorf("no route was found in %s: found %v", file, seen)
		}
	}
}

// TestARouteThatTakesAlertsAwayIsSeen checks that the test detects the mistakes it is about.
func TestARouteThatTakesAlertsAwayIsSeen(t *testing.T) {
	for name, text := range map[string]string{
		"nothing after it": "route: {receiver: people, routes: [{receiver: culprit, group_wait: 0s, continue: true}]}",
		"the routes that there were": `
route:
  receiver: people
  routes:
    - {receiver: culprit, group_wait: 0s, continue: true}
    # … the routes that you have
`,
		"it does not go on":    "route: {receiver: people, routes: [{receiver: culprit, group_wait: 0s}, {receiver: people}]}",
		"another interval":     "route: {receiver: people, routes: [{receiver: culprit, continue: true}, {receiver: people, group_wait: 1s}]}",
		"more than before":     "route: {receiver: people, routes: [{receiver: culprit, continue: true}, {receiver: oncall, matchers: [severity=page], continue: true}, {receiver: people}]}",
		"one namespace only":   "route: {receiver: people, routes: [{receiver: monitoring/culprit/culprit, matchers: [namespace=monitoring], continue: true}, {receiver: people, matchers: [severity=page]}]}",
		"a part of the alerts": "route: {receiver: people, routes: [{receiver: culprit, matchers: [team=a], continue: true}, {receiver: people, matchers: [team=b]}]}",
	} {
		for _, block := range blocks(text + "\n") {
			text = block
		}
		var main tree
		if err := yaml.Unmarshal([]byte(text), &main); err != nil {
			t.Fatal(err)
		}
		if unlike(t, published{name, main}) == "" {
			t.Errorf("%s: not seen", name)
		}
	}
}
