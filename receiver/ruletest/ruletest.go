// SPDX-License-Identifier: Apache-2.0

// Package ruletest runs unit tests of culprit's rules: series, an alert, and
// the causes that should be found. Prometheus' own engine evaluates the rule's queries
// over the series of the test, so a passing test shows that queries, windows and labels
// do what their author meant.
//
// A test file, similar to promtool's:
//
//	rule_files: [rules/*.yml]           # or config_file: culprit.yml
//	tests:
//	  - name: a version that fails
//	    interval: 15s
//	    input_series:
//	      - series: 'errors_total{service="shop",version="v1"}'
//	        values: '0+3x740'
//	      - series: 'errors_total{service="shop",version="v2"}'
//	        values: '0+3x720 2400+120x20'
//	    alerts:
//	      - labels: {alertname: ErrorsHigh, service: shop}
//	        onset: 3h                   # after the first value
//	        at: 3h5m                    # when to explain it
//	        exp_causes:
//	          - labels: {version: v2}
//
// The first value of each series is at 1970-01-01T00:00:00Z. Provide some hours before
// the onset: the baseline is thirty times as long as the incident, and at least an hour.
package ruletest

import (
	"path/filepath"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// File is a test file.
type File struct {
	ConfigFile string   `yaml:"config_file"` // configuration with the rules and options
	RuleFiles  []string `yaml:"rule_files"`  // globs of culprit's rule files
	Tests      []Test   `yaml:"tests"`

	doc config.Document // positions of everything
}

// Test is a set of series and the alerts in it.
type Test struct {
	Name        string        `yaml:"name"`
	Interval    Duration      `yaml:"interval"` // between two values; default 1m
	InputSeries []InputSeries `yaml:"input_series"`
	Alerts      []Alert       `yaml:"alerts"`
}

// Duration is in Prometheus' notation, such as 1h30m.
type Duration = model.Duration

// InputSeries is one series, in promtool's notation: 0+3x10 is 0 and ten more values, each 3
// larger; _ is a missing value and stale ends a series.
type InputSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

// Alert is an alert and the expected result. Times count from the first value.
type Alert struct {
	Labels      model.LabelSet `yaml:"labels"`
	Annotations model.LabelSet `yaml:"annotations"`
	Expr        string         `yaml:"expr"`  // of the alert, for rules without a target
	Onset       Duration       `yaml:"onset"` // when the condition began to hold
	At          Duration       `yaml:"at"`    // when to explain it

	Verdict string  `yaml:"exp_verdict"` // explained, external, no_change, …; empty: any
	Causes  []Cause `yaml:"exp_causes"`
	Summary string  `yaml:"exp_summary"` // the line for a phone; empty: any
}

// Cause is an expected cause.
type Cause struct {
	Labels     map[string]string `yaml:"labels"`         // a label set, complete
	Series     string            `yaml:"series"`         // or a candidate
	Top        int               `yaml:"top"`            // lowest acceptable rank; default: any
	Confidence config.Confidence `yaml:"min_confidence"` // high, medium or low; default medium
}

// SetDirectory makes file names relative to a directory.
func (f *File) SetDirectory(dir string) {
	relative := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	f.ConfigFile = relative(f.ConfigFile)
	for i := range f.RuleFiles {
		f.RuleFiles[i] = relative(f.RuleFiles[i])
	}
}

// at converts a time of a test.
func at(since Duration) time.Time { return time.Unix(0, 0).UTC().Add(time.Duration(since)) }
