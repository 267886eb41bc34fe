// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// memoryQueue is a Queue in memory, which may refuse.
type memoryQueue struct {
	mu   sync.Mutex
	jobs map[string][]byte // id → body
	err  error
}

func (q *memoryQueue) Publish(_ context.Context, id string, body []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return q.err
	}
	if q.jobs[id] != nil {
		return broker.ErrExists
	}
	if q.jobs == nil {
		q.jobs = map[string][]byte{}
	}
	q.jobs[id] = body
	return nil
}

// job returns the job of an alert.
func (q *memoryQueue) job(t *testing.T, fingerprint string) (j job) {
	t.Helper()
	for id, body := range q.jobs {
		if strings.HasPrefix(id, fingerprint+"/") {
			if err := json.Unmarshal(body, &j); err != nil {
				t.Fatal(err)
			}
			return j
		}
	}
	t.Fatalf("the alert %s has no job", fingerprint)
	return j
}

// noReport is the state of a daemon without reports.
func noReport(report.Alert) bool { return false }

func post(t *testing.T, q Queue, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	return postTo(webhookOf(q), bytes.NewReader(body))
}

func webhookOf(q Queue) *webhook {
	return &webhook{
		queue: q, reported: noReport, learn: func(string) {}, decoder: newDecoder(),
		log: slog.New(slog.DiscardHandler), metrics: newMetrics(prometheus.NewRegistry()), now: time.Now, maxBytes: maxWebhookBytes,
	}
}

func postTo(h http.Handler, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v1/webhook", body))
	return w
}

// The files are bodies sent by Alertmanager 0.25, 0.28.1, 0.33.1 and 0.34.2, one for each thing
// that can happen to a group.
func TestEveryRecordedMessageIsTaken(t *testing.T) {
	files, err := filepath.Glob("testdata/alertmanager-*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recorded messages, %v; want at least 20", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var message struct {
				Alerts []struct {
					Fingerprint string    `json:"fingerprint"`
					Status      string    `json:"status"`
					StartsAt    time.Time `json:"startsAt"`
				} `json:"alerts"`
				GroupKey string `json:"groupKey"`
			}
			if err := json.Unmarshal(body, &message); err != nil {
				t.Fatal(err)
			}
			q := &memoryQueue{}
			if w := post(t, q, body); w.Code != http.StatusAccepted {
				t.Fatalf("answered %d %q", w.Code, w.Body)
			}
			if len(q.jobs) != len(message.Alerts) {
				t.Fatalf("%d jobs for %d alerts", len(q.jobs), len(message.Alerts))
			}
			for i, want := range message.Alerts {
				got := q.job(t, want.Fingerprint)
				if got.Status != want.Status || !got.Alert.StartsAt.Equal(want.StartsAt) || got.Group.Key != message.GroupKey {
					t.Errorf("alert %d: %+v; want %+v of group %s", i, got, want, message.GroupKey)
				}
			}
		})
	}
}

func TestInvalidMessagesAreRefusedWithAReason(t *testing.T) {
	alert := `{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-01-02T03:04:05Z"}`
	for name, c := range map[string]struct{ body, says string }{
		"empty":           {``, "not an Alertmanager webhook message"},
		"no JSON":         {`hello`, "not an Alertmanager webhook message"},
		"another version": {`{"version":"1","alerts":[` + alert + `]}`, `its version is "1"`},
		"a Slack payload": {`{"text":"HighErrors is firing"}`, `its version is ""`},
		"no alerts":       {`{"version":"4","alerts":[]}`, "no alerts"},
		"no labels":       {`{"version":"4","alerts":[{"status":"firing","startsAt":"2026-01-02T03:04:05Z"}]}`, "alert 0 has no labels"},
		"no status":       {`{"version":"4","alerts":[` + strings.Replace(alert, "firing", "", 1) + `]}`, "alert 0 has the status"},
		"no start":        {`{"version":"4","alerts":[{"status":"firing","labels":{"a":"b"}}]}`, "alert 0 has no startsAt"},
	} {
		t.Run(name, func(t *testing.T) {
			q := &memoryQueue{}
			w := post(t, q, []byte(c.body))
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("answered %d %q; want 400 and %q", w.Code, w.Body, c.says)
			}
			if len(q.jobs) != 0 {
				t.Errorf("enqueued %q", q.jobs)
			}
		})
	}
}

func TestUnknownFieldsPass(t *testing.T) {
	body := `{"version":"4","orgId":7,"alerts":[{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-01-02T03:04:05Z","valueString":"x"}],"muteTimeIntervals":["a"]}`
	if w := post(t, &memoryQueue{}, []byte(body)); w.Code != http.StatusAccepted {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
}

// After a 429 Alertmanager would wait a whole group_interval.
func TestAQueueThatIsFullAnswers503(t *testing.T) {
	body := `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-01-02T03:04:05Z"}]}`
	w := post(t, &memoryQueue{err: errors.New("the queue is full")}, []byte(body))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "the queue is full") {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
}

func TestTheIdOfAJobIsItsAlertStartAndStatus(t *testing.T) {
	n, err := newDecoder().decode(strings.NewReader(`{"version":"4","alerts":[
		{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-01-02T03:04:05Z"},
		{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-01-02T03:04:05Z","annotations":{"summary":"changed"}},
		{"status":"resolved","labels":{"alertname":"A"},"startsAt":"2026-01-02T03:04:05Z"},
		{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-01-02T03:05:05Z"},
		{"status":"firing","labels":{"alertname":"B"},"startsAt":"2026-01-02T03:04:05Z"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range n.Alerts {
		j, err := n.job(p, n.group(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, j.id())
	}
	if ids[0] != ids[1] {
		t.Errorf("the same alert twice has the ids %s and %s", ids[0], ids[1])
	}
	for i := 1; i < len(ids); i++ {
		for k := i + 1; k < len(ids); k++ {
			if ids[i] == ids[k] {
				t.Errorf("alerts %d and %d have the same id %s", i, k, ids[i])
			}
		}
	}
}

func TestAReceiversNameIsReadAsItIsConfigured(t *testing.T) {
	if got := unquote(`culprit\.prod-1\[a\]`); got != "culprit.prod-1[a]" {
		t.Errorf("unquoted to %q", got)
	}
}

func FuzzDecodeNotification(f *testing.F) {
	files, _ := filepath.Glob("testdata/alertmanager-*.json")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := newDecoder().decode(bytes.NewReader(body))
		if err != nil {
			return
		}
		for _, p := range n.Alerts {
			j, err := n.job(p, n.group(), time.Unix(0, 0))
			if err != nil {
				continue
			}
			if _, err := json.Marshal(j); err != nil {
				t.Errorf("a job that was taken can't be stored: %v", err)
			}
			if len(j.id()) == 0 || len(j.Alert.Fingerprint) != 16 {
				t.Errorf("job %+v", j)
			}
		}
	})
}
