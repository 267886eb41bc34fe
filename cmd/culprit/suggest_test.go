// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

const alertRules = `
groups:
  - name: shop
    rules:
      - {alert: ErrorsHigh, expr: 'sum(rate(errors_total[1m])) / sum(rate(requests_total[1m])) > 0.05'}
      - {alert: Watchdog, expr: vector(1)}
`

func TestSuggestFromFilesAsJSON(t *testing.T) {
	file := write(t, "alerts.yml", alertRules)
	var list []map[string]any
	c := culprit(t, "suggest", "--rules", file, file, "--format", "json")
	c.into(t, &list)
	if len(list) != 4 {
		t.Fatalf("%d suggestions", len(list))
	}
	for _, key := range []string{"alert", "expr", "kind", "target", "operator", "threshold", "numerator", "denominator", "condition", "error"} {
		if _, ok := list[1][key]; !ok {
			t.Errorf("a rule that doesn't derive has no %s", key)
		}
	}
	if list[0]["threshold"] != "0.05" || list[0]["error"] != "" || list[1]["error"] == "" {
		t.Errorf("%v", list[:2])
	}
	if !strings.Contains(c.err, "the KPI of 2 of 4 alerting rules could be derived") {
		t.Errorf("it says %q", c.err)
	}
}

func TestSuggestFromAServer(t *testing.T) {
	c := culprit(t, "suggest", "--prometheus.url", startShop(t, errorRule))
	if c.code != exitOK || !strings.Contains(c.out, "- name: ErrorsHigh") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
	file := write(t, "rules.yml", "prometheus: {url: 'http://p:9090'}\n"+c.out)
	if got := culprit(t, "check", "config", file); got.code != exitOK || !strings.Contains(got.out, "1 rule") {
		t.Errorf("as a configuration: exit %d: %s%s", got.code, got.out, got.err)
	}
}

func TestWrongCallsOfSuggest(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "no rules to read"},
		{[]string{"--rules", "nowhere.yml"}, exitFinding, "nowhere.yml"},
		{[]string{"--rules", write(t, "x.yml", "groups: 3")}, exitFinding, "not a file of rules"},
		{[]string{"--prometheus.url", "http://127.0.0.1:1"}, exitFinding, "Prometheus at http://127.0.0.1:1 does not answer"},
	} {
		got := culprit(t, append([]string{"suggest"}, c.args...)...)
		if got.code != c.code || got.out != "" || !strings.Contains(got.err, c.want) {
			t.Errorf("%q: exit %d: %s%s", c.args, got.code, got.out, got.err)
		}
	}
}
