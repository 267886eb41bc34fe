// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// The whole demo, faster: the fault is older when the rules are first evaluated, and people's route
// waits only a few seconds. Each story is played as the first of its kind, and as the second within
// a quarter of an hour, where both are explained.
func TestBothStoriesEndAsTheyShould(t *testing.T) {
	for _, story := range []struct {
		name, fault string
		again       bool
		installed   bool // with the Prometheus and the Alertmanager of this machine: other releases than those of go.mod
		checks      int
	}{
		{"spike", lab.Spike, false, false, 13},
		{"drop", lab.Drop, false, false, 13},
		{"spike again", lab.Spike, true, false, 18},
		{"drop again", lab.Drop, true, false, 18},
		{"spike, installed servers", lab.Spike, false, true, 13},
		{"drop, installed servers", lab.Drop, false, true, 13},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			var prometheus, alertmanager string
			if story.installed {
				prometheus, alertmanager = installed(t)
			}
			past := 26 * time.Hour
			if underRace {
				past = 3 * time.Hour
			}
			if story.fault == lab.Drop && underRace {
				t.Skip("its alert compares with yesterday, of which there is nothing under the race detector")
			}
			w := startTest(t, func(o *options) {
				o.fault, o.again, o.faultAfter, o.history = story.fault, story.again, -50*time.Second, past
				o.groupWait = 20 * time.Second // below Alertmanager's own default; all stories share the machine
				o.prometheusCommand, o.alertmanagerCommand = prometheus, alertmanager
				if story.installed {
					o.edit = patient
				}
			})
			startInside(t, w)
			var live bytes.Buffer
			w.shown = newPrinter(&live).update
			s := w.watch(t.Context())
			for _, part := range []string{"The report", "The first message to people", s.silence.Comment} {
				if part == "" || strings.Count(live.String(), part) != 1 {
					t.Errorf("%q was not printed as it came:\n%s", part, live.String())
				}
			}
			for _, c := range s.failed() {
				t.Errorf("%s: %v", c.claim, c.err)
			}
			if len(s.checks) != story.checks {
				t.Errorf("%d checks were made, want %d", len(s.checks), story.checks)
			}
			checkOutput(t, s)
		})
	}
}

// patient leaves the rules as they are: an alert that fires before its Prometheus knows the
// Alertmanager is sent a minute later, when people are notified at once.
func patient(name, text string) string {
	if name == "alerts.yml" {
		return text
	}
	return hurried(name, text)
}

// installed returns the servers of this machine, by Debian's names. CI installs them.
func installed(t *testing.T) (prometheus, alertmanager string) {
	t.Helper()
	prometheus, err1 := exec.LookPath("prometheus")
	alertmanager, err2 := exec.LookPath("prometheus-alertmanager")
	if err := errors.Join(err1, err2); err != nil {
		t.Skip(err)
	}
	return prometheus, alertmanager
}

// checkOutput expects all results in the text, and one JSON value.
func checkOutput(t *testing.T, s *seen) {
	t.Helper()
	var b bytes.Buffer
	if err := newPrinter(&b).show("text", s); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{s.silence.Comment, s.region.Body, s.report.URL, s.hook.payload.Incident.Summary, "The first message to people", "injected place", "injected series"} {
		if part == "" || !strings.Contains(b.String(), part) {
			t.Errorf("the text lacks %q:\n%s", part, b.String())
		}
	}
	b.Reset()
	if err := newPrinter(&b).show("json", s); err != nil {
		t.Fatal(err)
	}
	var r report.Report
	dec := json.NewDecoder(&b)
	if err := dec.Decode(&r); err != nil || r.ID != s.report.ID || dec.More() {
		t.Errorf("the JSON is not the one report: %v, %s", err, b.String())
	}
}

