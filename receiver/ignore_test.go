// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"testing"
	"time"
)

// TestWatchdogIsLeftAlone posts an always-firing alert next to one with a rule.
func TestWatchdogIsLeftAlone(t *testing.T) {
	w := newWorld(t, true)
	w.post("Watchdog", time.Now().Add(-time.Minute), true)
	w.await("the alert was seen and left alone", func() bool { n := w.metric("culprit_alerts_unmatched_total"); return n != "" && n != "0" })
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("the other has its report", func() bool { return len(w.reports()) > 0 })
	for _, r := range w.reports() {
		if r.Alert.Labels["alertname"] == "Watchdog" {
			t.Errorf("it has a report: %s", r.Summary)
		}
	}
}
