// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"flag"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

var update = flag.Bool("update", false, "write what is generated: the table of the metrics")

const (
	metricsPage  = "../receiver/README.md"
	metricsBegin = "<!-- generated: go test ./examples -run MetricsOfThePage -update -->\n"
	metricsEnd   = "<!-- end of what is generated -->\n"
)

// TestMetricsOfThePageAreThoseOfTheDaemon compares the page's table with the metrics that a daemon
// registers.
func TestMetricsOfThePageAreThoseOfTheDaemon(t *testing.T) {
	page := read(t, metricsPage)
	before, rest, ok := strings.Cut(page, metricsBegin)
	_, after, ok2 := strings.Cut(rest, metricsEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", metricsPage)
	}
	want := before + metricsBegin + "\n" + metricsTable(t, registry(t)) + "\n" + metricsEnd + after
	if *update {
		write(t, metricsPage, want)
	} else if page != want {
		t.Errorf("%s does not have the metrics of the daemon: go test ./examples -run MetricsOfThePage -update", metricsPage)
	}
}

// metricsTable returns the Markdown table of culprit's own metrics.
func metricsTable(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	rows := map[string]string{}
	form := regexp.MustCompile(`fqName: "(culprit_[^"]+)", help: "([^"]*)".*variableLabels: \{([^}]*)\}`)
	for d := range descriptions(reg) {
		m := form.FindStringSubmatch(d.String())
		if m == nil || m[1] == "culprit_build_info" {
			continue
		}
		var names []string
		for _, name := range strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' }) {
			names = append(names, "`"+name+"`")
		}
		rows[m[1]] = fmt.Sprintf("| `%s` | %s | %s |\n", m[1], strings.Join(names, ", "), strings.ReplaceAll(m[2], "|", `\|`))
	}
	if len(rows) < 30 {
		t.Errorf("only %d metrics were found", len(rows))
	}
	table := "| metric | labels | meaning |\n|---|---|---|\n"
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		table += rows[name]
	}
	return table
}