func TestWrongCallsAreRefusedWithASentence(t *testing.T) {
	for args, want := range map[string]string{
		"--fault flood":                                            "flood",
		"--format xml":                                             "xml",
		"--prometheus.url localhost":                               `"localhost" is not a URL`,
		"--grafana.url http://localhost:3000":                      "--grafana.token-file",
		"--alertmanager.url http://localhost":                      "needs --prometheus.url",
		"--again --prometheus.command x":                           "--again",
		"--prometheus.command x --prometheus.url http://localhost": "not both",
		"--no-such-flag":                                           "no-such-flag",
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), &out, &errs); code != exitUsage {
			t.Errorf("%s: exit %d, want %d", args, code, exitUsage)
		}
		if !strings.Contains(errs.String(), want) || out.Len() > 0 {
			t.Errorf("%s: says %q, and prints %q", args, errs.String(), out.String())
		}
	}
}

func TestTheJudgeAcceptsTheTruthAndNothingElse(t *testing.T) {
	truth := lab.Fault{Kind: lab.Spike}.Truth()
	place := func(sets ...map[string]string) analysis.Finding {
		return analysis.Finding{Kind: analysis.KindLabels, Labels: sets, Name: "a place"}
	}
	series := func(name string) analysis.Finding {
		return analysis.Finding{Kind: analysis.KindSeries, Series: name, Name: name}
	}
	pay, version := map[string]string{"path": "/api/checkout/pay"}, map[string]string{"version": "v2.4.0"}
	connections := series(`connections{service="payment"}`)
	tests := []struct {
		name   string
		causes []analysis.Finding
		right  bool
	}{
		{"the place", []analysis.Finding{place(map[string]string{"path": "/api/checkout/pay", "version": "v2.4.0"})}, true},
		{"one side of the place", []analysis.Finding{place(pay)}, true},
		{"the place and what it implies", []analysis.Finding{place(map[string]string{"version": "v2.4.0", "method": "POST"})}, true},
		{"the series, then the place", []analysis.Finding{connections, place(version)}, true},
		{"no causes", nil, false},
		{"the series without a place", []analysis.Finding{connections}, false},
		{"only what the place implies", []analysis.Finding{place(map[string]string{"method": "POST"})}, false},
		{"a place that is too narrow", []analysis.Finding{place(map[string]string{"version": "v2.4.0", "region": "eu-west"})}, false},
		{"another value beside the right one", []analysis.Finding{place(version, map[string]string{"version": "v2.3.1"})}, false},
		{"another place before the right one", []analysis.Finding{connections, place(map[string]string{"region": "eu-west"}), place(pay)}, false},
		{"an innocent first", []analysis.Finding{series(`cpu{service="payment"}`), place(pay)}, false},
		{"the series of another service first", []analysis.Finding{series(`connections{service="cart"}`), place(pay)}, false},
	}
	for _, tt := range tests {
		r := report.Report{Result: analysis.Result{Verdict: analysis.Explained, Causes: tt.causes}}
		r.Plan.Queries = []report.Query{
			{Name: "connections", Query: "sum by (service) (db_connections_in_use)"},
			{Name: "cpu", Query: "sum by (service) (rate(process_cpu_seconds_total[1m]))"},
		}
		if err := judge(r, truth); (err == nil) != tt.right {
			t.Errorf("%s: judged %v", tt.name, err)
		}
	}
	r := report.Report{Result: analysis.Result{Verdict: analysis.NoConfidentCause, Causes: []analysis.Finding{place(pay)}}}
	if judge(r, truth) == nil {
		t.Error("the truth without confidence was accepted")
	}
}

func TestTheSeriesThatMovedFirstIsMissed(t *testing.T) {
	truth := lab.Fault{Kind: lab.Drop, Region: "eu-west"}.Truth()
	for series, right := range map[string]bool{`declined{region="eu-west"}`: true, `declined{region="us-east"}`: false, `cpu{region="eu-west"}`: false} {
		r := report.Report{Result: analysis.Result{Causes: []analysis.Finding{{Kind: analysis.KindSeries, Series: series}}}}
		r.Plan.Queries = []report.Query{{Name: "declined", Query: "sum by (region) (rate(payment_declines_total[30s]))"}, {Name: "cpu", Query: "cpu"}}
		if err := judgeSeries(r, truth); (err == nil) != right {
			t.Errorf("%s: judged %v", series, err)
		}
	}
}

