// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/promtest"
	"github.com/culprit-dev/culprit/receiver/report"
)

// logOfOne is a log with one change.
type logOfOne struct {
	change changes.Change
	older  int // number that it leaves out
	err    error
}

func (l logOfOne) Between(_ context.Context, from, to time.Time) ([]changes.Change, int, error) {
	if at := time.Unix(int64(l.change.At), 0); at.Before(from) || at.After(to) {
		return nil, l.older, l.err
	}
	return []changes.Change{l.change}, l.older, l.err
}

// explainTold explains the incident of four instances with a log of changes.
func explainTold(t *testing.T, log ChangeLog) report.Report {
	t.Helper()
	s := promtest.New(t, fourInstances(1, .2))
	s.PutRules(promtest.Rule{Alert: "Errors", Query: "vector(1)", For: 2 * time.Minute})
	at := func(minute int) time.Time { return time.Unix(int64(60*minute), 0).UTC() }
	return Report(t.Context(), fetcherOf(t, s, config.Prometheus{}), Question{
		Alert: report.Alert{Labels: model.LabelSet{"alertname": "Errors", "job": "api"}, StartsAt: at(fourOnset + 3)},
		Rule:  fourRule(), Onset: at(fourOnset + 1), Now: at(fourMinutes - 1), Changes: log,
	})
}

func TestAReportedChangeCanBeACause(t *testing.T) {
	r := explainTold(t, logOfOne{change: changes.Change{
		At: 60*fourOnset - 90, Title: "api was deployed", Labels: map[string]string{"job": "api"}, From: "v41", To: "v42", Source: "api",
	}})
	first := r.Result.Causes[0]
	if first.Kind != analysis.KindChange || !report.Confident(first) || first.Change.To != "v42" || first.Change.Source != "api" {
		t.Errorf("%s %s: %s", first.Kind, first.Confidence, first.Sentence)
	}
	if r.NoChange() != "" || r.HeldFor != 120 {
		t.Errorf("%q, for %g s", r.NoChange(), r.HeldFor)
	}
}

// If the changes are too old, or unreadable, the answer is given without them.
func TestAnAnswerNeedsNoChanges(t *testing.T) {
	longAgo := changes.Change{At: 60*fourOnset - 20*3600, Title: "api was deployed", Labels: map[string]string{"job": "api"}, Source: "api"}
	for name, log := range map[string]ChangeLog{
		"none":     nil,
		"long ago": logOfOne{change: longAgo},
		"unread":   logOfOne{err: errors.New("the store is closed")},
		"cut":      logOfOne{change: longAgo, older: 7},
	} {
		r := explainTold(t, log)
		if r.Result.Verdict != analysis.Explained || r.Result.Causes[0].Kind == analysis.KindChange {
			t.Errorf("%s: %s", name, r.Summary)
		}
		if !strings.HasPrefix(r.NoChange(), "No change was found before it") {
			t.Errorf("%s: %q", name, r.NoChange())
		}
		if warned := slices.ContainsFunc(r.Result.Warnings, func(w analysis.Warning) bool { return w.Source == "changes" }); warned != (name == "unread" || name == "cut") {
			t.Errorf("%s: %v", name, r.Result.Warnings)
		}
	}
}
