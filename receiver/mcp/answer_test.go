// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
)

func serverOf(t *testing.T) *server {
	t.Helper()
	u, err := url.Parse("https://culprit.example.org/below/")
	if err != nil {
		t.Fatal(err)
	}
	return &server{Options: Options{External: u, Now: time.Now}}
}

func place(value string, c analysis.Confidence) analysis.Finding {
	return analysis.Finding{Kind: analysis.KindLabels, Labels: []map[string]string{{"path": value}}, Share: 0.5, Confidence: c}
}

// An answer shows whether it is a guess.
func TestAGuessIsMarkedAndWhatIsWithheldIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		verdict    analysis.Verdict
		causes     []analysis.Finding
		confidence string
		guess      bool
		told       int
		withheld   int
		says       string
	}{
		"an answer":  {analysis.Explained, []analysis.Finding{place("/pay", analysis.High), place("/cart", analysis.Low)}, "high", false, 1, 1, "high confidence"},
		"a guess":    {analysis.NoConfidentCause, []analysis.Finding{place("/pay", analysis.Low), place("/cart", analysis.Low)}, "low", true, 1, 1, "only a guess"},
		"withheld":   {analysis.External, []analysis.Finding{place("/pay", analysis.Low)}, "none", false, 0, 1, "no cause named"},
		"nothing":    {analysis.NoChange, nil, "none", false, 0, 0, "no cause named"},
		"no answer":  {analysis.InsufficientEvidence, nil, "none", false, 0, 0, "no cause named"},
		"a likely 1": {analysis.Explained, []analysis.Finding{place("/pay", analysis.Medium)}, "medium", false, 1, 0, "medium confidence"},
	} {
		a := serverOf(t).stored(report.Report{ID: "aaaaaaaaaaaaaaaa", Result: analysis.Result{Verdict: c.verdict, Causes: c.causes}})
		if a.Confidence != c.confidence || a.Guess != c.guess || len(a.Causes) != c.told || a.Withheld != c.withheld || !strings.Contains(a.text(), c.says) {
			t.Errorf("%s: %+v, %s", name, a, a.text())
		}
		for _, cause := range a.Causes {
			if cause.Guess != c.guess {
				t.Errorf("%s: %+v", name, cause)
			}
		}
		if !strings.HasSuffix(a.text(), " https://culprit.example.org/below/reports/aaaaaaaaaaaaaaaa") {
			t.Errorf("%s has no link: %s", name, a.text())
		}
	}
}

// hostile are texts that are as long or harmful as possible.
func hostile() []string {
	return []string{"<", "\x00", "\u2028", "\xff", "é", "𝄞", `"\`, "\u202e", "\x1b[31m", "\n", "a"}
}

// Whatever a report contains, an answer leaves room for its frame.
func TestNoAnswerIsLarge(t *testing.T) {
	const frame = 200 // of the protocol
	s := serverOf(t)
	for _, text := range hostile() {
		for _, n := range []int{1, 30, 900} {
			long := strings.Repeat(text, n)
			r := report.Report{
				ID: "aaaaaaaaaaaaaaaa", Incident: "bbbbbbbbbbbbbbbb", Status: report.Partial, Summary: long,
				Alert:  report.Alert{Fingerprint: "0123456789abcdef", StartsAt: time.Now(), Labels: model.LabelSet{"alertname": model.LabelValue(long)}},
				Result: analysis.Result{Verdict: analysis.Explained, Change: &analysis.Change{Target: long, Forecast: 1, Actual: 2}},
			}
			var changes []changed
			for i := range 12 {
				r.Alert.Labels[model.LabelName(fmt.Sprint(i, long))] = model.LabelValue(long)
				r.Result.Causes = append(r.Result.Causes, place(fmt.Sprint(long, i), analysis.High))
				r.Result.Warnings = append(r.Result.Warnings, analysis.Warning{Text: long})
				changes = append(changes, newChanged(changelog.Change{
					Title: long, From: long, To: long, Source: long, URL: long, Labels: map[string]string{long: long, "a": long, "b": long}, At: time.Now(), Until: time.Now(),
				}, "report"))
			}
			a := s.stored(r)
			l := list{Reports: fitting(slices.Repeat([]listed{s.listed(r)}, 20), maxList), Next: "1796037000000000000.aaaaaaaaaaaaaaaa"}
			c := changedList{Changes: fitting(changes, maxList-maxDoubts), Next: l.Next, Doubts: []string{short(long, maxDoubts)}}
			for what, answered := range map[string]result{
				"a report": {Content: []content{{"text", a.text()}}, Structured: a},
				"a list":   {Content: []content{{"text", sayList(20, "report", "reports", l.Next)}}, Structured: l},
				"changes":  {Content: []content{{"text", short(long, maxLine)}}, Structured: c},
				"an error": {Content: []content{{"text", sayError(fmt.Errorf("%s", long))}}, IsError: true},
			} {
				text, err := json.Marshal(answered)
				if err != nil || len(text)+frame >= 4<<10 {
					t.Errorf("%s of %d × %q has %d bytes, %v", what, n, text, len(text), err)
				}
			}
			if len(l.Reports) == 0 || len(c.Changes) == 0 || len(a.Causes) == 0 || a.Labels["alertname"] == "" && report.OneLine(long, 9) != "" {
				t.Errorf("%d × %q leaves no room: %d reports, %d changes, %d causes, %v", n, text, len(l.Reports), len(c.Changes), len(a.Causes), a.Labels)
			}
			if line := a.text(); strings.ContainsAny(line, "\n\x00\x1b\u2028\u202e") {
				t.Errorf("%q", line)
			}
		}
	}
}
