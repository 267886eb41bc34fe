// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/receiver"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// exported returns a daemon's metrics: names of series and their labels.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	return described(registry(t))
}

// registry is the registry of a daemon with every sink switched on.
func registry(t *testing.T) *prometheus.Registry {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "culprit.yml")
	write(t, config, `
prometheus: {url: "http://127.0.0.1:1"}
alertmanagers: [{url: "http://127.0.0.1:2"}]
grafana: {url: "http://127.0.0.1:3"}
recovery_webhooks: [{url: "http://127.0.0.1:4"}]
publish: {silence_comments: {create_note: true}}
`)
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	daemon, err := receiver.New(t.Context(), receiver.Options{
		ConfigFile: config, StoragePath: filepath.Join(dir, "data"), ListenAddress: "127.0.0.1:0",
		Registry: reg, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := daemon.Run(stopped); err != nil {
		t.Fatal(err)
	}
	return reg
}

// descriptions returns everything that a registry may ever export: a counter with labels exports
// nothing before its first event.
func descriptions(reg *prometheus.Registry) <-chan *prometheus.Desc {
	all := make(chan *prometheus.Desc)
	go func() {
		reg.Describe(all)
		close(all)
	}()
	return all
}

// described returns the series that a registry may export, with their labels.
func described(reg *prometheus.Registry) map[string][]string {
	// A description can only be parsed as text.
	form := regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	found := map[string][]string{"up": nil}
	for d := range descriptions(reg) {
		m := form.FindStringSubmatch(d.String())
		if m == nil {
			continue
		}
		names := strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' })
		found[m[1]] = names
		found[m[1]+"_bucket"] = append(slices.Clone(names), "le")
		found[m[1]+"_sum"], found[m[1]+"_count"] = names, names
	}
	return found
}

// ofTheTarget returns the labels that a scrape adds.
func ofTheTarget() []string { return []string{"job", "instance", "namespace", "pod"} }

// checkQuery reports metrics and labels in a query that don't exist.
func checkQuery(t *testing.T, where, query string, metrics map[string][]string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v in %s", where, err, query)
		return
	}
	known := ofTheTarget()
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		names, ok := metrics[s.Name]
		if !ok {
			t.Errorf("%s: no metric is called %q", where, s.Name)
			return nil
		}
		known = append(known, names...)
		for _, m := range s.LabelMatchers {
			if m.Name != model.MetricNameLabel && !slices.Contains(append(ofTheTarget(), names...), m.Name) {
				t.Errorf("%s: %s has no label %q", where, s.Name, m.Name)
			}
		}
		return nil
	})
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			for _, name := range a.Grouping {
				if !slices.Contains(known, name) {
					t.Errorf("%s: nothing in %s has a label %q", where, query, name)
				}
			}
		}
		return nil
	})
}

func TestAlertsAndDashboardAskForMetricsThatExist(t *testing.T) {
	metrics := exported(t)
	if len(metrics["culprit_sends_total"]) != 2 {
		t.Fatalf("culprit_sends_total has the labels %v", metrics["culprit_sends_total"])
	}
	for _, rule := range alertRules(t, filepath.Join(mixin, "alerts.yaml")) {
		checkQuery(t, rule.Alert, rule.Expr, metrics)
	}
	// Grafana fills these in; any legal value will do.
	filled := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$job", "culprit", "$team", "shop")
	for _, d := range readDashboards(t) {
		queries := 0
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				queries++
				checkQuery(t, fmt.Sprintf("%s, panel %q", d.Title, p.Title), filled.Replace(target.Expr), metrics)
			}
		}
		for _, v := range d.Templating.List {
			if m := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(v.Query.Query); m != nil {
				checkQuery(t, d.Title+", variable "+v.Name, filled.Replace("count by ("+m[2]+") ("+m[1]+")"), metrics)
			} else if v.Type == "query" {
				t.Errorf("%s: the variable %s asks %q", d.Title, v.Name, v.Query.Query)
			}
		}
		if queries == 0 {
			t.Errorf("%s asks nothing", d.Title)
		}
	}
}

// variable is a variable of a dashboard. For a data source, the query is a string.
type variable struct {
	Name, Type string
	Query      variableQuery
}

type variableQuery struct{ Query string }

func (q *variableQuery) UnmarshalJSON(b []byte) error {
	type plain variableQuery
	if b[0] == '"' {
		return nil
	}
	return json.Unmarshal(b, (*plain)(q))
}

// dashboard is the tested part of a Grafana dashboard.
type dashboard struct {
	UID    string  `json:"uid"`
	Title  string  `json:"title"`
	Panels []panel `json:"panels"`

	Templating  struct{ List []variable }
	Annotations struct {
		List []struct{ Target struct{ Tags []string } }
	}
}

type panel struct {
	ID      int    `json:"id"`
	Type    string `json:"type"`
	Title   string `json:"title"`
	GridPos struct{ X, Y, W, H int }
	Options struct{ Tags []string }
	Targets []struct {
		RefID string `json:"refId"`
		Expr  string `json:"expr"`
	} `json:"targets"`
}

func readDashboards(t *testing.T) []dashboard {
	t.Helper()
	var all []dashboard
	for _, file := range []string{"dashboard.json", "incidents.json"} {
		var d dashboard
		if err := json.Unmarshal([]byte(read(t, filepath.Join(mixin, file))), &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, d)
	}
	return all
}

// TestIncidentsAreOnTheirDashboard expects the annotations by the tag that all of culprit's have.
func TestIncidentsAreOnTheirDashboard(t *testing.T) {
	d := readDashboards(t)[1]
	if list := d.Annotations.List; len(list) != 1 || !slices.Equal(list[0].Target.Tags, []string{sink.GrafanaTag}) {
		t.Errorf("the annotations are %+v", list)
	}
	lists := slices.DeleteFunc(slices.Clone(d.Panels), func(p panel) bool { return p.Type != "annolist" })
	if len(lists) != 1 || !slices.Equal(lists[0].Options.Tags, []string{sink.GrafanaTag}) {
		t.Errorf("the lists of annotations are %+v", lists)
	}
}

func TestPanelsOfADashboardStandBesideEachOther(t *testing.T) {
	uids := map[string]bool{}
	for _, d := range readDashboards(t) {
		if uids[d.UID] || d.UID == "" {
			t.Errorf("the uid %q is taken", d.UID)
		}
		uids[d.UID] = true
		checkPanels(t, d)
	}
}

func checkPanels(t *testing.T, d dashboard) {
	t.Helper()
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: two panels have the id %d", d.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && p.Type != "annolist" && len(p.Targets) == 0 {
			t.Errorf("%s: the panel %q shows nothing", d.Title, p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken || x >= 24 {
					t.Fatalf("%s: the panel %q lies on %q or beyond the edge", d.Title, p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
