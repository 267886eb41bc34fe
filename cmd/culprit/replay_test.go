// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql/promtest"
)

func TestThePastIsExplained(t *testing.T) {
	url := startShop(t, errorRule)
	args := []string{"replay", "--from", "0", "--to", "11100", "--after", "4m", "--prometheus.url", url, "--config.file", write(t, "culprit.yml", shopConfig)}
	c := culprit(t, args...)
	if c.code != exitOK {
		t.Fatalf("exit %d: %s", c.code, c.err)
	}
	golden(t, "replay.txt", c.out)
	for _, want := range []string{"1 alert began to fire between 1970-01-01 00:00:00Z and 1970-01-01 03:05:00Z", "1/1, done in", "requests"} {
		if !strings.Contains(c.err, want) {
			t.Errorf("the progress doesn't say %q:\n%s", want, c.err)
		}
	}
	var got replayed
	culprit(t, append(args, "--format", "json")...).into(t, &got)
	if got.Found != 1 || len(got.Reports) != 1 || got.Verdicts[analysis.Explained] != 1 || got.Requests == 0 || got.Seconds == 0 {
		t.Errorf("%+v", got)
	}
}

func TestNoAlertsInThePast(t *testing.T) {
	c := culprit(t, "replay", "--from", "0", "--to", "9000", "ErrorsHigh", "--prometheus.url", startShop(t, errorRule))
	if c.code != exitOK || c.out != "no alert began to fire\n" {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestWrongCallsOfReplay(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "required flag(s) '--from'"},
		{[]string{"--from", "1h", "--to", "2h"}, exitUsage, "is not before"},
		{[]string{"--from", "noon"}, exitUsage, "is not a time"},
		{[]string{"--from", "1h", "--step", "1ms"}, exitUsage, "--step must be a second or more"},
		{[]string{"--from", "1h"}, exitUsage, "no Prometheus to ask"},
		{[]string{"--from", "1h", `a="`, "--prometheus.url", "http://p"}, exitUsage, "neither a name nor a matcher"},
		{[]string{"--from", "1h", "--prometheus.url", "http://127.0.0.1:1"}, exitFinding, "does not answer"},
	} {
		got := culprit(t, append([]string{"replay"}, c.args...)...)
		if got.code != c.code || got.out != "" || !strings.Contains(got.err, c.want) {
			t.Errorf("%q: exit %d: %s%s", c.args, got.code, got.out, got.err)
		}
	}
}

func TestProgress(t *testing.T) {
	var b strings.Builder
	p := &progress{w: &b, total: 40, start: time.Now(), cost: func() string { return "7 requests" }}
	for range 40 {
		p.done("A")
	}
	p.end()
	if lines := strings.Split(strings.TrimSpace(b.String()), "\n"); len(lines) != 10 || !strings.HasPrefix(lines[0], "[██··") {
		t.Errorf("%q", b.String())
	}
	p.count = 10
	if got := p.line(10*time.Second, "A\x1b"); got != "[█████···············] 10/40, about 30s left, 7 requests: A�" {
		t.Errorf("%q", got)
	}
	b.Reset()
	p = &progress{w: &b, total: 2, start: time.Now(), cost: func() string { return "" }, rewrites: true}
	p.done("A")
	p.done("B")
	p.end()
	if strings.Count(b.String(), "\r") != 2 || strings.Count(b.String(), "\n") != 1 {
		t.Errorf("%q", b.String())
	}
	b.Reset()
	p = &progress{w: &b, total: 2, start: time.Now(), cost: func() string { return strings.Repeat("é", 99) }, rewrites: true}
	p.done("A")
	if n := columns(strings.TrimPrefix(b.String(), "\r\x1b[K")); n >= answerWidth {
		t.Errorf("%d columns are more than a terminal has", n)
	}
}

func TestAnInterruptedReplayShowsWhatItHas(t *testing.T) {
	var script strings.Builder
	script.WriteString("load 15s\n")
	for i, service := range []string{"a", "b", "c"} {
		fmt.Fprintf(&script, "errors_total{service=%q} 0+3x720 2160+90x20\n", service)
		fmt.Fprintf(&script, "ALERTS_FOR_STATE{alertname=\"Errors\",service=%q} _x719 %dx20\n", service, 10700+i)
		fmt.Fprintf(&script, "ALERTS{alertname=\"Errors\",service=%q,alertstate=\"firing\"} _x719 1x20\n", service)
	}
	prom, err := url.Parse(withRules(t, promtest.New(t, script.String()),
		`{"type":"alerting","name":"Errors","state":"inactive","health":"ok","query":"sum by (service) (rate(errors_total[1m])) > 3"}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	proxy := httputil.NewSingleHostReverseProxy(prom)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), url.QueryEscape(`service="c"`)) {
			interrupt()
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	var out, errs bytes.Buffer
	code := run(ctx, []string{"replay", "--from", "0", "--to", "11000", "--parallel", "1", "--prometheus.url", front.URL}, streams{nil, &out, &errs})
	if code != exitFinding || !strings.Contains(errs.String(), "error: interrupted after 2 of 3 alerts") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	if n := strings.Count(out.String(), "  Errors  "); n != 2 || !strings.Contains(out.String(), "2 of 2: ") {
		t.Errorf("%s", out.String())
	}
}
