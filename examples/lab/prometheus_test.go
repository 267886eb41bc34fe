// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
)

// queueRules fire when a queue is longer than 10 for a second.
const queueRules = `
groups:
  - name: queues
    interval: 200ms
    rules:
      - record: queue:max
        expr: max(queue_depth)
      - alert: QueueLong
        expr: queue_depth > 10
        for: 1s
        labels: {severity: page}
        annotations: {summary: '{{ $labels.queue }} is {{ $value }} long'}
`

// startPrometheus starts a server that is closed with the test.
func startPrometheus(t *testing.T, o lab.PrometheusOptions) *lab.Prometheus {
	t.Helper()
	p, err := lab.StartPrometheus(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// appendGauge writes one sample.
func appendGauge(t *testing.T, db storage.Appendable, at time.Time, value float64, pairs ...string) {
	t.Helper()
	app := db.Appender(t.Context())
	if _, err := app.Append(0, labels.FromStrings(pairs...), at.UnixMilli(), value); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// get requests a path of the API and returns the status and the decoded body.
func get(t *testing.T, p *lab.Prometheus, path string, query url.Values) (int, map[string]any) {
	t.Helper()
	resp, err := http.Get(p.URL() + path + "?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// data returns the data of a successful answer, as JSON.
func data(t *testing.T, p *lab.Prometheus, path string, query url.Values) string {
	t.Helper()
	status, body := get(t, p, path, query)
	if status != http.StatusOK {
		t.Fatalf("%s?%s: %d %v", path, query.Encode(), status, body)
	}
	text, err := json.Marshal(body["data"])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPrometheusAnswersAsTheServerDoes(t *testing.T) {
	p := startPrometheus(t, lab.PrometheusOptions{})
	t0 := time.Now().Add(-time.Hour).Truncate(time.Minute)
	for i := range 5 {
		at := t0.Add(time.Duration(i) * time.Minute)
		appendGauge(t, p, at, float64(i), "__name__", "up", "job", "a")
		appendGauge(t, p, at, float64(-i), "__name__", "up", "job", "b")
	}
	sec := func(d time.Duration) string { return strconv.FormatInt(t0.Add(d).Unix(), 10) }
	ts := func(d time.Duration) string { return sec(d) }
	tests := []struct {
		name, path string
		query      url.Values
		want       string
	}{
		{
			"an instant vector", "/api/v1/query",
			url.Values{"query": {`up{job="a"}`}, "time": {sec(2 * time.Minute)}},
			`{"result":[{"metric":{"__name__":"up","job":"a"},"value":[` + ts(2*time.Minute) + `,"2"]}],"resultType":"vector"}`,
		},
		{
			"a scalar", "/api/v1/query",
			url.Values{"query": {"1 / 0"}, "time": {sec(0)}},
			`{"result":[` + ts(0) + `,"+Inf"],"resultType":"scalar"}`,
		},
		{
			"a matrix on the grid of the request", "/api/v1/query_range",
			url.Values{"query": {"sum(up)"}, "start": {sec(0)}, "end": {sec(time.Minute)}, "step": {"30s"}},
			`{"result":[{"metric":{},"values":[[` + ts(0) + `,"0"],[` + ts(30*time.Second) + `,"0"],[` + ts(time.Minute) + `,"0"]]}],"resultType":"matrix"}`,
		},
		{
			"an empty matrix", "/api/v1/query_range",
			url.Values{"query": {"nothing"}, "start": {sec(0)}, "end": {sec(time.Minute)}, "step": {"30"}},
			`{"result":[],"resultType":"matrix"}`,
		},
		{"series", "/api/v1/series", url.Values{"match[]": {`up{job="b"}`}}, `[{"__name__":"up","job":"b"}]`},
		{"label names", "/api/v1/labels", url.Values{"match[]": {"up"}}, `["__name__","job"]`},
		{"label values", "/api/v1/label/job/values", url.Values{}, `["a","b"]`},
		{"label values, limited", "/api/v1/label/job/values", url.Values{"limit": {"1"}}, `["a"]`},
		{"no alerts", "/api/v1/alerts", nil, `{"alerts":[]}`},
		{"no rules", "/api/v1/rules", nil, `{"groups":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := data(t, p, tt.path, tt.query); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestPrometheusRefusesAsTheServerDoes(t *testing.T) {
	p := startPrometheus(t, lab.PrometheusOptions{})
	appendGauge(t, p, time.Now(), 1, "__name__", "up", "job", "a")
	appendGauge(t, p, time.Now(), 1, "__name__", "up", "job", "b")
	tests := []struct {
		name, path string
		query      url.Values
		status     int
		errorType  string
	}{
		{"a query that does not parse", "/api/v1/query", url.Values{"query": {"sum("}}, 400, "bad_data"},
		{"a time that is none", "/api/v1/query", url.Values{"query": {"1"}, "time": {"noon"}}, 400, "bad_data"},
		{"a range without an end", "/api/v1/query_range", url.Values{"query": {"1"}, "start": {"1"}, "step": {"1"}}, 400, "bad_data"},
		{"too many points", "/api/v1/query_range", url.Values{"query": {"1"}, "start": {"0"}, "end": {"11001"}, "step": {"1"}}, 400, "bad_data"},
		{"a step of nothing", "/api/v1/query_range", url.Values{"query": {"1"}, "start": {"0"}, "end": {"1"}, "step": {"0"}}, 400, "bad_data"},
		{"series of nothing", "/api/v1/series", nil, 400, "bad_data"},
		{"an ambiguous match", "/api/v1/query", url.Values{"query": {"up * on() up"}}, 422, "execution"},
		{"no time at all", "/api/v1/query", url.Values{"query": {"up"}, "timeout": {"0"}}, 503, "timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := get(t, p, tt.path, tt.query)
			if status != tt.status || body["errorType"] != tt.errorType || body["status"] != "error" {
				t.Errorf("have %d %v", status, body)
			}
		})
	}
}

// inbox records what a Prometheus posts to an Alertmanager.
type inbox struct {
	mu     sync.Mutex
	alerts []postedAlert
}

type postedAlert struct {
	Labels       map[string]string
	Annotations  map[string]string
	StartsAt     time.Time
	EndsAt       time.Time
	GeneratorURL string
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var posted []postedAlert
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &posted); err != nil || r.URL.Path != "/am/api/v2/alerts" {
		http.Error(w, fmt.Sprint(r.URL.Path, err), http.StatusBadRequest)
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.alerts = append(in.alerts, posted...)
}

// wait returns the first alert that satisfies the condition.
func (in *inbox) wait(t *testing.T, what string, ok func(postedAlert) bool) postedAlert {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		in.mu.Lock()
		i := slices.IndexFunc(in.alerts, ok)
		if i >= 0 {
			defer in.mu.Unlock()
			return in.alerts[i]
		}
		in.mu.Unlock()
	}
	t.Fatalf("no %s was posted", what)
	return postedAlert{}
}

func TestAlertsAreSentWithExternalLabelsAndKeepTheirOnset(t *testing.T) {
	in := &inbox{}
	am := httptest.NewServer(in)
	defer am.Close()
	p := startPrometheus(t, lab.PrometheusOptions{
		Rules: queueRules, Alertmanagers: []string{am.URL + "/am"}, ResendDelay: time.Second,
		ExternalLabels: map[string]string{"replica": "A"},
		History: func(ctx context.Context, db storage.Appendable) error {
			appendGauge(t, db, time.Now(), 40, "__name__", "queue_depth", "queue", "emails")
			return nil
		},
	})
	fired := in.wait(t, "firing alert", func(a postedAlert) bool { return a.EndsAt.After(time.Now()) })
	if fired.Labels["replica"] != "A" || fired.Labels["queue"] != "emails" || fired.Annotations["summary"] != "emails is 40 long" {
		t.Errorf("have %+v", fired)
	}
	if !strings.HasPrefix(fired.GeneratorURL, p.URL()+"/graph?g0.expr=queue_depth+%3E+10") {
		t.Errorf("generatorURL is %s", fired.GeneratorURL)
	}

	var active struct {
		Alerts []struct {
			Labels   map[string]string
			State    string
			ActiveAt time.Time
			Value    string
		}
	}
	if err := json.Unmarshal([]byte(data(t, p, "/api/v1/alerts", nil)), &active); err != nil {
		t.Fatal(err)
	}
	if len(active.Alerts) != 1 {
		t.Fatalf("active are %+v", active.Alerts)
	}
	a := active.Alerts[0]
	if _, has := a.Labels["replica"]; has || a.State != "firing" || a.Value != "4e+01" {
		t.Errorf("active is %+v", a)
	}
	if held := fired.StartsAt.Sub(a.ActiveAt); held < 990*time.Millisecond { // evaluations jitter
		t.Errorf("startsAt is %s after activeAt, want at least the rule's second", held)
	}

	onset := fmt.Sprintf("ALERTS_FOR_STATE{alertname=%q} - %d", "QueueLong", a.ActiveAt.Unix())
	if got := data(t, p, "/api/v1/query", url.Values{"query": {onset}}); !strings.Contains(got, `"0"]`) {
		t.Errorf("ALERTS_FOR_STATE differs from activeAt: %s", got)
	}
	if got := data(t, p, "/api/v1/rules", nil); !strings.Contains(got, `"state":"firing"`) || !strings.Contains(got, `"name":"queue:max"`) {
		t.Errorf("rules are %s", got)
	}
	if got := data(t, p, "/api/v1/rules", url.Values{"type": {"alert"}}); strings.Contains(got, "queue:max") {
		t.Errorf("a recording rule among alerts: %s", got)
	}

	appendGauge(t, p, time.Now(), 3, "__name__", "queue_depth", "queue", "emails")
	in.wait(t, "resolved alert", func(a postedAlert) bool { return !a.EndsAt.After(time.Now()) })
}

func TestPrometheusNamesWhatIsWrongWithItsOptions(t *testing.T) {
	for name, o := range map[string]lab.PrometheusOptions{
		"rules that do not parse":       {Rules: "groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]"},
		"an Alertmanager without a URL": {Alertmanagers: []string{"localhost"}},
		"an address that is taken":      {Listen: "300.0.0.1:1"},
	} {
		if _, err := lab.StartPrometheus(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "start the lab's Prometheus:") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// Alerts of the history are stored and end when they ended: an alert that fires today begins today.
func TestRulesCanBeRecalled(t *testing.T) {
	end := time.Now().Truncate(time.Second)
	p := startPrometheus(t, lab.PrometheusOptions{
		Rules: queueRules,
		History: func(_ context.Context, db storage.Appendable) error {
			for at := end.Add(-30 * time.Minute); at.Before(end); at = at.Add(15 * time.Second) {
				depth := 5.0
				if at.Before(end.Add(-20 * time.Minute)) {
					depth = 50
				}
				appendGauge(t, db, at, depth, "__name__", "queue_depth", "queue", "mail")
			}
			return nil
		},
		Recall: func() (from, to time.Time) { return end.Add(-30 * time.Minute), end.Add(-10 * time.Minute) },
	})
	if n := value(t, p, end.Add(-22*time.Minute), `ALERTS{alertname="QueueLong",alertstate="firing",queue="mail"}`); n != 1 {
		t.Errorf("ALERTS is %v", n)
	}
	if since := value(t, p, end.Add(-22*time.Minute), `ALERTS_FOR_STATE{alertname="QueueLong"}`); since != float64(end.Add(-30*time.Minute).Unix()) {
		t.Errorf("it has held since %v, want %v", since, end.Add(-30*time.Minute).Unix())
	}
	if n := value(t, p, end.Add(-18*time.Minute), `count(ALERTS) or vector(0)`); n != 0 {
		t.Errorf("%v alerts after the queue was short again", n)
	}
}
