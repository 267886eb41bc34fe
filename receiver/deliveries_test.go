// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// A record that can't be stored because the cluster has no leader is stored later: then another
// replica knows of it, and sends the end.
func TestADeliveryThatCannotBeStoredAtOnceIsStoredLater(t *testing.T) {
	b := brokerOf(t, t.TempDir())
	open := func() *deliveries {
		d, err := openDeliveries(t.Context(), b, time.Hour, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	one, other := open(), open()
	without, cancel := context.WithCancel(t.Context())
	cancel()
	took := func(d *delivery) bool {
		d.Begun = true
		return d.take([]report.Sent{{Sink: "hook", Status: report.SentOK, Ref: "1"}}, "said", false)
	}
	if err := one.update(without, "report", "hook", took); err == nil {
		t.Fatal("it was stored")
	}
	eventually(t, "another replica knows of it", func() bool {
		known := other.get("report", "hook")
		return known.Begun && len(known.Sent) == 1
	})
	eventually(t, "nothing is left to store", func() bool {
		one.mu.RLock()
		defer one.mu.RUnlock()
		return len(one.unwritten) == 0
	})
}
