// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// A resolved alert may still be seen firing: in a list read before its end, or through a post of
// culprit that crossed it. It must not be reported again.
func TestAnAlertThatHasJustEndedIsNotFoundAgain(t *testing.T) {
	now := time.Now()
	start := now.Add(-time.Hour)
	for _, c := range []struct {
		name                string
		starts, ended, read time.Time // ended: when its end was stored; zero: it fires
		echo                bool
	}{
		{"it fires", start, time.Time{}, now, false},
		{"it has just ended", start, now.Add(-2 * time.Second), now, true},
		{"it began earlier than was known", start.Add(-time.Minute), now.Add(-2 * time.Second), now, true},
		{"Alertmanager had lost it for minutes", start, now.Add(-3 * time.Minute), now, false},
		{"it fires anew", start.Add(time.Minute), now.Add(-2 * time.Second), now, false},
		{"a list that a stopped process has read before its end", start, now.Add(-20 * time.Second), now.Add(-time.Minute), true},
		{"a clock went back", start, now.Add(time.Hour), now, false},
	} {
		known := record{UpdatedAt: c.ended, Report: report.Report{Alert: report.Alert{StartsAt: start}}}
		if !c.ended.IsZero() {
			known.Report.ResolvedAt = &c.ended
		}
		if got := isEcho(alertmanager.Alert{StartsAt: c.starts, AskedAt: c.read}, known); got != c.echo {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A job that is redelivered after a crash may come after the end of its alert.
func TestAJobOvertakenByTheEndOfItsAlertDoesNothing(t *testing.T) {
	b := brokerOf(t, t.TempDir())
	s := storeOn(t, b, storeOptions{}, nil)
	labels := model.LabelSet{"alertname": "Errors"}
	start, end := time.Now().Add(-time.Hour), time.Now()
	alert := report.Alert{Labels: labels, StartsAt: start, Fingerprint: labels.Fingerprint().String()}
	mustPut(t, s, &record{Report: report.Report{ID: report.ID(alert.Fingerprint, start), Alert: alert, ResolvedAt: &end}})
	before, err := s.load(t.Context(), report.ID(alert.Fingerprint, start))
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{store: s} // can't explain anything
	body, err := json.Marshal(job{Alert: alert, Status: statusFiring, Reason: reasonWebhook, ReceivedAt: end.Add(-time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.handle(t.Context(), broker.Job{Body: body, Deliveries: 2}); err != nil {
		t.Fatal(err)
	}
	if after, err := s.load(t.Context(), before.Report.ID); err != nil || after.revision != before.revision {
		t.Errorf("revision %d became %d, %v", before.revision, after.revision, err)
	}
}
