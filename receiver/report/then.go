// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

// Limits of the list of other alerts.
const (
	thenApart = 10 * time.Minute // between the starts of two alerts of one time
	thenNames = 12               // distinct names listed
)

// Then lists the other alerts on the same Prometheus that began to fire around the same time, of
// any group. It does not claim that any is a cause. It is computed when a report is read, and not
// stored.
type Then struct {
	From   time.Time `json:"from"` // both inclusive
	To     time.Time `json:"to"`
	Alerts []Began   `json:"alerts"` // by name, nearest start first
	More   int       `json:"more"`   // number of other names
}

// Began counts the alerts of one name that began.
type Began struct {
	Alert   string    `json:"alert"`
	Alerts  int       `json:"alerts"`
	Firing  int       `json:"firing"` // number that still fire
	At      time.Time `json:"at"`     // the start nearest to this alert's
	Report  string    `json:"report"` // report of that one
	Summary string    `json:"summary"`
}

// ThenOf finds the other alerts that began around the start of r's. It leaves out other tenants and
// clusters: servers have nothing in common. It returns nil if there are none. The order of the
// reports does not matter.
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

// add counts an alert, and keeps the one that started nearest to a time.
func (b *Began) add(other *Report, to time.Time) {
	began := other.Alert.StartsAt
	if b.Alerts++; other.Open() {
		b.Firing++
	}
	if b.Alerts == 1 || cmp.Or(cmp.Compare(began.Sub(to).Abs(), b.At.Sub(to).Abs()), cmp.Compare(other.ID, b.Report)) < 0 {
		b.At, b.Report, b.Summary = began, other.ID, other.Summary
	}
}
