// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/changelog"
)

// listed reads the list of changes from a daemon.
func listed(t *testing.T, d *Daemon) (list []changelog.Change) {
	t.Helper()
	resp, err := http.Get("http://" + d.Address().String() + "/api/v1/changes")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAChangeThatIsPostedIsListedAndHandedToTheAnalysis(t *testing.T) {
	d := lonely(t, nil)
	const body = `{"title": "checkout v42", "labels": {"service": "checkout"}, "source": "ci", "id": "7"}`
	for range 2 { // a sender that retries
		if status, _ := answered(t, d, http.MethodPost, "/api/v1/changes", body, "Content-Type: application/json"); status != http.StatusOK {
			t.Fatalf("a change is answered %d", status)
		}
	}
	list := listed(t, d)
	if len(list) != 1 || list[0].Title != "checkout v42" || time.Since(list[0].At) > time.Hour {
		t.Fatalf("%+v", list)
	}
	events, _, err := d.changes.Between(t.Context(), list[0].At.Add(-time.Minute), list[0].At)
	if err != nil || len(events) != 1 || events[0].Labels["service"] != "checkout" || events[0].Source != "ci" {
		t.Errorf("%+v, %v", events, err)
	}
}

// A reload changes the token, or removes it.
func TestTheTokenOfChangesIsThatOfTheConfiguration(t *testing.T) {
	d := lonely(t, func(opt *Options) {
		if err := os.WriteFile(filepath.Join(filepath.Dir(opt.ConfigFile), "token"), []byte("s3cret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	for _, c := range []struct {
		config, header string
		status         int
	}{
		{"", "X: y", http.StatusOK},
		{"changes: {token_file: token}", "X: y", http.StatusUnauthorized},
		{"changes: {token_file: token}", "Authorization: Bearer s3cret", http.StatusOK},
		{"changes: {token_file: gone}", "Authorization: Bearer s3cret", http.StatusUnauthorized},
	} {
		reloaded(t, d, c.config)
		if status, _ := answered(t, d, http.MethodPost, "/api/v1/changes", `{"title": "a"}`, c.header); status != c.status {
			t.Errorf("%s, %s: %d", c.config, c.header, status)
		}
	}
	if n := len(listed(t, d)); n == 0 {
		t.Error("reading needs no token of its own")
	}
}

// A posted change is among the causes of what broke a moment later, with the feedback on it.
func TestAChangeThatIsPostedIsACauseOfTheReport(t *testing.T) {
	w := newWorld(t, true)
	body := `{"title": "shop v2", "labels": {"service": "shop", "version": "v2"}, "from": "v1", "to": "v2", "source": "ci", "url": "https://ci.example.org/7", "at": "` +
		time.Now().Add(-150*time.Second).UTC().Format(time.RFC3339) + `"}`
	if status, _ := answered(t, w.daemon, http.MethodPost, "/api/v1/changes", body); status != http.StatusOK {
		t.Fatalf("it is answered %d", status)
	}
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("there is a report", func() bool { return len(w.reports()) == 1 })
	for _, f := range w.reports()[0].Result.Causes {
		if f.Kind == analysis.KindChange && f.Change != nil && f.Change.Title == "shop v2" && f.Change.To == "v2" && f.Change.URL == "https://ci.example.org/7" {
			return
		}
	}
	t.Errorf("%+v", w.reports()[0].Result.Causes)
}

// Whoever can post a change can't create, end or alter an alert.
func TestAChangeTouchesNoAlert(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("a report is sent", func() bool { list := w.reports(); return len(list) == 1 && len(list[0].Sent) > 0 })
	before := w.annotation("ErrorsHigh", "culprit_summary")
	for _, body := range []string{
		`{"title": "ErrorsHigh resolved", "labels": {"alertname": "ErrorsHigh", "service": "shop"}, "to": "resolved"}`,
		`{"title": "x", "id": "` + w.reports()[0].ID + `", "source": "culprit", "labels": {"fingerprint": "` + w.reports()[0].Alert.Fingerprint + `"}}`,
	} {
		if status, _ := answered(t, w.daemon, http.MethodPost, "/api/v1/changes", body); status != http.StatusOK {
			t.Fatalf("%s is answered %d", body, status)
		}
	}
	w.await("both are listed", func() bool { return len(listed(t, w.daemon)) == 2 })
	if list := w.reports(); len(list) != 1 || list[0].ResolvedAt != nil {
		t.Errorf("%+v", list)
	}
	if got := w.annotation("ErrorsHigh", "culprit_summary"); got != before || got == "" {
		t.Errorf("the alert said %q, and says %q", before, got)
	}
}
