// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
)

// idLength is long enough (80 bits in base 32) that IDs never collide, and short enough to read
// aloud.
const idLength = 16

// ID is the ID of a report. It is derived from fingerprint and start, so that an alert seen twice
// is reported once. It is safe in a URL and as a key.
func ID(fingerprint string, startsAt time.Time) string {
	return id("report", fingerprint, startsAt)
}

// IncidentID is the ID of the incident of an alert group whose first alert started at start.
func IncidentID(groupKey string, start time.Time) string {
	return id("incident", groupKey, start)
}

// ChangeID is the ID of a reported change, derived from source and the sender's ID.
func ChangeID(source, sender string) string {
	return id("change", source+"\x00"+sender, time.Unix(0, 0))
}

// CaseID is the ID of the case whose oldest incident is this one.
func CaseID(incident string) string { return id("case", incident, time.Unix(0, 0)) }

// SaidID identifies what a silence says, about one report or, if report is empty, about any.
func (f Feedback) SaidID(report string) string {
	return id("said", strings.Join([]string{f.Ref, string(f.Says), f.Was, report}, "\x00"), time.Unix(0, 0))
}

// ValidID reports whether s has the form of a report or incident ID. Only then may it become a key:
// text in a URL may be anything.
func ValidID(s string) bool {
	return len(s) == idLength && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// ValidFingerprint reports whether s has the form of an alert's fingerprint: 16 lower-case
// hexadecimal digits, as in Prometheus and Alertmanager.
func ValidFingerprint(s string) bool {
	return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == ""
}

func id(kind, key string, start time.Time) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + key + "\x00" + strconv.FormatInt(start.UnixNano(), 10)))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:idLength])
}
