// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/promql/promtest"
	"github.com/culprit-dev/culprit/receiver/report"
)

const shopConfig = `
prometheus: {url: "http://127.0.0.1:1"}
rules:
  - name: errors of a service
    matchers: [alertname="ErrorsHigh"]
    candidates:
      - {name: connections, query: db_connections}
`

func TestAnAlertOfThePastIsExplained(t *testing.T) {
	url := startShop(t, errorRule)
	c := culprit(t, "explain", "ErrorsHigh", "--at", "11100", "--prometheus.url", url, "--queries",
		"--config.file", write(t, "culprit.yml", shopConfig))
	if c.code != exitOK {
		t.Fatalf("exit %d: %s", c.code, c.err)
	}
	golden(t, "explain.txt", c.out)
	for _, want := range []string{"ErrorsHigh, since 1970-01-01T03:00:00Z", "candidate connections", "answered in", "requests"} {
		if !strings.Contains(c.err, want) {
			t.Errorf("the progress doesn't say %q:\n%s", want, c.err)
		}
	}
}

func TestQuestionsAndTheirFirstCauses(t *testing.T) {
	url := startShop(t, errorRule)
	for _, c := range []struct {
		name, onset, cause string
		args               []string
	}{
		{"a matcher instead of a name", "1970-01-01T03:00:00Z", "/pay", []string{"service=~shop|cart", "--at", "11100"}},
		{"between two times, by the rule's expression", "1970-01-01T03:00:00Z", "/pay", []string{"ErrorsHigh", "service=shop", "--at", "10800", "--until", "11000"}},
		{"an expression from when on it has values", "1970-01-01T03:00:30Z", "/pay", []string{"--expr", "sum(rate(errors_total[1m])) > 5", "--at", "11100"}},
		{"an expression that always has values, in its last minutes", "1970-01-01T03:00:00Z", "/pay", []string{"--expr", "sum(rate(errors_total[1m]))", "--at", "11100"}},
		{"an expression between two times", "1970-01-01T03:00:00Z", "/pay", []string{"--expr", `sum(rate(errors_total{path!="{{x}}"}[1m]))`, "--at", "10800", "--until", "11100"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r report.Report
			culprit(t, append([]string{"explain", "--format", "json", "--prometheus.url", url}, c.args...)...).into(t, &r)
			if got := r.Onset.Format(time.RFC3339); got != c.onset {
				t.Errorf("the onset is %s", got)
			}
			if r.Result.Verdict != analysis.Explained || len(r.Result.Causes) == 0 || r.Result.Causes[0].Labels[0]["path"] != c.cause {
				t.Errorf("%s: %s %v", r.Result.Verdict, r.Summary, r.Result.Warnings)
			}
		})
	}
}

// An alert may have names longer than a line, and bytes that control a terminal.
func TestAnAnswerFitsATerminal(t *testing.T) {
	var script strings.Builder
	script.WriteString("load 15s\n")
	for i, path := range []string{"/" + strings.Repeat("long/", 30), "/\x1b[31m", "/c"} {
		fmt.Fprintf(&script, "errors_total{path=%q,namespace=\"a-name-of-some-length\",service=\"another-one-of-them\"} 0+3x720 %d+%dx20\n", path, 2160, 3+i%2*90)
		fmt.Fprintf(&script, "process_cpu_seconds_total{path=%q,namespace=\"a-name-of-some-length\",service=\"another-one-of-them\"} 0+3x720 %d+%dx20\n", path, 2160, 3+i%2*90)
	}
	url := withRules(t, promtest.New(t, script.String()))
	c := culprit(t, "explain", "--expr", "sum by (service) (rate(errors_total[1m])) > 3", "--at", "11100", "--prometheus.url", url, "--config.file",
		write(t, "culprit.yml", "prometheus: {url: 'http://p'}\ncandidates: [{name: cpu, query: 'rate(process_cpu_seconds_total[1m])'}]\n"))
	if c.code != exitOK || !strings.Contains(c.out, "high") || strings.Contains(c.out, "\x1b") {
		t.Fatalf("exit %d: %q %s", c.code, c.out, c.err)
	}
	lines := strings.Split(c.out, "\n")
	if kpi := lines[5]; !strings.Contains(kpi, "→") || !strings.Contains(kpi, "▁") {
		t.Errorf("the KPI is without its levels or its course: %q", kpi)
	}
	for i, line := range lines {
		if i > 0 && columns(line) > answerWidth && !strings.Contains(line, "/long/") { // the answer itself is one line, for programs
			t.Errorf("%d columns: %s", columns(line), line)
		}
	}
}

