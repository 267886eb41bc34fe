// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
)

// lookAt is a report about an incident of that many minutes.
func lookAt(minutes int, status Status, verdict analysis.Verdict, causes ...analysis.Finding) Report {
	onset := time.Date(2026, 3, 1, 3, 10, 0, 0, time.UTC)
	r := Report{Onset: onset, Status: status, Plan: Plan{End: onset.Add(time.Duration(minutes) * time.Minute)}}
	r.Result = analysis.Result{Verdict: verdict, Causes: causes}
	return r
}

func set(c analysis.Confidence, labels map[string]string) analysis.Finding {
	return analysis.Finding{Rank: 1, Kind: analysis.KindLabels, Name: labels["path"] + labels["zone"], Labels: []map[string]string{labels}, Confidence: c, Share: .8}
}

func series(c analysis.Confidence, name string) analysis.Finding {
	return analysis.Finding{Rank: 1, Kind: analysis.KindSeries, Name: name, Series: name, Confidence: c}
}

func TestALaterLookNeedsMoreEvidenceToDisagree(t *testing.T) {
	pay, cart := map[string]string{"path": "/pay"}, map[string]string{"path": "/cart"}
	finer := map[string]string{"path": "/pay", "zone": "a"}
	explained := func(minutes int, causes ...analysis.Finding) Report {
		return lookAt(minutes, Complete, analysis.Explained, causes...)
	}
	for name, c := range map[string]struct {
		earlier, now Report
		replaced     bool
		both         bool
	}{
		"the same":                         {explained(2, set(analysis.High, pay)), explained(3, set(analysis.Medium, pay)), true, false},
		"a part of it":                     {explained(2, set(analysis.High, pay)), explained(3, set(analysis.High, finer)), true, false},
		"what it is a part of":             {explained(2, set(analysis.High, finer)), explained(3, set(analysis.High, pay)), true, false},
		"nothing was known":                {lookAt(2, Complete, analysis.NoConfidentCause), lookAt(3, Complete, analysis.NoChange), true, false},
		"only a guess was known":           {lookAt(2, Complete, analysis.NoConfidentCause, set(analysis.Low, pay)), explained(3, set(analysis.Medium, cart)), true, false},
		"others, soon after":               {explained(2, set(analysis.High, pay)), explained(3, set(analysis.High, cart)), false, true},
		"others, of twice the time":        {explained(2, set(analysis.High, pay)), explained(4, set(analysis.High, cart)), true, true},
		"others, less sure":                {explained(2, set(analysis.High, pay)), explained(40, set(analysis.Medium, cart)), false, true},
		"others, more sure":                {explained(2, set(analysis.Medium, pay)), explained(3, set(analysis.High, cart)), true, true},
		"others, from less":                {explained(2, set(analysis.Medium, pay)), lookAt(40, Partial, analysis.Explained, set(analysis.High, cart)), false, true},
		"others, from more":                {lookAt(2, Partial, analysis.Explained, set(analysis.High, pay)), explained(3, set(analysis.High, cart)), true, true},
		"it is over":                       {explained(2, set(analysis.Medium, pay)), lookAt(40, Complete, analysis.NoChange), false, true},
		"it can't be seen":                 {explained(2, set(analysis.Medium, pay)), lookAt(40, Complete, analysis.NoConfidentCause, set(analysis.Low, pay)), false, true},
		"everywhere":                       {explained(2, set(analysis.High, pay)), lookAt(40, Complete, analysis.External), false, true},
		"everywhere, of more time":         {explained(2, set(analysis.Medium, pay)), lookAt(4, Complete, analysis.External), true, true},
		"it was everywhere, and is over":   {lookAt(2, Complete, analysis.External), lookAt(40, Complete, analysis.NoChange), false, true},
		"it was everywhere, now a guess":   {lookAt(2, Complete, analysis.External), lookAt(40, Complete, analysis.NoConfidentCause, set(analysis.Low, pay)), false, true},
		"it is still everywhere":           {lookAt(2, Complete, analysis.External), lookAt(3, Complete, analysis.External), true, false},
		"it was everywhere, now a place":   {lookAt(2, Complete, analysis.External), explained(3, set(analysis.Medium, pay)), true, false},
		"no answer":                        {explained(2, set(analysis.Medium, pay)), lookAt(4, Failed, analysis.InsufficientEvidence), false, false},
		"why besides where":                {explained(2, set(analysis.High, pay)), explained(3, set(analysis.High, pay), series(analysis.Medium, "cpu")), true, false},
		"where, but no more why":           {explained(2, set(analysis.High, pay), series(analysis.Medium, "cpu")), explained(3, set(analysis.High, pay)), false, true},
		"another why":                      {explained(2, series(analysis.Medium, "cpu")), explained(3, series(analysis.Medium, "memory")), false, true},
		"the same why, with where besides": {explained(2, series(analysis.Medium, "cpu")), explained(3, set(analysis.High, pay), series(analysis.Medium, "cpu")), true, false},
	} {
		kept, replaced := Later(c.earlier, c.now)
		if replaced != c.replaced {
			t.Errorf("%s: replaced %v", name, replaced)
		}
		if both := len(kept.Result.Warnings) > 0; both != c.both {
			t.Errorf("%s: told %+v", name, kept.Result.Warnings)
		}
		for _, w := range kept.Result.Warnings {
			if !strings.Contains(w.Text, "at 03:12 it was: "+c.earlier.Line()) || !strings.Contains(w.Text, c.now.Line()) {
				t.Errorf("%s: %q", name, w.Text)
			}
		}
	}
}

// Of many looks the last is mentioned, and the first is kept.
func TestOfManyLooksTheLastIsTold(t *testing.T) {
	r := lookAt(2, Complete, analysis.Explained, set(analysis.High, map[string]string{"path": "/pay"}))
	for minutes := range 5 {
		r, _ = Later(r, lookAt(3+minutes, Complete, analysis.NoChange))
	}
	if len(r.Result.Warnings) != 1 || !strings.Contains(r.Result.Warnings[0].Text, "03:17") || r.Result.Verdict != analysis.Explained {
		t.Errorf("%+v", r.Result)
	}
}
