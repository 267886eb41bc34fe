// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"pgregory.net/rapid"
)

func TestIdsAndFingerprintsHaveTheirForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, at := rapid.String().Draw(t, "text"), time.Unix(0, rapid.Int64().Draw(t, "at"))
		for _, id := range []string{ID(text, at), IncidentID(text, at)} {
			if !ValidID(id) {
				t.Errorf("%q has not the form of an id", id)
			}
		}
		fingerprint := model.LabelSet{"alertname": model.LabelValue(text)}.Fingerprint().String()
		if !ValidFingerprint(fingerprint) {
			t.Errorf("%q has not the form of a fingerprint", fingerprint)
		}
	})
}

func TestNothingElseLooksLikeAnID(t *testing.T) {
	for _, text := range []string{
		"", "a", strings.Repeat("a", 15), strings.Repeat("a", 17), strings.Repeat("a", 4060), strings.Repeat("!", 1400), strings.Repeat("!", 16),
		"aaaaaaaaaaaaaaa\x00", "aaaaaaaaaaaaaaa\n", "../../../../aaaa", "aaaaaaaa/aaaaaaa", "aaaaaaaaaaaaaaa*", "aaaaaaaaaaaaaa.>", "AAAAAAAAAAAAAAAA", "äaaaaaaaaaaaaaa",
	} {
		if ValidID(text) {
			t.Errorf("%.40q passes as an id", text)
		}
		if text != strings.Repeat("a", 16) && ValidFingerprint(text) {
			t.Errorf("%.40q passes as a fingerprint", text)
		}
	}
}
