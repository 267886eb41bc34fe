// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

func TestANoteTellsTheCausesSilencesNothingAndGoesWithTheIncident(t *testing.T) {
	c, p := quiet(t), fromPrometheus("Errors")
	post(t, c, p)
	n := NewNotes(peersOf(c), Options{})
	m := explained(p.Labels)
	sent := n.Send(t.Context(), m)
	if statuses(sent) != "ok" || sent[0].Sink != "note" {
		t.Fatalf("%+v", sent)
	}
	note := readSilence(t, c, sent[0].Ref)
	if note.State != alertmanager.SilenceActive || note.CreatedBy != "culprit" || !strings.Contains(note.Comment, ourLine) ||
		note.EndsAt.Sub(note.StartsAt).Round(time.Minute) != 2*time.Hour {
		t.Errorf("%+v", note)
	}
	if alert := mustFind(t, c, p.Labels); alert.State == alertmanager.AlertSuppressed || len(alert.SilencedBy) > 0 {
		t.Errorf("the alert is %s by %v", alert.State, alert.SilencedBy)
	}
	if again := n.Send(t.Context(), m); statuses(again) != "ok" || again[0].Ref != sent[0].Ref {
		t.Errorf("after a crash before it was recorded: %+v", again)
	}
	m.Incident.Sent = sent
	if again := n.Send(t.Context(), m); len(again) > 0 {
		t.Errorf("once it is recorded: %+v", again)
	}

	m.Resolved = true
	if still := n.Send(t.Context(), m); len(still) > 0 || readSilence(t, c, sent[0].Ref).State != alertmanager.SilenceActive {
		t.Errorf("while another alert of the incident is open: %+v", still)
	}
	now := time.Now()
	m.Incident.ResolvedAt = &now
	if end := n.Send(t.Context(), m); statuses(end) != "ok" || readSilence(t, c, sent[0].Ref).State != alertmanager.SilenceExpired {
		t.Errorf("when the incident has ended: %+v", end)
	}
	if end := n.Send(t.Context(), m); len(end) > 0 {
		t.Errorf("and once more: %+v", end)
	}
}

func TestThereAreAtMostTwentyNotes(t *testing.T) {
	c := quiet(t)
	n := NewNotes(peersOf(c), Options{})
	silenced(t, c, silenceOf(errands()))
	for i := range maxNotes + 1 {
		m := explained(errands())
		m.Incident.ID = strings.Repeat("i", i+1)
		want := report.SentOK
		if i == maxNotes {
			want = report.SentSkipped
		}
		if sent := n.Send(t.Context(), m); statuses(sent) != want {
			t.Fatalf("note %d: %+v", i+1, sent)
		}
	}
}

func TestANoteNeedsOnePeerOnly(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	c := quiet(t)
	if sent := NewNotes(peersOf(connect(t, down.URL), c), Options{}).Send(t.Context(), explained(errands())); statuses(sent) != "ok" {
		t.Errorf("%+v", sent)
	}
	sent := NewNotes(peersOf(connect(t, down.URL)), Options{}).Send(t.Context(), explained(errands()))
	if statuses(sent) != "failed" || !sent[0].Retryable {
		t.Errorf("%+v", sent)
	}
}

func TestAnAlertWithoutACauseGetsNoNote(t *testing.T) {
	c := quiet(t)
	m := explained(model.LabelSet{"alertname": "A"})
	m.Report.Result.Causes, m.Incident.Causes = nil, nil
	if sent := NewNotes(peersOf(c), Options{}).Send(t.Context(), m); len(sent) > 0 {
		t.Errorf("%+v", sent)
	}
}