func TestTheFirstLineNamesThePlaceAndASeriesThatIsSure(t *testing.T) {
	truth := lab.Fault{Kind: lab.Drop, Region: "eu-west"}.Truth()
	declines := analysis.Finding{Kind: analysis.KindSeries, Series: `declined{region="eu-west"}`, Confidence: analysis.Medium}
	for _, tt := range []struct {
		line       string
		confidence analysis.Confidence
		right      bool
	}{
		{`88 % of the fall is region=eu-west; likely declined{region="eu-west"} rose ×42`, analysis.Medium, true},
		{"88 % of the fall is region=eu-west", analysis.Low, true},
		{"88 % of the fall is region=eu-west", analysis.Medium, false},
		{"88 % of the fall is region=us-east", analysis.Low, false},
	} {
		declines.Confidence = tt.confidence
		r := report.Report{Summary: tt.line, Result: analysis.Result{Causes: []analysis.Finding{declines}}}
		r.Plan.Queries = []report.Query{{Name: "declined", Query: "sum by (region) (rate(payment_declines_total[30s]))"}}
		if err := judgeLine(r, truth); (err == nil) != tt.right {
			t.Errorf("%s: judged %v", tt.line, err)
		}
	}
}

func TestFiguresAreComparedWithTheLevels(t *testing.T) {
	l := levels{usual: 20, now: 10}
	for _, tt := range []struct {
		expected, actual, share float64
		right                   bool
	}{
		{20, 10, 0.9, true},
		{21, 12, 1.02, true},
		{15, 10, 0.9, false}, // an earlier fall in the baseline
		{20, 16, 0.9, false}, // of the ramp
		{20, 10, 2.86, false},
		{20, 10, -0.2, false},
	} {
		r := report.Report{Result: analysis.Result{
			Change: &analysis.Change{Forecast: tt.expected, Actual: tt.actual},
			Causes: []analysis.Finding{{Kind: analysis.KindLabels, Share: tt.share}},
		}}
		if err := judgeFigures(r, l); (err == nil) != tt.right {
			t.Errorf("%+v: judged %v", tt, err)
		}
	}
	if judgeFigures(report.Report{}, l) == nil {
		t.Error("a report without a change was accepted")
	}
}

// Readers of the JSON get a value that says what is wrong, not null.
func TestWithoutAReportTheJSONSaysWhy(t *testing.T) {
	for want, s := range map[string]*seen{
		"the alert fires: no alert within 3m": {checks: []check{{"the alert fires", errors.New("no alert within 3m")}}},
		"it was stopped before":               {},
	} {
		var b bytes.Buffer
		if err := newPrinter(&b).show("json", s); err != nil {
			t.Fatal(err)
		}
		var answer struct{ Error string }
		if err := json.Unmarshal(b.Bytes(), &answer); err != nil || !strings.Contains(answer.Error, want) || strings.Contains(b.String(), "null") {
			t.Errorf("%v: %s", err, b.String())
		}
	}
}

// A verdict names what was injected, even if it was not found.
func TestTheVerdictNamesWhatWasInjected(t *testing.T) {
	s := &seen{truth: lab.Truth{Labels: map[string]string{"region": "us-east"}, Metric: "payments", Series: map[string]string{"result": "declined"}}}
	s.report.URL = "http://x"
	s.report.Result.Causes = []analysis.Finding{{Rank: 1, Kind: analysis.KindLabels, Labels: []map[string]string{{"region": "us-east"}}, Confidence: analysis.High}}
	text := verdict(s)
	for _, want := range []string{`{region="us-east"}: found as cause 1, high confidence`, `payments{result="declined"}: NOT found`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
