// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

// Bounds of what stands beside an alert.
const (
	thenApart = 10 * time.Minute // between the starts of two alerts that are of one time
	thenNames = 12               // of alerts that are told
)

// Then is which other alerts of the same Prometheus began to fire around the time of
// an alert, of whatever group. That they did is no cause of anything. It is worked out
// when a report is read, and not kept.
type Then struct {
	From   time.Time `json:"from"` // both inclusive
	To     time.Time `json:"to"`
	Alerts []Began   `json:"alerts"` // by name, that of the nearest start first
	More   int       `json:"more"`   // other names
}

// Began is how many alerts of one name began.
type Began struct {
	Alert   string    `json:"alert"`
	Alerts  int       `json:"alerts"`
	Firing  int       `json:"firing"` // of which fire now
	At      time.Time `json:"at"`     // when the one began whose start is nearest
	Report  string    `json:"report"` // its report
	Summary string    `json:"summary"`
}

// ThenOf finds the reports of the other alerts that began around that of r. What
// begins at another tenant, or in another cluster, is not shown: no two servers share
// anything. It returns nil if there are none. The order of the reports does not matter.
func ThenOf(r Report, all iter.Seq[*Report]) *Then {
	start := r.Alert.StartsAt
	t := &Then{From: start.Add(-thenApart), To: start.Add(thenApart)}
	byName := map[string]Began{}
	for other := range all {
		began := other.Alert.StartsAt
		if other.Prometheus != r.Prometheus || began.Before(t.From) || began.After(t.To) || other.Alert.Fingerprint == r.Alert.Fingerprint {
			continue
		}
		b := byName[other.Name()]
		if b.add(other, start); b.Alerts == 1 {
			b.Alert = other.Name()
		}
		byName[b.Alert] = b
	}
	t.Alerts = slices.SortedFunc(maps.Values(byName), func(a, b Began) int {
		return cmp.Or(cmp.Compare(a.At.Sub(start).Abs(), b.At.Sub(start).Abs()), cmp.Compare(a.Alert, b.Alert))
	})
	if len(t.Alerts) == 0 {
		return nil
	}
	t.More = max(0, len(t.Alerts)-thenNames)
	t.Alerts = t.Alerts[:len(t.Alerts)-t.More]
	return t
}

// add counts an alert, and tells of it if none was nearer to a time.
func (b *Began) add(other *Report, to time.Time) {
	began := other.Alert.StartsAt
	if b.Alerts++; other.Open() {
		b.Firing++
	}
	if b.Alerts == 1 || cmp.Or(cmp.Compare(began.Sub(to).Abs(), b.At.Sub(to).Abs()), cmp.Compare(other.ID, b.Report)) < 0 {
		b.At, b.Report, b.Summary = began, other.ID, other.Summary
	}
}
