// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
)

const checkRulesHelp = `Check the annotations for culprit in alerting rules, and show every mistake.

  annotations:
    culprit_candidates: |            # queries whose series may be causes, one a line; a comment is a name
      sum by (pod) (rate(container_cpu_usage_seconds_total{namespace="{{ $labels.namespace }}"}[2m]))   # cpu
    culprit_breakdown: path, version # labels to split the expression by; [] disables it
    culprit_topology: |              # caller -> callee, one a line, or a query
      frontend -> checkout -> db
    culprit_window: incident=10m baseline=6h

Files are rule files of Prometheus or PrometheusRule objects, also several in a file or a List. culprit reads the annotations from the rules that
Prometheus has loaded, if its configuration has rule_annotations: {enabled: true}. What else is in the rules, promtool checks.

With --format json, an object a line for each file: file, alerts (how many alerting rules), annotated (how many of these speak to culprit), and
mistakes (file, line, what, hint). The exit status is 1 if there is any.`

// checkedRules is the result for a file of alerting rules.
type checkedRules struct {
	File      string           `json:"file"`
	Alerts    int              `json:"alerts"`
	Annotated int              `json:"annotated"`
	Mistakes  []mistakeInRules `json:"mistakes"`
}

type mistakeInRules struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	What string `json:"what"`
	Hint string `json:"hint,omitempty"`
}

func addCheckRules(check *kingpin.CmdClause, commands map[string]command) {
	cmd := check.Command("rules", checkRulesHelp)
	files := fileNames{}
	cmd.Arg("file", "File with alerting rules.").Required().SetValue(&files)
	format := cmd.Flag("format", "table or json: one object a line for several files.").Default("table").Enum("table", "json")
	commands[cmd.FullCommand()] = func(_ context.Context, s streams) error { return checkRules(s, files, *format) }
}

// checkRules checks all files, even if one can't be read.
func checkRules(s streams, files []string, format string) error {
	var wrong []error
	var all []promql.AlertingRule
	found := map[string]config.Errors{}
	for _, file := range files {
		text, err := readInput(file, s.in, io.ReadAll)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		rules, mistakes := promql.CheckRuleFile(file, text)
		all, found[file] = append(all, rules...), mistakes
	}
	for _, m := range promql.CheckSeveral(all) {
		found[m.File] = append(found[m.File], m).Sorted()
	}
	for _, file := range files {
		mistakes, read := found[file]
		if len(mistakes) > 0 {
			wrong = append(wrong, mistakes)
		}
		if !read {
			continue
		}
		if err := showCheckedRules(s.out, format, newCheckedRules(file, all, mistakes)); err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return findingError{errors.Join(wrong...)}
	}
	return nil
}

func newCheckedRules(file string, rules []promql.AlertingRule, mistakes config.Errors) checkedRules {
	c := checkedRules{File: file, Mistakes: []mistakeInRules{}}
	for _, r := range rules {
		if r.File != file {
			continue
		}
		c.Alerts++
		if r.ForCulprit() {
			c.Annotated++
		}
	}
	for _, m := range mistakes {
		c.Mistakes = append(c.Mistakes, mistakeInRules{m.File, m.Line, m.What, m.Hint})
	}
	return c
}

func showCheckedRules(w io.Writer, format string, c checkedRules) error {
	if format == "json" {
		return printJSONLine(w, c)
	}
	if len(c.Mistakes) > 0 {
		return nil // reported at the end
	}
	_, err := fmt.Fprintf(w, "%s: fine, %s, %d with annotations for culprit\n", c.File, number(c.Alerts, "alerting rule"), c.Annotated)
	return err
}
