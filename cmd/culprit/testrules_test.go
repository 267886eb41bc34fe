// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"
	"testing"
)

const ruleTests = "../../receiver/ruletest/testdata/tests.yml"

func TestRulesThatPass(t *testing.T) {
	c := culprit(t, "test", "rules", ruleTests)
	if c.code != exitOK || c.out != ruleTests+": 3 alerts, 3 as expected\n" {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
	var got testedFile
	culprit(t, "test", "rules", "--format", "json", ruleTests).into(t, &got)
	if len(got.Outcomes) != 3 || got.Outcomes[0].Alert != "ErrorsHigh" || len(got.Outcomes[0].Failures) != 0 {
		t.Errorf("%+v", got)
	}
}

// The result in a test's outcome has the same form as that of analyze.
func TestOutcomesTellTheResult(t *testing.T) {
	type result struct {
		Verdict string
		Change  struct {
			Forecast, Actual float64
			Unit             *string
		}
		Causes []struct {
			Labels     []map[string]string
			Confidence string
		}
	}
	var got struct{ Outcomes []struct{ Result result } }
	culprit(t, "test", "rules", "--format", "json", ruleTests).into(t, &got)
	r := got.Outcomes[0].Result
	if r.Verdict != "explained" || len(r.Causes) == 0 || r.Causes[0].Labels[0]["version"] != "v2" || r.Causes[0].Confidence != "high" {
		t.Errorf("%+v", r)
	}
	if c := r.Change; c.Unit == nil || *c.Unit != "ratio" || c.Actual <= c.Forecast {
		t.Errorf("the KPI moved as %+v", c)
	}
}

func TestTheStoriesPass(t *testing.T) {
	files, err := filepath.Glob("../../examples/rules/tests/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if c := culprit(t, append([]string{"test", "rules"}, files...)...); c.code != exitOK {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestRulesThatFail(t *testing.T) {
	file := write(t, "tests.yml", `
config_file: `+write(t, "culprit.yml", shopConfig)+`
tests:
  - name: nothing there
    alerts:
      - {labels: {alertname: ErrorsHigh}, expr: sum(errors), onset: 3h, at: 3h5m, exp_verdict: explained}
`)
	c := culprit(t, "test", "rules", file, ruleTests)
	if c.code != exitFinding || !strings.Contains(c.out, file+": 1 alert, 0 as expected\n") || !strings.Contains(c.out, "3 as expected") ||
		!strings.Contains(c.err, file+":6: nothing there: ErrorsHigh: the verdict is insufficient_evidence, not explained") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestWrongCallsOfTestRules(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "required argument 'file'"},
		{[]string{"none.yml"}, exitFinding, "none.yml"},
		{[]string{write(t, "x.yml", "tests: 3")}, exitFinding, "x.yml:1: tests must be a list"},
		{[]string{write(t, "x.yml", "rule_files: [none]\ntests: [{alerts: [{labels: {a: b}, at: 1h, exp_causes: []}]}]")}, exitFinding, "x.yml:1: rule_files[0] is "},
	} {
		got := culprit(t, append([]string{"test", "rules"}, c.args...)...)
		if got.code != c.code || got.out != "" || !strings.Contains(got.err, c.want) {
			t.Errorf("%q: exit %d: %s%s", c.args, got.code, got.out, got.err)
		}
	}
}
