// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

const checkedConfig = `prometheus: {url: "http://p:9090"}
alertmanagers: [{url: "http://a:9093"}]
candidates: [{name: queues, query: queue_depth}]
rules:
  - name: errors
    matchers: ['alertname="ErrorsHigh"']
    breakdown: {labels: [path, versoin]}
    candidates:
      - {name: connections, query: 'db_connections{service="{{ .Labels.service }}"}'}
      - {name: others, query: 'db_connections{service!="{{ .Labels.service | toUpper }}"}'}
      - {name: misspelt label, query: 'db_connections{serivce="{{ .Labels.service }}"}'}
      - {name: misspelt metric, query: 'db_conections'}
      - {name: refused, query: 'errors_total / ignoring (path) requests_total'}
  - name: queues
    matchers: ['alertname="QueueLong"']
    target: {query: 'sum(queue_depth{queue=~"{{ .Label "queue" }}.*"})'}
    topology: {query: 'calls_total'}
    breakdown: {labels: [queue]} # no series at all is said once
`

func TestQueriesThatReturnNothingAreFound(t *testing.T) {
	c := culprit(t, "check", "config", write(t, "culprit.yml", checkedConfig), "--prometheus.url", startShopNow(t, errorRule))
	if c.code != exitFinding || c.out != "" {
		t.Fatalf("exit %d: %s", c.code, c.out)
	}
	got := strings.Split(strings.TrimSpace(c.err), "\n")
	for i, want := range []string{
		`culprit.yml:3: rule "every alert": candidates[0].query returns nothing now (asked as queue_depth;`,
		`culprit.yml:7: rule "errors": breakdown.labels[1] no series of the target has a label "versoin"`,
		`culprit.yml:11: rule "errors": candidates[2].query returns nothing now (asked as db_connections{serivce!=""}`,
		`culprit.yml:12: rule "errors": candidates[3].query returns nothing now (asked as db_conections;`,
		`culprit.yml:13: rule "errors": candidates[4].query can't be asked: `,
		`culprit.yml:15: rule "queues": matchers match no alert that this Prometheus makes`,
		`culprit.yml:16: rule "queues": target.query returns nothing now (asked as sum(queue_depth{queue!=""})`,
		`culprit.yml:17: rule "queues": topology.query returns nothing now (asked as calls_total;`,
	} {
		if i >= len(got) || !strings.Contains(got[i], want) {
			t.Fatalf("line %d is not %q in\n%s", i, want, c.err)
		}
	}
	if len(got) != 8 {
		t.Errorf("%d lines:\n%s", len(got), c.err)
	}
}

func TestQueriesThatAnswerAreFine(t *testing.T) {
	url := startShopNow(t, errorRule)
	c := culprit(t, "check", "config", write(t, "culprit.yml", shopConfig), "--prometheus.url", url)
	if c.code != exitOK || !strings.Contains(c.out, "fine, 1 rule, 2 questions answered") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestWrongCallsOfCheckConfig(t *testing.T) {
	file := write(t, "culprit.yml", shopConfig)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "required argument 'file'"},
		{[]string{file, "--prometheus.url", "there"}, exitUsage, "is not an http address"},
		{[]string{file, "--prometheus.url", "http://127.0.0.1:1"}, exitFinding, "Prometheus at http://127.0.0.1:1 does not answer"},
		{[]string{file, file, "nowhere.yml", "--prometheus.url", "http://127.0.0.1:1"}, exitFinding, "nowhere.yml: can't be read"},
	} {
		got := culprit(t, append([]string{"check", "config"}, c.args...)...)
		if got.code != c.code || !strings.Contains(got.err, c.want) || strings.Count(got.err, "does not answer") > 1 {
			t.Errorf("%q: exit %d: %s%s", c.args, got.code, got.out, got.err)
		}
	}
}
