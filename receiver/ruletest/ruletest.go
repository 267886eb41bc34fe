// SPDX-License-Identifier: Apache-2.0

// Package ruletest runs unit tests of culprit's rules: series, an alert, and
// the causes that should be found. The questions of a rule are answered by
// Prometheus' own engine over the series of the test, so a test that passes says
// that the rule's queries, windows and labels do what their author meant.
//
// A test file, in the manner of promtool's:
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
//	        onset: 3h                   # since the first value
//	        at: 3h5m                    # when it is explained
//	        exp_causes:
//	          - labels: {version: v2}
//
// The first value of each series is that of 1970-01-01T00:00:00Z. Give some
// hours before the onset: an hour at the least, and thirty times the length of
// the incident, are the baseline.
package ruletest

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/config"
)

// File is a file of tests.
type File struct {
	ConfigFile string   `yaml:"config_file"` // configuration with the rules and the options
	RuleFiles  []string `yaml:"rule_files"`  // globs of culprit's rule files
	Tests      []Test   `yaml:"tests"`
}

// Test is one world and the alerts in it.
type Test struct {
	Name        string        `yaml:"name"`
	Interval    Duration      `yaml:"interval"` // between two values; default 1m
	InputSeries []InputSeries `yaml:"input_series"`
	Alerts      []Alert       `yaml:"alerts"`
}

// Duration is written as Prometheus does, such as 1h30m.
type Duration time.Duration

// UnmarshalYAML is part of yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := model.ParseDuration(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is not a duration; write 30s, 5m or 1h30m", n.Line, n.Value)
	}
	*d = Duration(v)
	return nil
}

// String is the duration as it is written.
func (d Duration) String() string { return model.Duration(d).String() }

// InputSeries is one series, in the notation of promtool: 0+3x10 is 0 and ten
// more values, each 3 larger; _ is a missing value and stale ends a series.
type InputSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

// Alert is an alert and what should be found. Times count from the first value.
type Alert struct {
	Labels      model.LabelSet `yaml:"labels"`
	Annotations model.LabelSet `yaml:"annotations"`
	Expr        string         `yaml:"expr"`  // of the alert, for rules without a target
	Onset       Duration       `yaml:"onset"` // when the condition began to hold
	At          Duration       `yaml:"at"`    // when it is explained

	Verdict string  `yaml:"exp_verdict"` // explained, external, no_change, …; empty: any
	Causes  []Cause `yaml:"exp_causes"`
	Summary string  `yaml:"exp_summary"` // the line for a phone; empty: any
}

// Cause is one that must be among those that are found.
type Cause struct {
	Labels     map[string]string `yaml:"labels"`         // a set of label values, all of it
	Series     string            `yaml:"series"`         // or a candidate
	Top        int               `yaml:"top"`            // its rank at the most; default: any
	Confidence config.Confidence `yaml:"min_confidence"` // high, medium or low; default medium
}

// Read reads a test file strictly and checks it.
func Read(r io.Reader) (*File, error) {
	f := &File{}
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	if err := dec.Decode(f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it can't be read as tests of rules: %w", inWords(err))
	}
	return f, f.check()
}

// inWords puts what is wrong with the types of a file into words of the file.
func inWords(err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return err
	}
	unknown := regexp.MustCompile(`^(line \d+): field (.+) not found in type ruletest\.(\w+)$`)
	places := map[string]string{"File": "the file", "Test": "a test", "InputSeries": "a series", "Alert": "an alert", "Cause": "a cause"}
	texts := make([]string, len(wrong.Errors))
	for i, text := range wrong.Errors {
		texts[i] = text
		if m := unknown.FindStringSubmatch(text); m != nil {
			texts[i] = fmt.Sprintf("%s: there is no key %q in %s", m[1], m[2], places[m[3]])
		}
	}
	return errors.New(strings.Join(texts, "; "))
}

func (f *File) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if f.ConfigFile == "" && len(f.RuleFiles) == 0 {
		wrong("there is neither rule_files nor config_file: name the rules to test")
	}
	if len(f.Tests) == 0 {
		wrong("there are no tests")
	}
	for i, t := range f.Tests {
		at := fmt.Sprintf("tests[%d]", i)
		if len(t.Alerts) == 0 {
			wrong("%s: there are no alerts", at)
		}
		for j, a := range t.Alerts {
			for _, err := range a.check() {
				wrong("%s.alerts[%d]: %w", at, j, err)
			}
		}
	}
	return errors.Join(errs...)
}

func (a Alert) check() []error {
	var errs []error
	if len(a.Labels) == 0 {
		errs = append(errs, errors.New("labels are missing: by them the rule is found"))
	}
	if a.At <= a.Onset {
		errs = append(errs, fmt.Errorf("it is explained at %s, which is not after its onset %s", a.At, a.Onset))
	}
	if a.Verdict == "" && a.Summary == "" && a.Causes == nil {
		errs = append(errs, errors.New("nothing is expected: write exp_causes, exp_verdict or exp_summary"))
	}
	for i, c := range a.Causes {
		if (len(c.Labels) == 0) == (c.Series == "") {
			errs = append(errs, fmt.Errorf("exp_causes[%d]: write either labels or series", i))
		}
		if _, err := c.least(); err != nil {
			errs = append(errs, fmt.Errorf("exp_causes[%d]: min_confidence is %q; write high, medium or low", i, c.Confidence))
		}
	}
	return errs
}

// SetDirectory makes the names of files relative to a directory.
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

// at is a time of a test.
func at(since Duration) time.Time { return time.Unix(0, 0).UTC().Add(time.Duration(since)) }
