// SPDX-License-Identifier: Apache-2.0

package templates_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"
)

// group has the labels that the tests group alerts by.
var group = model.LabelSet{"alertname": "OrdersLow", "namespace": "shop"}

// firing is an alert as Prometheus sends it.
func firing(labels, annotations model.LabelSet) *alert.Alert {
	all := group.Clone()
	for name, value := range labels {
		all[name] = value
	}
	now := time.Now()
	return &alert.Alert{Alert: model.Alert{
		Labels: all, Annotations: annotations, StartsAt: now.Add(-time.Minute), EndsAt: now.Add(time.Hour),
		GeneratorURL: "https://prometheus.example.org/graph?g0.expr=orders",
	}, UpdatedAt: now}
}

// told is an alert that culprit has explained.
func told(labels model.LabelSet) *alert.Alert {
	return firing(labels, model.LabelSet{
		"summary":         "The shop takes 55.68% of the orders of yesterday",
		"runbook_url":     "https://runbooks.example.org/orders-low?a=1&b=2",
		"dashboard_url":   "https://grafana.example.org/d/shop",
		"culprit_summary": `88 % of the fall is region=us-east; likely declined payments{region="us-east"} rose ×42 (orders 18.4/s → 11.8/s)`,
		"culprit_causes":  "1. region=us-east: 88 % of the fall, 9.3/s → 3.53/s, high confidence\n2. declined payments{region=\"us-east\"}: 96 % of the fall, 0.16/s → 6.69/s, medium confidence",
		"culprit_report":  "https://culprit.example.org/reports/r1",
	})
}

// bare is an alert without an explanation by culprit or annotations of its own.
func bare() *alert.Alert { return firing(model.LabelSet{"severity": "page"}, nil) }

// many returns n alerts of one group, of an incident.
func many(n int) (list []*alert.Alert) {
	for i := range n {
		a := told(model.LabelSet{"pod": model.LabelValue(fmt.Sprintf("pod-%02d", i)), "severity": "page"})
		a.Annotations["culprit_summary"] = model.LabelValue(fmt.Sprintf("%d %% of the fall is path=/pay", 60+i))
		a.Annotations["culprit_report"] = model.LabelValue(fmt.Sprintf("https://culprit.example.org/reports/r%d", i))
		a.Annotations["culprit_incident"] = model.LabelValue(fmt.Sprintf("%d alerts: 88 %% of the change is path=/pay; the first explains all of them", n))
		list = append(list, a)
	}
	return list
}

func ended(list []*alert.Alert) []*alert.Alert {
	for _, a := range list {
		a.EndsAt = time.Now().Add(-time.Second)
	}
	return list
}

// golden compares with a file in testdata; with CULPRIT_UPDATE=1 it writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("CULPRIT_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// receivers are the people's receivers.
func receivers() []string {
	return []string{"slack", "slack-updated", "pagerduty", "opsgenie", "jsm", "teams", "email"}
}

func TestMessagesReadLikeThis(t *testing.T) {
	w := newWorld(t)
	for _, receiver := range receivers() {
		var b strings.Builder
		for _, c := range []struct {
			title  string
			alerts []*alert.Alert
		}{
			{"one alert", []*alert.Alert{told(model.LabelSet{"severity": "page"})}},
			{"one alert, of which culprit says nothing", []*alert.Alert{bare()}},
			{"three alerts", many(3)},
			{"three alerts that have ended", ended(many(3))},
		} {
			requests, mails := w.notify(t, receiver, group, c.alerts...)
			fmt.Fprintf(&b, "=== %s\n", c.title)
			for _, r := range requests {
				fmt.Fprintf(&b, "%s %s\n%s\n", r.Method, r.Address, indented(t, r.Body))
			}
			for _, m := range mails {
				subject, text, html := parts(t, m)
				fmt.Fprintf(&b, "Subject: %s\n\n%s\n%s\n", subject, text, html)
			}
		}
		golden(t, receiver+".txt", b.String())
	}
}

// indented formats JSON for reading, without escapes.
func indented(t *testing.T, body []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, body)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parts returns subject and both bodies of a mail.
func parts(t tester, text string) (subject, plain, html string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := r.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	if len(bodies) != 2 {
		t.Fatalf("%d bodies", len(bodies))
	}
	return subject, bodies[0], bodies[1]
}
