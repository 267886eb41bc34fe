// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"sync"
	"testing"
	"time"
)

// A replica that is stopped after it has explained an alert annotates it no more:
// the others know of it at once, and see to it. Of one that is over nobody need.
func TestOtherMembersSeeToAnAlertThatOneHasExplained(t *testing.T) {
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
