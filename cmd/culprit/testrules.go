// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/receiver/ruletest"
)

const testRulesHelp = `Run unit tests of rules: series, an alert, and the causes that should be found.

  rule_files: [rules.yml]
  tests:
    - name: a version that fails
      interval: 15s
      input_series:
        - {series: 'errors_total{service="shop",version="v1"}', values: '0+3x740'}
        - {series: 'errors_total{service="shop",version="v2"}', values: '0+3x720 2400+120x20'}
      alerts:
        - labels: {alertname: ErrorsHigh, service: shop}
          onset: 3h
          at: 3h5m
          exp_causes:
            - {labels: {version: v2}}`

// testedFile is what became of the tests of a file.
type testedFile struct {
	File     string             `json:"file"`
	Outcomes []ruletest.Outcome `json:"outcomes"`
}

func addTestRules(app *kingpin.Application, commands map[string]command) {
	test := app.Command("test", "Test what you have written.")
	cmd := test.Command("rules", testRulesHelp)
	files := fileNames{}
	cmd.Arg("file", "File with tests.").Required().SetValue(&files)
	format := cmd.Flag("format", "table or json: one object a line for several files.").Default("table").Enum("table", "json")
	commands[cmd.FullCommand()] = func(ctx context.Context, s streams) error { return testRules(ctx, s, files, *format) }
}

// testRules runs the tests of files. It fails if a test does, or can't be run.
func testRules(ctx context.Context, s streams, files []string, format string) error {
	var failed []error
	for _, file := range files {
		tests, err := readInput(file, s.in, ruletest.Read)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		tests.SetDirectory(filepath.Dir(file))
		outcomes, err := tests.Run(ctx)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", file, err))
			continue
		}
		if format == "json" {
			if err := printJSONLine(s.out, testedFile{file, outcomes}); err != nil {
				return err
			}
		}
		failed = append(failed, failures(file, outcomes)...)
		if format == "table" {
			fmt.Fprintf(s.out, "%s: %s, %d as expected\n", file, number(len(outcomes), "alert"), passed(outcomes))
		}
	}
	if len(failed) > 0 {
		return findingError{errors.Join(failed...)}
	}
	return nil
}

func passed(outcomes []ruletest.Outcome) int {
	n := 0
	for _, o := range outcomes {
		if len(o.Failures) == 0 {
			n++
		}
	}
	return n
}

func failures(file string, outcomes []ruletest.Outcome) []error {
	var errs []error
	for _, o := range outcomes {
		for _, text := range o.Failures {
			errs = append(errs, fmt.Errorf("%s: %s: %s: %s", file, o.Test, o.Alert, text))
		}
	}
	return errs
}
