// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/ruletest"
)

const testRulesHelp = `Run unit tests of rules: series, an alert, and the causes that should be found.

  rule_files: [rules.yml]            # or config_file: culprit.yml
  tests:
    - name: a version that fails
      interval: 15s                  # between two values; default: 1m
      input_series:                  # values in promtool's notation
        - {series: 'errors_total{service="shop",version="v1"}', values: '0+3x740'}
        - {series: 'errors_total{service="shop",version="v2"}', values: '0+3x720 2400+120x20'}
      alerts:
        - labels: {alertname: ErrorsHigh, service: shop}
          annotations: {}
          expr: sum(rate(errors_total[1m])) > 1   # required if the rule has no target
          onset: 3h                  # after the first value
          at: 3h5m                   # when to explain it
          exp_verdict: explained     # or external, no_confident_cause, no_change, insufficient_evidence
          exp_summary: ''            # the first line of the report; default: any
          exp_causes:                # []: no confident cause
            - labels: {version: v2}  # or series: a candidate's name
              top: 1                 # maximum rank; default: any
              min_confidence: high   # default: medium

Differences are printed with file and line. The exit status is 1 if there are any, or if a test cannot run.`

// testedFile is the result for a test file.
type testedFile struct {
	File     string             `json:"file"`
	Outcomes []ruletest.Outcome `json:"outcomes"`
}

func addTestRules(app *kingpin.Application, commands map[string]command) {
	test := app.Command("test", "Run unit tests.")
	cmd := test.Command("rules", testRulesHelp)
	files := fileNames{}
	cmd.Arg("file", "File with tests.").Required().SetValue(&files)
	format := cmd.Flag("format", "Output format: table or json. With several files, json prints one object per line.").Default("table").Enum("table", "json")
	commands[cmd.FullCommand()] = func(ctx context.Context, s streams) error { return testRules(ctx, s, files, *format) }
}

// testRules runs test files. It fails if a test fails or can't be run.
func testRules(ctx context.Context, s streams, files []string, format string) error {
	var failed []error
	for _, file := range files {
		outcomes, err := runTests(ctx, file, s.in)
		if err != nil {
			failed = append(failed, err)
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

// runTests runs the tests of one file, or of standard input. Errors name the file.
func runTests(ctx context.Context, file string, stdin io.Reader) ([]ruletest.Outcome, error) {
	text, err := readInput(file, stdin, io.ReadAll)
	if err != nil {
		return nil, err
	}
	tests, err := ruletest.Read(file, text)
	if err != nil {
		return nil, err
	}
	tests.SetDirectory(filepath.Dir(file))
	outcomes, err := tests.Run(ctx)
	var mistakes config.Errors
	if err != nil && !errors.As(err, &mistakes) {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return outcomes, err
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
		for _, f := range o.Failures {
			errs = append(errs, fmt.Errorf("%s:%d: %s: %s: %s", file, f.Line, o.Test, o.Alert, f.Text))
		}
	}
	return errs
}
