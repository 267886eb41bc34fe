// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// changesOf writes a file of releases, all a minute before the incident.
func changesOf(t *testing.T, services ...string) string {
	t.Helper()
	at := readFacts(t).Onset - 60
	list := make([]string, len(services))
	for i, name := range services {
		list[i] = fmt.Sprintf(`{"at": %d, "title": "%s was rolled out", "labels": {"service": %q}, "from": "v41", "to": "v42"}`, at, name, name)
	}
	return write(t, "changes.json", "["+strings.Join(list, ",")+"]")
}

func TestReleasedServicesAreCauses(t *testing.T) {
	released := []string{"adservice", "cartservice", "emailservice", "frontend", "shippingservice", "nobody"}
	args := append([]string{"--changes", changesOf(t, released...)}, nezha(t)...)
	var r analysis.Result
	c := analyzeSeries(t, "candidates", append([]string{"--top", "1", "--format", "json"}, args...)...)
	c.printed(t)
	c.into(t, &r)
	services := map[string]bool{}
	for i, cause := range r.Causes {
		if cause.Kind != analysis.KindChange {
			continue
		}
		name := cause.Labels[0]["service"]
		if services[name] = true; i == 0 && name != "frontend" || cause.Change == nil || cause.Change.To != "v42" {
			t.Errorf("at place %d there is %s", i+1, cause.Sentence)
		}
	}
	if len(services) != len(released) {
		t.Errorf("--top 1 has cut services that were released: there are %v", services)
	}
	if table := analyzeSeries(t, "candidates", args...); !strings.Contains(table.out, "frontend was rolled out 60 s before (v41 → v42)") {
		t.Errorf("the table does not say it:\n%s", table.out)
	}
}

func TestChangesThatCanNotBeRead(t *testing.T) {
	file := write(t, "changes.json", `[{"at": "2022-08-22T03:54:00Z"}, {"at": "soon"}]`)
	got := culprit(t, append([]string{"analyze", "candidates", "--changes", file}, nezha(t)...)...)
	if got.code != exitFinding || !strings.Contains(got.err, `change 2: at: "soon" is not a time`) || got.out != "" {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

func TestTheKeysOfAFileOfChanges(t *testing.T) {
	help := culprit(t, "analyze", "candidates", "--help").out
	for _, key := range []string{"at", "until", "title", "labels", "from", "to"} {
		if strings.Count(help, `"`+key+`"`) < 2 {
			t.Errorf("%s is not described by the text and by the flag", key)
		}
	}
}

func TestAFileWithoutChanges(t *testing.T) {
	args := append([]string{"analyze", "candidates"}, nezha(t)...)
	none := culprit(t, append(args, "--changes", write(t, "none.json", " [] "))...)
	if !strings.Contains(none.out, "Note: ") || !strings.Contains(none.out, "none.json lists no change.") {
		t.Errorf("it does not say that there are none:\n%s", none.out)
	}
	for text, want := range map[string]string{"null": "this is null", "": "the file is empty"} {
		got := culprit(t, append(args, "--changes", write(t, "no.json", text))...)
		if got.code != exitFinding || !strings.Contains(got.err, want) || !strings.Contains(got.err, "hint: write []") {
			t.Errorf("%q, exit %d: %s", text, got.code, got.err)
		}
	}
}

func TestThePublishedMethodKnowsNoChanges(t *testing.T) {
	got := culprit(t, append([]string{"analyze", "candidates", "--method", "balance", "--changes", changesOf(t, "cart")}, nezha(t)...)...)
	if got.code != exitUsage || !strings.Contains(got.err, "knows no changes") || !strings.Contains(got.err, "hint: leave --changes out") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

// A release and the version that it brought are one cause, with the change's own words.
func TestAReleaseAndItsVersionAreOneCause(t *testing.T) {
	var csv strings.Builder
	csv.WriteString("time,version,region,value\n")
	for minute := range 60 {
		for _, version := range []string{"v41", "v42"} {
			for k, region := range []string{"eu", "us", "ap"} {
				value := 100 + 10*k + (minute*7+k*3)%5
				if version == "v42" && minute >= 55 {
					value *= 4
				}
				fmt.Fprintf(&csv, "%d,%s,%s,%d\n", 1700000000+60*minute, version, region, value)
			}
		}
	}
	rows := write(t, "rows.csv", csv.String())
	list := write(t, "changes.json", `[{"at": 1700003240, "title": "shop was rolled out", "labels": {"service": "shop"}, "from": "v41", "to": "v42"}]`)
	args := []string{"analyze", "dimensions", "--long", rows, "--time", "time", "--value", "value", "--onset", "1700003300", "--format", "json"}
	var r analysis.Result
	c := culprit(t, append(args, "--changes", list)...)
	c.printed(t)
	c.into(t, &r)
	if len(r.Causes) != 1 || r.Causes[0].Kind != analysis.KindChange || r.Causes[0].Confidence == analysis.Low || len(r.Causes[0].Evidence.Places) == 0 {
		t.Errorf("the causes are %s", c.out)
	}
	if got := culprit(t, "analyze", "dimensions", rows, "--changes", list); got.code != exitUsage || !strings.Contains(got.err, "snapshots have no time") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}