func TestAnExpressionOfSeveralSeriesIsNoAlert(t *testing.T) {
	c := culprit(t, "explain", "--expr", "sum by (path) (rate(errors_total[1m]))", "--at", "11100", "--prometheus.url", startShop(t))
	if c.code != exitOK || !strings.Contains(c.err, "the query returned 3 series: their sum is used; hint: select one of them") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestAnEmptyAnswerIsNoFailure(t *testing.T) {
	url := startShop(t)
	c := culprit(t, "explain", "--expr", "sum(rate(requests_total[1m]))", "--at", "11100", "--prometheus.url", url)
	if c.code != exitOK || !strings.HasPrefix(c.out, "No change found") || !strings.Contains(c.out, "no causes") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestAnAlertThatIsNotThere(t *testing.T) {
	url := startShop(t, errorRule)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"ErrorsLow"}, "active are: ErrorsHigh"},
		{[]string{"ErrorsHigh", "--at", "9000"}, "give an end (until)"},
		{[]string{"ErrorsLow", "--at", "9000", "--until", "9300"}, `no alerting rule "ErrorsLow"`},
	} {
		got := culprit(t, append([]string{"explain", "--prometheus.url", url}, c.args...)...)
		if got.code != exitFinding || got.out != "" || !strings.Contains(got.err, c.want) {
			t.Errorf("%q: exit %d: %s%s", c.args, got.code, got.out, got.err)
		}
	}
}

func TestWrongCallsOfExplain(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "name an alert to explain"},
		{[]string{"A"}, "no Prometheus to ask"},
		{[]string{"A", "--prometheus.url", "here"}, "is not an http address"},
		{[]string{`a="b`, "--prometheus.url", "http://p"}, "neither a name nor a matcher"},
		{[]string{"A", "--at", "yesterday"}, "is not a time"},
		{[]string{"A", "--until", "1h", "--prometheus.url", "http://p"}, "has no beginning"},
		{[]string{"A", "--at", "1h", "--until", "2h", "--prometheus.url", "http://p"}, "before it begins"},
		{[]string{"A", "--at", "2999-01-01T00:00:00Z", "--prometheus.url", "http://p"}, "is in the future"},
		{[]string{"--expr", "sum(", "--prometheus.url", "http://p"}, "can't be read"},
		{[]string{"--expr", "errors_total[5m]", "--prometheus.url", "http://p"}, "not series with values"},
		{[]string{"--expr", "a", "--publish", "--prometheus.url", "http://p"}, "an expression is in no Alertmanager"},
		{[]string{"A", "--publish", "--prometheus.url", "http://p"}, "--publish needs to know where"},
		{[]string{"A", "--at", "1h", "--publish", "--prometheus.url", "http://p"}, "knows nothing of the past"},
		{[]string{"A", "--format", "xml"}, "enum value must be one of"},
	} {
		got := culprit(t, append([]string{"explain"}, c.args...)...)
		if got.code != exitUsage || got.out != "" || !strings.Contains(got.err, c.want) {
			t.Errorf("%q: exit %d: %s%s", c.args, got.code, got.out, got.err)
		}
	}
}

