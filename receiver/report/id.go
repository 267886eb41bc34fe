// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
)

// idLength is enough characters of base 32 (80 bits) that two ids never meet,
// and few enough to be read aloud.
const idLength = 16

// ID names the report of an alert: the same fingerprint and start give the
// same id, so that an alert that is seen twice is reported once. It is safe in
// a URL and as a key.
func ID(fingerprint string, startsAt time.Time) string {
	return id("report", fingerprint, startsAt)
}

// IncidentID names the incident of an alert group whose first alert started at
// start.
func IncidentID(groupKey string, start time.Time) string {
	return id("incident", groupKey, start)
}

// ChangeID names a change that others have told of: the same source and id of
// the sender give the same id.
func ChangeID(source, sender string) string {
	return id("change", source+"\x00"+sender, time.Unix(0, 0))
}

// CaseID names the case that an incident was the first of.
func CaseID(incident string) string { return id("case", incident, time.Unix(0, 0)) }

// SaidID names what a silence says, of one report or, if report is empty, of any: the
// same words in the same silence give the same id.
func (f Feedback) SaidID(report string) string {
	return id("said", strings.Join([]string{f.Ref, string(f.Says), f.Was, report}, "\x00"), time.Unix(0, 0))
}

// ValidID says whether a text has the form of an id of a report or an incident.
// Only then is it made a key of: what somebody has put into an address may be
// anything.
func ValidID(s string) bool {
	return len(s) == idLength && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// ValidFingerprint says whether a text has the form of an alert's fingerprint:
// 64 bits in hexadecimal digits, as Prometheus and Alertmanager write them.
func ValidFingerprint(s string) bool {
	return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == ""
}

func id(kind, key string, start time.Time) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + key + "\x00" + strconv.FormatInt(start.UnixNano(), 10)))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:idLength])
}
