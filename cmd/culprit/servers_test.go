// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/promql/promtest"
	"github.com/culprit-dev/culprit/receiver/report"
)

// twoServers configures the shop with its alert, and a Prometheus with one series of its own.
func twoServers(t *testing.T) (config string, other *promtest.Server) {
	t.Helper()
	other = promtest.New(t, "load 15s\n  depth{queue=\"a\"} 0x740\n")
	return write(t, "culprit.yml", fmt.Sprintf(`
prometheus:
  - {name: eu, url: %q, matchers: ['cluster="eu"']}
  - {name: us, url: %q, matchers: ['cluster="us"']}
`, startShop(t, errorRule), withRules(t, other))), other
}

func TestOneOfSeveralServersIsAsked(t *testing.T) {
	config, other := twoServers(t)
	for _, c := range []struct{ name, says string }{
		{"", "it is unclear which Prometheus is meant: there are eu, us\nhint: name one of them"},
		{"asia", "no Prometheus is called \"asia\"\nhint: use one of eu, us"},
	} {
		args := []string{"--config.file", config, "--prometheus.name", c.name}
		for _, command := range [][]string{{"explain", "ErrorsHigh", "--at", "11100"}, {"suggest"}} {
			if got := culprit(t, append(command, args...)...); got.code != exitUsage || !strings.Contains(got.err, c.says) {
				t.Errorf("%s %q: exit %d: %s", command[0], c.name, got.code, got.err)
			}
		}
	}
	var r report.Report
	culprit(t, "explain", "ErrorsHigh", "--at", "11100", "--config.file", config, "--prometheus.name", "eu", "--format", "json").into(t, &r)
	if r.Prometheus != "eu" || len(r.Result.Causes) == 0 || r.Result.Causes[0].Labels[0]["path"] != "/pay" {
		t.Errorf("%s: %s", r.Prometheus, r.Summary)
	}
	if c := culprit(t, "suggest", "--config.file", config, "--prometheus.name", "eu"); c.code != exitOK || !strings.Contains(c.out, "ErrorsHigh") {
		t.Errorf("exit %d: %s", c.code, c.err)
	}
	if asked := other.Requests(); len(asked) > 0 {
		t.Errorf("the other one was asked: %v", asked)
	}
	culprit(t, "explain", "--expr", "depth", "--at", "11100", "--config.file", config, "--prometheus.url", other.URL, "--prometheus.name", "eu", "--format", "json").into(t, &r)
	if len(other.Requests()) == 0 {
		t.Error("the address of the flag was not asked")
	}
}

func TestThePastOfAllServersIsExplained(t *testing.T) {
	config := write(t, "culprit.yml", fmt.Sprintf(`
prometheus:
  - {name: eu, url: %q, matchers: ['cluster="eu"']}
  - {name: us, url: %q, matchers: ['cluster="us"']}
`, startShop(t, errorRule), startShop(t, errorRule)))
	var got replayed
	culprit(t, "replay", "--from", "0", "--to", "11100", "--after", "4m", "--config.file", config, "--format", "json").into(t, &got)
	var of []string
	for _, r := range got.Reports {
		of = append(of, r.Prometheus)
	}
	if slices.Sort(of); got.Found != 2 || strings.Join(of, " ") != "eu us" {
		t.Errorf("%d alerts of %v", got.Found, of)
	}
}

// having starts a Prometheus that has one current series.
func having(t *testing.T, name string) string {
	t.Helper()
	p, err := lab.StartPrometheus(t.Context(), lab.PrometheusOptions{History: func(ctx context.Context, db storage.Appendable) error {
		app := db.Appender(ctx)
		if _, err := app.Append(0, labels.FromStrings("__name__", name), time.Now().UnixMilli(), 1); err != nil {
			return err
		}
		return app.Commit()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p.URL()
}

// TestAQueryIsAskedWhereItsAlertsBelong also passes if only one of several servers has an answer.
func TestAQueryIsAskedWhereItsAlertsBelong(t *testing.T) {
	eu, us := having(t, "depth"), having(t, "width")
	check := func(matchers, address string) call {
		return culprit(t, "check", "config", "--servers", write(t, "culprit.yml", fmt.Sprintf(`
prometheus:
  - {name: eu, url: %q, matchers: ['cluster="eu"']}
  - {name: us, url: %q}
rules:
  - {name: queues, matchers: [%s], target: {query: 'vector(1)'}, candidates: [{name: depth, query: depth}]}
`, eu, address, matchers)))
	}
	if c := check(`'alertname="A"'`, us); c.code != exitOK { // eu has it
		t.Errorf("exit %d: %s", c.code, c.err)
	}
	if c := check(`'cluster="eu"'`, us); c.code != exitOK {
		t.Errorf("exit %d: %s", c.code, c.err)
	}
	if c := check(`'cluster="us"'`, us); c.code != exitFinding || !strings.Contains(c.err, "candidates[0].query returns nothing now") {
		t.Errorf("exit %d: %s", c.code, c.err)
	}
	if c := check(`'cluster="eu"'`, "http://127.0.0.1:1"); c.code != exitFinding || !strings.Contains(c.err, `prometheus "us": Prometheus at http://127.0.0.1:1 does not answer`) {
		t.Errorf("exit %d: %s", c.code, c.err)
	}
}
