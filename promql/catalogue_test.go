// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql/expr"
)

func TestTheTableOfExportersIsSound(t *testing.T) {
	kinds := []string{"latency", "error", "traffic", "cpu", "mem", "net", "io", "node", "other"}
	ids := map[string]bool{}
	all := Alert{Own: model.LabelSet{}, Series: map[string][]string{hostLabel: {"10.0.0.1", "10.0.0.2"}}}
	for _, name := range identityLabels() {
		all.Own[model.LabelName(name)] = "x"
	}
	all.Labels = all.Own
	for _, alert := range []Alert{all, {Series: valuesOfAll("x", "y:80")}} {
		for _, id := range identities(alert) {
			ids[id.name] = true
			for _, text := range []string{id.matchers, id.among} {
				if _, missing, err := expand("{"+text+"}", newAlertData(alert)); err != nil || len(missing) > 0 {
					t.Errorf("%s: %v, missing %v", id.name, err, missing)
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, e := range exporters() {
		for _, by := range e.by {
			if !ids[by] {
				t.Errorf("%s is found by %q, which is no identity", e.name, by)
			}
		}
		for _, q := range e.queries {
			if err := q.checked(); err != nil {
				t.Errorf("%s: %v", q.name, err)
			}
			if !slices.Contains(kinds, q.kind) || seen[q.name] {
				t.Errorf("%s: kind %q, or the name is used twice", q.name, q.kind)
			}
			seen[q.name] = true
		}
	}
}

// valuesOfAll gives these values to every label used for identities.
func valuesOfAll(values ...string) map[string][]string {
	all := map[string][]string{hostLabel: values}
	for _, name := range identityLabels() {
		all[name] = values
	}
	return all
}

// testdata/exporters.txt lists the metrics of current releases: the table must not name a
// metric that its exporter no longer has.
func TestMetricsOfTheTableAreThoseOfCurrentExporters(t *testing.T) {
	known := namesByExporter(t, "testdata/exporters.txt")
	for _, e := range exporters() {
		for _, q := range e.queries {
			for _, s := range expr.Selectors(expr.MustParse(q.text(`job="x"`, time.Minute))) {
				if !slices.Contains(known[e.name], s.Name) {
					t.Errorf("%s: %s is no metric of %s", q.name, s.Name, e.name)
				}
			}
		}
	}
}

// namesByExporter reads a list of metrics whose comments start with the exporter's name,
// followed by a release or a colon.
func namesByExporter(t *testing.T, file string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile(`^# (.+?)(: | \d)`)
	known, exporter := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if m := heading.FindStringSubmatch(line); m != nil {
			exporter = m[1]
		} else if line != "" && !strings.HasPrefix(line, "#") {
			known[exporter] = append(known[exporter], line)
		}
	}
	return known
}

func TestSeriesOfKPIAreNoCandidates(t *testing.T) {
	for _, c := range []struct {
		kpi, query, metric string
		want               bool
	}{
		{`avg(rate(cpu_total{mode="idle"}[5m]))`, `sum(rate(cpu_total{mode!="idle",}[]))`, "cpu_total", false},
		{`sum(rate(cpu_total{mode!="idle"}[5m]))`, `sum(rate(cpu_total{mode="idle",}[]))`, "cpu_total", false},
		{`sum(rate(cpu_total{mode="user"}[5m]))`, `sum(rate(cpu_total{mode!="idle",}[]))`, "cpu_total", true},
		{`sum(rate(cpu_total[5m]))`, `sum(rate(cpu_total{mode!="idle",}[]))`, "cpu_total", true},
		{`load1 / count(cpu_total)`, `load1{}`, "load1", true},
		{`load1`, `load5{}`, "load5", false},
		{`histogram_quantile(0.9, sum by (le) (rate(a_seconds_bucket[5m])))`, `sum(rate(a_seconds_sum{}[]))`, "a_seconds_sum", true},
		{`histogram_quantile(0.9, sum(rate(a_seconds[5m])))`, `sum(rate(a_seconds_sum{}[]))`, "a_seconds_sum", true},
		{`histogram_quantile(0.9, sum by (le) (rate(a_seconds_bucket[5m])))`, `sum(rate(a_seconds_count{}[]))`, "a_seconds_count", false},
	} {
		q := exporterQuery{name: "x", metric: c.metric, query: c.query}
		if got := q.overlaps(expr.Selectors(expr.MustParse(c.kpi))); got != c.want {
			t.Errorf("%s and %s: %v", c.kpi, c.query, got)
		}
	}
}
