// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"testing"

	"github.com/culprit-dev/culprit/receiver/report"
)

func TestOutcomesReplaceThoseOfTheSamePlace(t *testing.T) {
	const ok, failed, skipped = report.SentOK, report.SentFailed, report.SentSkipped
	one := func(sink, ref, status string) report.Sent { return report.Sent{Sink: sink, Ref: ref, Status: status} }
	there := func(place string, s report.Sent) report.Sent { s.Place = place; return s }
	for name, c := range map[string]struct {
		known, now []report.Sent
		want       []report.Sent
		changed    bool
	}{
		"a first outcome": {nil, []report.Sent{one("grafana", "7", ok)}, []report.Sent{one("grafana", "7", ok)}, true},
		"a peer that answers again": {
			[]report.Sent{one("annotation", "http://a", failed), one("annotation", "http://b", ok)},
			[]report.Sent{one("annotation", "http://a", ok)},
			[]report.Sent{one("annotation", "http://a", ok), one("annotation", "http://b", ok)},
			true,
		},
		"one peer's success says nothing of another": {
			[]report.Sent{one("annotation", "http://a", failed)},
			[]report.Sent{one("annotation", "http://b", ok)},
			[]report.Sent{one("annotation", "http://a", failed), one("annotation", "http://b", ok)},
			true,
		},
		"a hook that is told again has another key": {
			[]report.Sent{one("webhook", "http://hook k1", ok)},
			[]report.Sent{one("webhook", "http://hook k2", ok)},
			[]report.Sent{one("webhook", "http://hook k2", ok)},
			true,
		},
		"what could not be made for an incident is made now": {
			[]report.Sent{one("note", "", failed)},
			[]report.Sent{one("note", "silence-id", ok)},
			[]report.Sent{one("note", "silence-id", ok)},
			true,
		},
		"a peer that could not be asked for silences has one now": {
			[]report.Sent{there("http://a", one("silence", "http://a", failed))},
			[]report.Sent{there("http://a", one("silence", "s1", ok))},
			[]report.Sent{there("http://a", one("silence", "s1", ok))},
			true,
		},
		"a silence of one peer says nothing of the other, which fails": {
			[]report.Sent{there("http://a", one("silence", "http://a", failed))},
			[]report.Sent{there("http://b", one("silence", "s1", ok))},
			[]report.Sent{there("http://a", one("silence", "http://a", failed)), there("http://b", one("silence", "s1", ok))},
			true,
		},
		"one silence says nothing of another that failed": {
			[]report.Sent{there("http://a", one("silence", "s1", failed))},
			[]report.Sent{there("http://a", one("silence", "s2", ok))},
			[]report.Sent{there("http://a", one("silence", "s1", failed)), there("http://a", one("silence", "s2", ok))},
			true,
		},
		"what an earlier version stored gets its place": {
			[]report.Sent{one("annotation", "http://a", ok)},
			[]report.Sent{there("http://a", one("annotation", "http://a", ok))},
			[]report.Sent{there("http://a", one("annotation", "http://a", ok))},
			true,
		},
		"what was made is not skipped afterwards": {
			[]report.Sent{one("silence", "s", ok)},
			[]report.Sent{one("silence", "s", skipped)},
			[]report.Sent{one("silence", "s", ok)},
			false,
		},
		"the same again is no news": {
			[]report.Sent{one("annotation", "http://a", ok)},
			[]report.Sent{one("annotation", "http://a", ok)},
			[]report.Sent{one("annotation", "http://a", ok)},
			false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, changed := mergeSent(c.known, c.now)
			if changed != c.changed || len(got) != len(c.want) {
				t.Fatalf("%v, changed %t", got, changed)
			}
			for i := range got {
				got[i].Attempts = 0
				if got[i] != c.want[i] {
					t.Errorf("outcome %d is %v, want %v", i, got[i], c.want[i])
				}
			}
		})
	}
}
