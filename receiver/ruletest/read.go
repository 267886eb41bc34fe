// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"cmp"
	"fmt"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/find"
)

// Read parses and checks the text of a test file, called name in messages. The error is a
// [config.Errors] with every mistake.
func Read(name string, text []byte) (*File, error) {
	f := &File{}
	f.doc = config.Decode(name, text, f)
	f.check()
	if mistakes := f.doc.Mistakes(); len(mistakes) > 0 {
		return nil, mistakes
	}
	return f, nil
}

func (f *File) check() {
	if f.ConfigFile == "" && len(f.RuleFiles) == 0 {
		f.doc.At("rule_files", "and config_file are missing", "name the rules to test: rule_files: [rules.yml]")
	}
	if len(f.Tests) == 0 {
		f.doc.At("tests", "is missing", "write a test: its input_series and its alerts")
	}
	for i := range f.Tests {
		f.checkTest(&f.Tests[i], fmt.Sprintf("tests[%d]", i))
	}
}

func (f *File) checkTest(t *Test, path string) {
	f.checkSeries(t, path)
	if len(t.Alerts) == 0 {
		f.doc.At(path+".alerts", "is missing", "write the alert that is explained, and what should be found")
	}
	for i, a := range t.Alerts {
		f.checkAlert(a, fmt.Sprintf("%s.alerts[%d]", path, i))
	}
}

func (f *File) checkSeries(t *Test, path string) {
	first := map[string]int{} // line, by series
	for i, in := range t.InputSeries {
		at := fmt.Sprintf("%s.input_series[%d]", path, i)
		ls, _, err := readSeries(in, t.interval())
		if err != nil {
			f.doc.At(at, "can't be read: "+err.Error(), "write series: 'name{label=\"value\"}' and values: '0+3x10', as for promtool")
			continue
		}
		if line, twice := first[ls.String()]; twice {
			f.doc.At(at+".series", fmt.Sprintf("%s is given twice", ls), fmt.Sprintf("keep one; the first is on line %d", line))
			continue
		}
		first[ls.String()] = f.doc.Line(at)
	}
}

func (f *File) checkAlert(a Alert, path string) {
	if len(a.Labels) == 0 {
		f.doc.At(path+".labels", "is missing", "by the labels of the alert its rule is found: {alertname: ErrorsHigh}")
	}
	if a.At <= a.Onset {
		f.doc.At(path+".at", fmt.Sprintf("is %s, which is not after the onset %s", a.At, a.Onset), "say when it is explained, counted from the first value, such as 3h5m")
	}
	if a.Verdict == "" && a.Summary == "" && a.Causes == nil {
		f.doc.At(path, "expects nothing", "write exp_causes, exp_verdict or exp_summary")
	}
	if a.Expr != "" {
		if _, err := find.QueryParser().ParseExpr(a.Expr); err != nil {
			f.doc.At(path+".expr", "can't be read: "+err.Error(), "write the expression of the alerting rule")
		}
	}
	for i, c := range a.Causes {
		f.checkCause(c, fmt.Sprintf("%s.exp_causes[%d]", path, i))
	}
}

func (f *File) checkCause(c Cause, path string) {
	if (len(c.Labels) == 0) == (c.Series == "") {
		f.doc.At(path, "has neither labels nor series, or both", "write labels: {version: v2}, or series: the name of a candidate")
	}
	f.doc.OneOf(path+".min_confidence", string(c.Confidence), "high", "medium", "low")
}

// checkKPIs finds alerts for which neither the rule nor the test defines a KPI, so that there is
// nothing to explain.
func (f *File) checkKPIs(cfg *config.Config) error {
	for i, t := range f.Tests {
		for j, a := range t.Alerts {
			rule, ok := cfg.Rule(a.Labels)
			if a.Expr != "" || ok && measures(rule) {
				continue
			}
			what := "is missing, and no rule is for these labels"
			if ok {
				what = fmt.Sprintf("is missing, and the rule %q (%s:%d) has no target", rule.Name, rule.Source.File, cmp.Or(rule.Source.Lines["name"], 1))
			}
			f.doc.At(fmt.Sprintf("tests[%d].alerts[%d].expr", i, j), what, "write the expression of the alerting rule, or a target into the rule: else there is nothing to explain")
		}
	}
	if mistakes := f.doc.Mistakes(); len(mistakes) > 0 {
		return mistakes
	}
	return nil
}

// measures reports whether a rule has a KPI for every alert, even without an expression.
func measures(r *config.Rule) bool {
	if r.Target != nil && r.Target.Query != "" {
		return true
	}
	for _, t := range r.Targets {
		if t.Query == "" {
			return false // the alert's own expression
		}
	}
	return len(r.Targets) > 0
}

// interval is the time between two values.
func (t Test) interval() time.Duration { return cmp.Or(time.Duration(t.Interval), defaultInterval) }
