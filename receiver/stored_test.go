// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Whatever a damaged disk or another version left in the buckets and the queue is read or skipped,
// and what is read can be listed.
func FuzzStored(f *testing.F) {
	for _, text := range []string{
		"", "null", "{}", "[]", `{"report":null}`, `{"Report":{"id":"a","alert":{"labels":{"alertname":"A"},"startsAt":"2026-01-02T03:04:05Z"}}}`,
		`{"report":{"id":"aaaaaaaaaaaaaaaa","incident":"bbbbbbbbbbbbbbbb","result":{"causes":[{"kind":"labels","labels":[{"a":"b"}]},{}],"changes":[{}]},"seen":{}}}`,
		`{"id":"aaaaaaaaaaaaaaaa","reports":[null,"x"],"causes":[{}],"resolvedAt":"2026-01-02T03:04:05Z"}`,
		`{"alert":{"fingerprint":"0000000000000000","startsAt":"0001-01-01T00:00:00Z"},"status":"firing"}`, `{"about":"a","lane":"b","outcomes":[{}]}`, "\xff",
	} {
		f.Add("aaaaaaaaaaaaaaaa/"+"annotation", []byte(text))
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		e := broker.Entry{Key: key, Value: value, Revision: 1}
		s := makeStore(storeOptions{now: time.Now, log: slog.New(slog.DiscardHandler)})
		s.indexReport(e, false)
		s.indexIncident(e, false)
		var reports []report.Report
		for _, r := range s.openRecords() {
			reports = append(reports, r.Report)
			_, _ = s.current(r.Report.Alert.Fingerprint)
			s.seen(r.Report)
			s.firing(r.Report.Alert)
		}
		for _, inc := range s.incident {
			if len(reports) > 0 {
				inc.Merge(reports, time.Now())
			}
		}
		d := &deliveries{of: map[string]map[string]delivery{}, log: slog.New(slog.DiscardHandler)}
		d.index(e, false)
		about, _, _ := strings.Cut(key, "/")
		d.sent(about)
		var j job
		if json.Unmarshal(value, &j) == nil {
			_ = j.id()
			j.missing()
			j.webhookAt()
		}
	})
}

// Questions to `POST /api/v1/explain` have valid times, or are rejected.
func FuzzAsk(f *testing.F) {
	for _, text := range []string{
		"", "{}", "null", `{"expr":"up"}`, `{"labels":{"alertname":"A"},"at":"2h"}`, `{"expr":"up","at":1700000000,"until":"1700000100"}`,
		`{"expr":"up","at":1e300}`, `{"at":"-1h"}`, `{"at":[]}`, `{"expr":"up"} {}`, `{"labels":{"":"x"}}`,
	} {
		f.Add(text)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := newExplainer(nil, nil, func() time.Time { return now })
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/api/v1/explain", strings.NewReader(body))
		ask, err := h.read(httptest.NewRecorder(), r)
		if err != nil {
			return
		}
		for _, at := range []time.Time{ask.At, ask.Until} {
			if text, err := at.MarshalText(); err != nil {
				t.Errorf("%q asks about %q: %v", body, text, err)
			}
		}
	})
}
