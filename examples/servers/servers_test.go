// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// TestMain also runs the small service, as the program does.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "service" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// A full disk on real servers, as far as a short run can show it: both culprits answer, and neither
// says anything false.
func TestAFullDiskOnRealServers(t *testing.T) {
	if err := missing("prometheus"); err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("it takes two minutes")
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"--only=disk-full", "--times=1", "--interval=2s", "--quiet=1m", "--hold=20s", "--pause=0s"}, &out, &errs)
	t.Logf("%s", out.String())
	if code != 0 || strings.Count(out.String(), "disk-full ") != 2 || strings.Contains(out.String(), "no report") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestWhatAFirstLineIsWorth(t *testing.T) {
	place := func(confidence analysis.Confidence, name, value string) analysis.Finding {
		return analysis.Finding{Kind: analysis.KindLabels, Confidence: confidence, Labels: []map[string]string{{name: value}}}
	}
	series := func(name string) analysis.Finding {
		return analysis.Finding{Kind: analysis.KindSeries, Confidence: analysis.Medium, Series: name}
	}
	truth := truth{labels: map[string]string{"mountpoint": "/logs"}, implied: map[string]string{"job": "node"}, series: `filesystem.*logs`}
	for _, c := range []struct {
		want, summary string
		verdict       analysis.Verdict
		causes        []analysis.Finding
	}{
		{isTrue, "only mountpoint=/srv/logs of 5", analysis.Explained, []analysis.Finding{place(analysis.High, "mountpoint", "/srv/logs")}},
		{isFalse, "only mountpoint=/srv/data of 5", analysis.Explained, []analysis.Finding{place(analysis.High, "mountpoint", "/srv/data")}},
		{useless, "only job=node of 5", analysis.Explained, []analysis.Finding{place(analysis.High, "job", "node")}},
		{isFalse, "No change found: 42 %, as expected", analysis.NoChange, nil},
		{isFalse, "Not this one alone: all 5 moved alike", analysis.External, nil},
		{useless, "No cause found; mountpoint=/srv/data is a guess", analysis.NoConfidentCause, []analysis.Finding{place(analysis.Low, "mountpoint", "/srv/data")}},
		{isTrue, `filesystem used{x="logs"} rose`, analysis.Explained, []analysis.Finding{series(`filesystem used{x="logs"}`)}},
		{isFalse, "mountpoint=/srv/logs; goroutines rose", analysis.Explained, []analysis.Finding{place(analysis.High, "mountpoint", "/srv/logs"), series("goroutines")}},
	} {
		if got := truth.judge(report.Report{Summary: c.summary, Result: analysis.Result{Verdict: c.verdict, Causes: c.causes}}); got != c.want {
			t.Errorf("%s is %s, want %s", c.summary, got, c.want)
		}
	}
}

func TestEveryFaultHasAnAlertAndATruth(t *testing.T) {
	rules, err := etc.ReadFile("etc/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range faults() {
		if !strings.Contains(string(rules), "alert: "+f.alert+"\n") || len(f.truth.labels) == 0 || f.truth.series == "" || f.harm == nil || f.mend == nil || names[f.name] {
			t.Errorf("%s has no alert %q of rules.yml, no truth, or its name is another's", f.name, f.alert)
		}
		names[f.name] = true
	}
}

func TestWrongCallsAreRefused(t *testing.T) {
	for _, args := range []string{"--only nothing", "--times 0", "--what"} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%s: exit %d, says %q", args, code, errs.String())
		}
	}
}

func TestAReportKnowsItsFault(t *testing.T) {
	l, ok := lineOf("reports/213012-redis-memory-suggested.json")
	if !ok || l.fault.name != "redis-memory" || l.rule != "suggested" {
		t.Errorf("%s of %s, %t", l.fault.name, l.rule, ok)
	}
	for _, name := range []string{"213012-nothing-culprit.json", "213012.json"} {
		if _, ok := lineOf(name); ok {
			t.Errorf("%s has a fault", name)
		}
	}
}