// TestAnAlertThatFiresNow explains an alert between real servers and expects the write-back.
func TestAnAlertThatFiresNow(t *testing.T) {
	am, err := lab.StartAlertmanager(lab.AlertmanagerOptions{Config: "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = am.Close() })
	prom, err := lab.StartPrometheus(t.Context(), lab.PrometheusOptions{
		History: nowBroken, Alertmanagers: []string{am.URL()}, ExternalLabels: map[string]string{"replica": "A"},
		Rules: "groups: [{name: g, rules: [{alert: ErrorsHigh, expr: 'sum by (service) (rate(errors_total[1m])) > 5'}]}]",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = prom.Close() })
	var r report.Report
	for range 100 {
		if c := culprit(t, "explain", "ErrorsHigh", "--format", "json", "--prometheus.url", prom.URL()); c.code == exitOK {
			c.into(t, &r)
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if len(r.Result.Causes) == 0 || r.Result.Causes[0].Labels[0]["path"] != "/pay" {
		t.Fatalf("%s %v", r.Summary, r.Result.Warnings)
	}
	if r.Alert.Labels["service"] != "shop" || len(r.Sent) > 0 {
		t.Errorf("labels %s, sent %v", r.Alert.Labels, r.Sent)
	}

	for range 100 {
		c := culprit(t, "explain", "ErrorsHigh", "--publish", "--format", "json", "--prometheus.url", prom.URL(), "--alertmanager.url", am.URL())
		if c.code == exitOK {
			c.into(t, &r)
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if r.Alert.Labels["replica"] != "A" || len(r.Sent) == 0 || r.Sent[0].Status != report.SentOK {
		t.Fatalf("labels %s, sent %+v", r.Alert.Labels, r.Sent)
	}
	resp, err := http.Get(am.URL() + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil || !strings.Contains(text.String(), "culprit_summary") {
		t.Errorf("the alert is not annotated: %v %s", err, text.String())
	}
}

// nowBroken is an hour and a half of errors by path, one of which began to fail two minutes ago.
func nowBroken(ctx context.Context, db storage.Appendable) error {
	app := db.Appender(ctx)
	end, totals := time.Now(), map[string]float64{}
	for at, i := end.Add(-90*time.Minute), 0; !at.After(end); at, i = at.Add(15*time.Second), i+1 {
		for k, path := range []string{"/cart", "/pay", "/search"} {
			errors := traffic(i, k) * .01
			if path == "/pay" && end.Sub(at) < 2*time.Minute {
				errors = traffic(i, k)
			}
			totals[path] += errors
			ls := labels.FromStrings("__name__", "errors_total", "service", "shop", "path", path)
			if _, err := app.Append(0, ls, at.UnixMilli(), totals[path]); err != nil {
				return err
			}
		}
	}
	return app.Commit()
}

// BenchmarkExplain measures the time from the call to the answer about a KPI of a thousand series,
// Prometheus included.
func BenchmarkExplain(b *testing.B) {
	var script strings.Builder
	script.WriteString("load 15s\n")
	for i := range 1000 {
		rate := 30 + i%7
		after := rate
		if i%10 == 3 && i/100 == 4 {
			after = 900
		}
		fmt.Fprintf(&script, "errors_total{service=\"shop\",path=\"/p%d\",pod=\"pod-%d\",version=\"v%d\"} 0+%dx720 %d+%dx20\n",
			i%10, i/10%10, i/100, rate, 720*rate+after, after)
	}
	url := withRules(b, promtest.New(b, script.String()))
	for b.Loop() {
		var r report.Report
		culprit(b, "explain", "--expr", "sum(rate(errors_total[1m])) > 4000", "--at", "11100", "--format", "json", "--prometheus.url", url).into(b, &r)
		if r.Result.Verdict != analysis.Explained {
			b.Fatal(r.Summary, r.Result.Warnings)
		}
	}
}

// TestSeveralKPIsAreTold explains two KPIs of one alert, one of which did not move by itself.
func TestSeveralKPIsAreTold(t *testing.T) {
	rules := write(t, "culprit.yml", `prometheus: {url: "http://p"}
rules:
  - name: errors and failures
    matchers: ['alertname="ErrorsHigh"']
    targets:
      - {name: error ratio, query: 'sum(rate(errors_total[1m])) / sum(rate(requests_total[1m]))'}
      - {name: failed requests, query: 'sum(rate(errors_total[1m]))'}
    breakdown: {labels: [path, version]}
    candidates: [{name: connections, query: 'db_connections{service="shop"}'}]
`)
	c := culprit(t, "explain", "ErrorsHigh", "--config.file", rules, "--prometheus.url", startShop(t, errorRule), "--at", fmt.Sprint(shopEnd))
	if c.code != exitOK || !strings.Contains(c.out, "    common: explains all 2 KPIs, ") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestWhichOfSeveralKPIsACauseExplains(t *testing.T) {
	kpis := []string{"errors", "latency"}
	for _, c := range []struct {
		f    analysis.Finding
		kpis []string
		want string
	}{
		{analysis.Finding{Explains: []string{"errors"}}, kpis[:1], ""},
		{analysis.Finding{}, kpis, ""},
		{analysis.Finding{Explains: []string{"latency"}}, kpis, "explains latency (1 of 2 KPIs)"},
		{analysis.Finding{Explains: kpis, Common: true}, kpis, "common: explains all 2 KPIs, errors, latency"},
		{analysis.Finding{Explains: kpis}, kpis, "explains errors, latency (2 of 2 KPIs)"}, // by different values
	} {
		if got := explained(c.f, c.kpis); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
