// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
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

// manyMistakes has mistakes of every kind, found by different parts of the program.
const manyMistakes = `prometheus:
  url: http://127.0.0.1:1
  http_config: {basic_auth: {username: me, password_file: nowhere}}
  max_seris: 3
context:
  links: [{name: Logs, url: "http://x/{{ .Foo"}]
rules:
  - name: first
    matchers: ['alertname=~"A.*"']
    target: {query: 'sum(rate(x[5m]'}
  - matchers: ['alertname="Ab"']
    target: {query: 'sum({{ .Labls.x }})'}
    targets: [{query: 'y{'}]
`

func TestAllMistakesAreShownAtOnce(t *testing.T) {
	c := culprit(t, "check", "config", write(t, "culprit.yml", manyMistakes), "--servers")
	if c.code != exitFinding || c.out != "" {
		t.Errorf("exit %d: %s", c.code, c.out)
	}
	for _, want := range []string{
		`warning: culprit.yml:11: rule "" is never used: rule "first" comes before it`,
		`culprit.yml:3: prometheus.http_config.basic_auth.password_file: the file nowhere can't be read`,
		`culprit.yml:4: prometheus.max_seris is not a setting (did you mean "max_series"?)`,
		`culprit.yml:6: context.links[0].url: `,
		`culprit.yml:10: rules[0].target.query: 1:15: parse error: unclosed left parenthesis`,
		`culprit.yml:11: rules[1].name is missing`,
		`culprit.yml:12: rules[1].target.query: 1:13: <.Labls.x>: there is no .Labls`,
		`culprit.yml:13: rules[1].targets and target are both given`,
		`culprit.yml:13: rules[1].targets[0].query: 1:3: parse error: `,
	} {
		if !strings.Contains(shortened(c.err), want) {
			t.Errorf("%q is not in\n%s", want, c.err)
		}
	}
	if n := strings.Count(c.err, "\n"); n != 10 { // plus the line about missing alertmanagers
		t.Errorf("%d lines:\n%s", n, c.err)
	}
}

// shortened drops the directories of files.
func shortened(text string) string {
	return regexp.MustCompile(`/\S*/`).ReplaceAllString(text, "")
}

func TestARuleFileIsCheckedAlone(t *testing.T) {
	const rules = `rules:
  - {name: errors, matchers: ['alertname="ErrorsHigh"'], candidates: [{name: connections, query: 'db_connections'}]}
  - {name: more, matchers: ['alertname="ErrorsHigh"', 'service="shop"']}
`
	file := write(t, "rules.yml", rules)
	c := culprit(t, "check", "config", file)
	if c.code != exitOK || c.out != file+": fine as a rule file, 2 rules\n" || !strings.Contains(c.err, `rules.yml:3: rule "more" is never used`) {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
	url := startShopNow(t, errorRule)
	if c := culprit(t, "check", "config", file, "--prometheus.url", url); c.code != exitOK || !strings.Contains(c.out, "answered") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
	bad := write(t, "bad.yml", strings.ReplaceAll(rules, "'db_connections'", "'db_conn{'"))
	if c := culprit(t, "check", "config", bad, "--prometheus.url", url); c.code != exitFinding || !strings.Contains(c.err, "bad.yml:2: rules[0].candidates[0].query: ") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
	alerting := write(t, "alerts.yml", "groups: []\n")
	if c := culprit(t, "check", "config", alerting); !strings.Contains(c.err, "culprit suggest FILE makes rules of them") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestMissingSecretFilesAreReported(t *testing.T) {
	token := write(t, "token", "x")
	config := `prometheus:
  url: http://127.0.0.1:1
  http_config:
    authorization: {credentials_file: ` + token + `}
    tls_config: {ca_file: ca.pem}
    http_headers: {X-Scope: {files: [scope]}}
alertmanagers: [{url: "http://127.0.0.1:1"}]
changes: {token_file: changes}
recovery_webhooks: [{url: "http://127.0.0.1:1", secret_file: secret}]
`
	file := write(t, "culprit.yml", config)
	c := culprit(t, "check", "config", file)
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(shortened(c.err)), "\n") {
		at, _, _ := strings.Cut(line, " can't be read: no such file")
		lines = append(lines, at)
	}
	want := []string{
		"culprit.yml:5: prometheus.http_config.tls_config.ca_file: the file ca.pem",
		"culprit.yml:6: prometheus.http_config.http_headers.X-Scope.files[0]: the file scope",
		"culprit.yml:8: changes.token_file: the file changes",
		"culprit.yml:9: recovery_webhooks[0].secret_file: the file secret",
	}
	if c.code != exitFinding || !slices.Equal(lines, want) {
		t.Errorf("exit %d: %q", c.code, lines)
	}
	if c := culprit(t, "check", "config", "--syntax-only", file); c.code != exitOK || c.err != "" {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestEachServerThatDoesNotAnswerIsNamed(t *testing.T) {
	alive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/annotations" {
			t.Errorf("it is asked for %s", r.URL.Path) // nothing may be sent to a hook
		}
		io.WriteString(w, "[]")
	}))
	defer alive.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") }))
	defer page.Close()
	check := func(grafana, hook string) call {
		return culprit(t, "check", "config", "--servers", write(t, "culprit.yml", `prometheus: {url: "http://127.0.0.1:1"}
alertmanagers: [{url: "http://127.0.0.1:2"}, {url: "http://127.0.0.1:3"}]
grafana: {url: "`+grafana+`"}
recovery_webhooks: [{url: "`+hook+`/secret"}]
`))
	}
	c := check("http://127.0.0.1:4", "http://127.0.0.1:5")
	for _, want := range []string{
		"Prometheus at http://127.0.0.1:1 does not answer", "Alertmanager at http://127.0.0.1:2 can't be asked",
		"Alertmanager at http://127.0.0.1:3 can't be asked", "Grafana http://127.0.0.1:4", "the hook at http://127.0.0.1:5 does not answer",
	} {
		if strings.Count(c.err, want) != 1 || c.code != exitFinding || strings.Contains(c.err, "secret") {
			t.Errorf("%q is not in\n%s", want, c.err)
		}
	}
	if c := check(alive.URL, alive.URL); strings.Count(c.out, alive.URL+": answers\n") != 2 || strings.Contains(c.err, "hook") || strings.Contains(c.err, "Grafana") {
		t.Errorf("%s%s", c.out, c.err)
	}
	if c := check(page.URL, alive.URL); !strings.Contains(c.err, "answers with something that is not a list of annotations (is grafana.url right?)") {
		t.Errorf("%s", c.err)
	}
}
