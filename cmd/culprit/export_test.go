// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

// pages serves one report as the daemon does.
type pages struct {
	web.Reader
	report report.Report
}

func (p pages) Report(_ context.Context, id string) (report.Report, error) {
	if id != p.report.ID {
		return report.Report{}, web.ErrNotFound
	}
	return p.report, nil
}

func (p pages) Reports(_ context.Context, f web.Filter) (list []report.Report, err error) {
	if f.PassReport(p.report) {
		list = append(list, p.report)
	}
	return list, nil
}

// shopReport is the report of the shop's alert, with feedback.
func shopReport(t *testing.T, prometheus string, said ...report.Feedback) report.Report {
	t.Helper()
	var got replayed
	culprit(t, "replay", "--from", "0", "--to", "11100", "--after", "4m", "--prometheus.url", prometheus, "--config.file", write(t, "culprit.yml", shopConfig), "--format", "json").into(t, &got)
	if len(got.Reports) != 1 {
		t.Fatalf("%d reports", len(got.Reports))
	}
	for _, f := range said {
		got.Reports[0].Told(f)
	}
	return got.Reports[0]
}

func TestAReportIsExportedAndReplayed(t *testing.T) {
	prometheus := startShop(t, errorRule)
	for says, want := range map[report.Judgement]string{report.Right: report.StillRight, report.Wrong: report.StillWrong, "": report.SameAnswer} {
		var said []report.Feedback
		if says != "" {
			said = append(said, report.Feedback{Says: says, Via: report.ViaPage})
		}
		r := shopReport(t, prometheus, said...)
		s := httptest.NewServer(web.New(web.Options{Reader: pages{report: r}}))
		t.Cleanup(s.Close)
		exported := culprit(t, "export", r.ID, "--culprit.url", s.URL)
		if exported.code != exitOK || strings.Count(exported.out, "\n") != 1 || exported.err != "1 case\n" {
			t.Fatalf("exit %d: %s%s", exported.code, exported.out, exported.err)
		}
		if all := culprit(t, "export", "--culprit.url", s.URL); (all.out == exported.out) != (says != "") {
			t.Errorf("%q: all that were judged are %q", says, all.out)
		}
		args := []string{"replay", "--case", write(t, "cases.json", exported.out), "--prometheus.url", prometheus, "--config.file", write(t, "culprit.yml", shopConfig)}
		got := culprit(t, args...)
		if got.code != exitOK || !strings.Contains(got.out, "1 of 1: "+want) || strings.Count(got.out, r.Summary) != 2 {
			t.Errorf("%q: exit %d: %s%s", says, got.code, got.out, got.err)
		}
		var result replayed
		culprit(t, append(args, "--format", "json")...).into(t, &result)
		if len(result.Cases) != 1 || result.Cases[0].Verdict != want || result.Cases[0].Case.Report != r.ID {
			t.Errorf("%q: %+v", says, result.Cases)
		}
	}
}

// told is a log of changes.
type told []changelog.Change

func (l told) List(context.Context, changelog.Filter) ([]changelog.Change, error) { return l, nil }

// A case includes reported changes, which no Prometheus has.
func TestACaseKeepsWhatOthersReported(t *testing.T) {
	prometheus := startShop(t, errorRule)
	r := shopReport(t, prometheus)
	deployed := changelog.Change{ID: "1", At: r.Onset.Add(-time.Minute), Title: "shop v42", To: "v42", Labels: map[string]string{"service": "shop"}, Source: "deploys"}
	for _, list := range []told{{}, {deployed}} {
		s := httptest.NewServer(web.New(web.Options{Reader: pages{report: r}, Changes: list}))
		t.Cleanup(s.Close)
		exported := culprit(t, "export", r.ID, "--culprit.url", s.URL)
		if strings.Contains(exported.out, "shop v42") != (len(list) > 0) {
			t.Errorf("%d changes: %s%s", len(list), exported.out, exported.err)
		}
		var again replayed
		culprit(t, "replay", "--case", write(t, "cases.json", exported.out), "--prometheus.url", prometheus, "--config.file", write(t, "culprit.yml", shopConfig),
			"--format", "json").into(t, &again)
		before := 0
		if c := again.Reports[0].Result.Changes; c != nil {
			before = c.Before
		}
		if before != len(list) {
			t.Errorf("of %d changes %d are looked at again", len(list), before)
		}
	}
}

// many serves as many reports as requested.
type many struct{ pages }

func (m many) Reports(_ context.Context, f web.Filter) (list []report.Report, err error) {
	for range f.Limit {
		list = append(list, m.report)
	}
	return list, nil
}

func TestAnExportThatIsCutSaysSo(t *testing.T) {
	r := report.New(report.Input{Alert: report.Alert{Labels: model.LabelSet{"alertname": "A"}}})
	s := httptest.NewServer(web.New(web.Options{Reader: many{pages{report: r}}}))
	t.Cleanup(s.Close)
	got := culprit(t, "export", "--culprit.url", s.URL)
	if got.code != exitOK || strings.Count(got.out, "\n") != exportMost || !strings.Contains(got.err, "1000 cases\n") || !strings.Contains(got.err, "older ones that people have judged are left out; hint:") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

func TestAnExportKeepsTheQueryOfTheAddress(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("token") != "secret" || q.Get("judged") != "true" {
			t.Errorf("asked with %q", r.URL.RawQuery)
		}
		io.WriteString(w, "[]")
	}))
	t.Cleanup(s.Close)
	if got := culprit(t, "export", "--culprit.url", s.URL+"?token=secret"); got.code != exitOK {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

func TestWrongCallsOfExportAndOfCases(t *testing.T) {
	s := httptest.NewServer(web.New(web.Options{Reader: pages{}}))
	t.Cleanup(s.Close)
	secret, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	secret.User, secret.Host = url.UserPassword("me", "hunter2"), "127.0.0.1:1"
	file := write(t, "cases.json", `{"alert":{"labels":{"alertname":"A"}},"at":"2026-11-29T12:00:00Z"} {"x":1}`)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"export", "../x"}, exitUsage, "is not a report id"},
		{[]string{"export", "--culprit.url", "culprit"}, exitUsage, "is not an address"},
		{[]string{"export", "--culprit.url", secret.String()}, exitFinding, "does not answer"},
		{[]string{"export", "aaaaaaaaaaaaaaaa", "--culprit.url", s.URL}, exitFinding, "404"},
		{[]string{"replay", "--case", file, "--from", "1h", "--prometheus.url", "http://p"}, exitUsage, "leave --from"},
		{[]string{"replay", "--case", file, "--prometheus.url", "http://p"}, exitFinding, "case 2: it has no alert or no time"},
		{[]string{"replay", "--case", "nothing.json", "--prometheus.url", "http://p"}, exitUsage, "nothing.json"},
	} {
		got := culprit(t, c.args...)
		if got.code != c.code || got.out != "" || !strings.Contains(got.err, c.want) || strings.Contains(got.err, "hunter2") {
			t.Errorf("%q: exit %d: %s%s", c.args, got.code, got.out, got.err)
		}
	}
}
