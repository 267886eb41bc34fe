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
