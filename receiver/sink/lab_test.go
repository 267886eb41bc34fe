// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

const quietConfig = `
route: {receiver: nobody, group_by: [alertname], group_wait: 50ms}
receivers: [{name: nobody}]`

// startAlertmanager starts the real Alertmanager; by default it notifies nobody.
func startAlertmanager(t *testing.T, opts lab.AlertmanagerOptions) *lab.Alertmanager {
	t.Helper()
	if opts.Config == "" {
		opts.Config = quietConfig
	}
	am, err := lab.StartAlertmanager(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { am.Close() })
	return am
}

func parseURL(t *testing.T, address string) *config.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return config.NewURL(u)
}

func connect(t *testing.T, address string) *alertmanager.Client {
	t.Helper()
	c, err := alertmanager.New(config.Alertmanager{URL: parseURL(t, address)}, alertmanager.Options{Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// quiet is a fresh Alertmanager that notifies nobody, with a client.
func quiet(t *testing.T) *alertmanager.Client {
	return connect(t, startAlertmanager(t, lab.AlertmanagerOptions{}).URL())
}

// front is a proxy. hook sees each request first; it returns true if it has answered.
func front(t *testing.T, address string, hook func(http.ResponseWriter, *http.Request) bool) *alertmanager.Client {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(parseURL(t, address).Reveal())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !hook(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return connect(t, s.URL)
}

// posted is an alert as senders post it.
type posted struct {
	Labels       model.LabelSet `json:"labels"`
	Annotations  model.LabelSet `json:"annotations,omitempty"`
	StartsAt     time.Time      `json:"startsAt,omitzero"`
	EndsAt       time.Time      `json:"endsAt,omitzero"`
	GeneratorURL string         `json:"generatorURL,omitempty"`
}

// fromPrometheus is an alert like Prometheus sends it: its end is four evaluations ahead, so that
// it expires if Prometheus dies.
func fromPrometheus(name string) posted {
	now := time.Now()
	return posted{
		Labels:       model.LabelSet{"alertname": model.LabelValue(name), "service": "cart", "severity": "page"},
		Annotations:  model.LabelSet{"summary": "many errors", "runbook_url": "https://runbooks.example/a?b=c&d=<e>"},
		StartsAt:     now.Add(-time.Minute),
		EndsAt:       now.Add(4 * time.Minute),
		GeneratorURL: "http://prometheus.example/graph?g0.expr=errors+%3E+0&g0.tab=1",
	}
}

func (p posted) raw(t *testing.T) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func post(t *testing.T, c *alertmanager.Client, alerts ...posted) {
	t.Helper()
	raw := make([]json.RawMessage, len(alerts))
	for i, p := range alerts {
		raw[i] = p.raw(t)
	}
	if err := c.PostAlerts(t.Context(), raw...); err != nil {
		t.Fatal(err)
	}
}

// find returns the alert, or nil if it is resolved.
func find(t *testing.T, c *alertmanager.Client, ls model.LabelSet) *alertmanager.Alert {
	t.Helper()
	alerts, err := c.Alerts(t.Context(), alertmanager.Exactly(ls))
	if err != nil {
		t.Fatal(err)
	}
	for i := range alerts {
		if alerts[i].Labels.Equal(ls) {
			return &alerts[i]
		}
	}
	return nil
}

func mustFind(t *testing.T, c *alertmanager.Client, ls model.LabelSet) alertmanager.Alert {
	t.Helper()
	a := find(t, c, ls)
	if a == nil {
		t.Fatalf("%v is not there", ls)
	}
	return *a
}

// sender is a Prometheus that lists the given alerts.
type sender struct {
	mu            sync.Mutex
	known, firing bool
	err           error
}

func (s *sender) Firing(context.Context, model.LabelSet) (bool, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known, s.firing, s.err
}

func (s *sender) resolve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.firing = false
}

func (s *sender) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func firing() *sender { return &sender{known: true, firing: true} }

// explained is the message of an alert with a known cause.
func explained(ls model.LabelSet) Message {
	cause := analysis.Finding{
		Rank: 1, Kind: analysis.KindLabels, Labels: []map[string]string{{"path": "/pay", "version": "v2"}},
		Name: "path=/pay,version=v2", Share: 0.82, Confidence: analysis.High, Method: "adtributor", Sentence: "82 % of the extra errors are path=/pay",
	}
	start := time.Now().Add(-time.Minute).UTC()
	r := report.Report{
		ID: "r" + ls.Fingerprint().String(), Status: report.Complete, URL: "http://culprit.example/reports/r" + ls.Fingerprint().String(),
		Alert: report.Alert{Labels: ls, StartsAt: start, Fingerprint: ls.Fingerprint().String()},
		Onset: start, CreatedAt: time.Now(),
		Result: analysis.Result{Verdict: analysis.Explained, Causes: []analysis.Finding{cause}},
	}
	r.Summary = r.Line()
	i := report.Open("{}:{}", start, "http://culprit.example").Merge([]report.Report{r}, time.Now())
	r.Incident = i.ID
	return Message{Report: r, Incident: i}
}

func statuses(sent []report.Sent) string {
	var all []string
	for _, s := range sent {
		all = append(all, s.Status)
	}
	return strings.Join(all, " ")
}

// counted reads a counter by label value, or a metric without labels.
func counted(t *testing.T, reg *prometheus.Registry, metric, value string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != metric {
				continue
			}
			if labels := m.GetLabel(); value == "" || labels[len(labels)-1].GetValue() == value {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func lint(t *testing.T, reg *prometheus.Registry) {
	t.Helper()
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// bodyOf reads a request's body and puts it back.
func bodyOf(t *testing.T, r *http.Request) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return string(b)
}
