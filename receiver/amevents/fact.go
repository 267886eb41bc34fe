// SPDX-License-Identifier: Apache-2.0

// Package amevents stores what Alertmanager did with alerts: notifications, silences
// and inhibitions. The event recorder of Alertmanager (0.33 and later) posts them to
// `POST /api/v1/alertmanager/events`.
//
// A [Fact] is only shown on the page of an alert's report. It is never a cause, and
// never creates, ends or mutes an alert.
package amevents

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// Fact is something that Alertmanager did with alerts, as stored.
type Fact struct {
	Of []string `json:"of"` // fingerprints, sorted
	report.Handled

	key string // identifies it, whoever reports it, and however often
}

// apart is the gap after which a silence or an inhibition counts as a new one. Alertmanager reports
// both whenever it would notify, which is every group_interval.
const apart = time.Hour

// merge combines two reports of a fact, in any order. If their times are further apart only the
// later one remains.
func merge(a, b Fact) Fact {
	if a.Last.After(b.Last) {
		a, b = b, a
	}
	if b.First.Sub(a.Last) <= apart && a.First.Before(b.First) {
		b.First = a.First
	}
	return b
}

func keyOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20]))
}

// about reports whether a fact concerns an alert.
func (f Fact) about(fingerprint string) bool {
	_, found := slices.BinarySearch(f.Of, fingerprint)
	return found
}
