// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"sync"
	"testing"
	"time"
)

// A replica is stopped after it has explained an alert, before it annotates it. The others learn of
// it at once and annotate it, unless it is resolved.
func TestOtherMembersAnnotateAnAlertThatOneHasExplained(t *testing.T) {
	members := clusterOf(t)
	var mu sync.Mutex
	seen := map[string]int{}
	for _, m := range members[1:] {
		m.onOther(func(fingerprint string) {
			mu.Lock()
			defer mu.Unlock()
			seen[fingerprint]++
		})
	}
	over := alertIn("a", "Over", "cart", noon)
	end := noon.Add(time.Minute)
	over.Report.ResolvedAt = &end
	fires := alertIn("b", "Fires", "pay", noon)
	members[0].keep(t, over)
	members[0].keep(t, fires)
	eventually(t, "both others hear of the alert that fires", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return seen[fires.Report.Alert.Fingerprint] >= 2
	})
	mu.Lock()
	defer mu.Unlock()
	if n := seen[over.Report.Alert.Fingerprint]; n > 0 {
		t.Errorf("%d hear of one that is over", n)
	}
}

// A member whose index lags takes a known alert for a new one. The alert stays in its incident, so
// that nobody is notified twice, and its end is sent.
func TestAnAlertStaysInItsIncidentWhoeverExplainsItAgain(t *testing.T) {
	b := brokerOf(t, t.TempDir())
	one, behind := storeOn(t, b, storeOptions{}, nil), storeOn(t, b, storeOptions{}, nil)
	first := alertIn("a", "Errors", "pay", noon)
	first.Group.Key = "as the webhook has it"
	opened := mustPut(t, one, first)
	id := first.Report.ID
	eventually(t, "both know of it", func() bool {
		_, ok := behind.current(first.Report.Alert.Fingerprint)
		_, is := behind.incidentByID(opened.ID)
		return ok && is
	})
	behind.expired(id)
	behind.mu.Lock()
	delete(behind.incident, opened.ID)
	behind.mu.Unlock()

	again := alertIn("a", "Errors", "pay", noon)
	if got := mustPut(t, behind, again); got.ID != opened.ID {
		t.Errorf("in incident %s, want %s", got.ID, opened.ID)
	}
	end := noon.Add(time.Minute)
	again.Report.ResolvedAt = &end
	mustPut(t, behind, again)
	eventually(t, "its only incident is closed", func() bool { return len(one.openIncidents()) == 0 && len(behind.openIncidents()) == 0 })

	fires := alertIn("a", "Errors", "pay", noon) // again, because Alertmanager had lost it
	mustPut(t, behind, fires)
	if stored, err := behind.load(t.Context(), id); err != nil || !stored.open() {
		t.Errorf("an alert that fires again is over: %v", err)
	}
}
