// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// lookBack bounds the age of earlier reports that are counted.
const lookBack = 30 * 24 * time.Hour

// seen counts earlier reports of the same alert, and those with the same causes. It reads the index
// only.
func (s *store) seen(r report.Report) *report.Seen {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := report.KeysOf(r)
	back := min(lookBack, s.ttl)
	seen := &report.Seen{Days: max(1, int(back/(24*time.Hour)))}
	seen.Alert = s.before(r, s.byAlert[r.Alert.Fingerprint], back)
	if keys.Set != "" {
		seen.Causes = s.before(r, s.byKey[keys.Set], back)
	}
	if keys.Change != "" {
		seen.Change = s.before(r, s.byKey[keys.Change], back)
	}
	if seen.Alert == nil && seen.Causes == nil && seen.Change == nil {
		return nil
	}
	return seen
}

// before counts the reports among ids that began before r. The caller holds s.mu.
func (s *store) before(r report.Report, ids map[string]bool, back time.Duration) *report.Times {
	earlier := make([]*report.Report, 0, len(ids))
	for id := range ids {
		e := &s.byID[id].Report
		if age := r.Alert.StartsAt.Sub(e.Alert.StartsAt); id != r.ID && age > 0 && age <= back {
			earlier = append(earlier, e)
		}
	}
	return report.SeenBefore(r, earlier)
}

// beside adds what reports of other alerts say about the same time: alerts among the changes, and
// everything that began then. It reads the index only.
func (s *store) beside(r *report.Report) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := func(yield func(*report.Report) bool) {
		for _, other := range s.byID {
			if !yield(&other.Report) {
				return
			}
		}
	}
	r.Others, r.Then = report.OtherAlerts(*r, all), report.ThenOf(*r, all)
}
