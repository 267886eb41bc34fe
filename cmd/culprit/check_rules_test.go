// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const annotatedRules = `groups:
  - name: shop
    rules:
      - record: a:b
        expr: up
      - alert: ErrorsHigh
        expr: sum(rate(errors_total{code="500"}[1m])) / sum(rate(errors_total[1m])) > 0.1
        annotations:
          summary: '{{ $value }}'
          culprit_candidates: |
            db_connections{service="{{ $labels.service }}"} # connections
            queue_depth
          culprit_breakdown: path, version
`

// annotatedObjects are a PrometheusRule and a List, with a mistake of each kind.
const annotatedObjects = `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: shop}
spec:
  groups:
    - name: shop
      rules:
        - alert: ErrorsHigh
          expr: sum(rate(errors_total{code="500"}[1m])) / sum(rate(errors_total[1m])) > 0.2
          annotations:
            culprit_candidates: |
              # comments are none

              db_connections{service="{{ $labels.service }}"
              queue_depth{{ $labels.service }}
            culprit_breakdown: "path, code"
        - alert: Queue
          expr: queue_depth > 5
          annotations:
            culprit_candidates: >
              one
              two
---
apiVersion: v1
kind: List
items:
  - kind: PrometheusRule
    spec:
      groups:
        - name: shop
          rules:
            - alert: Errors
              expr: errors > 1
              annotations:
                culprit_window: 5m
                culprit_topologie: a -> b
            - alert: Errors
              expr: errors   > 1
              annotations: {culprit_topology: 'a -> {{ $value }}'}
`

func TestCheckRules(t *testing.T) {
	fine, wrong := write(t, "fine.yml", annotatedRules), write(t, "wrong.yml", annotatedObjects)
	c := culprit(t, "check", "rules", fine)
	if want := fine + ": fine, 1 alerting rule, 1 with annotations for culprit\n"; c.code != exitOK || c.out != want || c.err != "" {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
	c = culprit(t, "check", "rules", wrong, "nowhere.yml", fine)
	if c.code != exitFinding || !strings.HasPrefix(c.out, fine+": fine") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
	lines := strings.Split(strings.TrimSpace(c.err), "\n")
	for i, want := range []string{
		"there is no file nowhere.yml",
		`:14: ErrorsHigh: culprit_candidates: 1:37: parse error: unexpected end of input inside braces (try the query in Prometheus' own page)`,
		`:15: ErrorsHigh: culprit_candidates: `,
		`:16: ErrorsHigh: culprit_breakdown: the expression can't be told apart by "code": the ratio selects by it on one side only`,
		`:21: Queue: culprit_candidates: 1:5: parse error: unexpected identifier "two" (write | in place of >`,
		`:35: Errors: culprit_window: has "5m" (write incident=10m, baseline=6h, or both)`,
		`:36: Errors: culprit_topologie: is not an annotation that culprit reads (did you mean "culprit_topology"?`,
		`:37: Errors: a rule with the same expression and labels has other annotations for culprit, so neither's are read (give them different names or labels; the other is at `,
		`:39: Errors: culprit_topology: has a template in the edge a -> {{ $value }} (write the names of the services, or a query)`,
	} {
		if i >= len(lines) || !strings.HasPrefix(strings.TrimPrefix(lines[i], wrong), want) {
			t.Fatalf("line %d is not %s:\n%s", i, want, c.err)
		}
	}
	if len(lines) != 9 {
		t.Errorf("%d lines:\n%s", len(lines), c.err)
	}
}

func TestCheckRulesAsJSON(t *testing.T) {
	fine, wrong := write(t, "fine.yml", annotatedRules), write(t, "wrong.yml", annotatedObjects)
	c := culprit(t, "check", "rules", "--format", "json", fine, wrong)
	dec := json.NewDecoder(strings.NewReader(c.out))
	var first, second checkedRules
	if err := dec.Decode(&first); err != nil || fmt.Sprint(first) != fmt.Sprint(checkedRules{fine, 1, 1, nil}) || first.Mistakes == nil {
		t.Errorf("%+v, %v", first, err)
	}
	if err := dec.Decode(&second); err != nil || second.Alerts != 4 || second.Annotated != 4 || len(second.Mistakes) != 8 || dec.More() {
		t.Errorf("%+v, %v", second, err)
	}
	if m := second.Mistakes[0]; c.code != exitFinding || m.File != wrong || m.Line != 14 || m.What == "" || m.Hint == "" {
		t.Errorf("exit %d: %+v", c.code, m)
	}
}

func TestWrongCallsOfCheckRules(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    ": has no rules (give a rule file of Prometheus, or a PrometheusRule)",
		"prometheus: {url: 'http://p'}":       ": has no rules",
		"groups: 7":                           ":1: not a file of rules: yaml: unmarshal errors: line 1: cannot unmarshal",
		"a: b: c":                             ": not a file of rules: yaml: mapping values are not allowed",
		"groups: {{ .Values.groups }}":        ": it is a template of Helm, ERB or the like (render the rules first",
		"groups:\n- rules:\n  - {alert: [a]}": ":3: not a file of rules",
	} {
		file := write(t, "rules.yml", text)
		if c := culprit(t, "check", "rules", file); c.code != exitFinding || !strings.HasPrefix(strings.TrimPrefix(c.err, file), want) {
			t.Errorf("%q: exit %d: %s", text, c.code, c.err)
		}
	}
	if c := culprit(t, "check", "rules"); c.code != exitUsage || !strings.Contains(c.err, "required argument 'file'") {
		t.Errorf("exit %d: %s", c.code, c.err)
	}
	if text := manual(t); !strings.Contains(text, ".SS check rules [<flags>] <file>...\n") {
		t.Error("not in the manual")
	}
}
