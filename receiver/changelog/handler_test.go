// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/receiver/seldom"
)

// post posts a message to a handler.
func post(h http.Handler, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPostingChangesRequiresTheToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	h := NewHandler(bookOn(t, brokerOf(t, t.TempDir()), 0), func() string { return file })
	const body = `{"title":"a","at":"2026-11-29T12:00:00Z"}`
	if w := post(h, "/", body, "Authorization: Bearer "); w.Code != http.StatusUnauthorized {
		t.Errorf("without the file: %d", w.Code)
	}
	for content, status := range map[string]int{"": http.StatusUnauthorized, "s3cret\n": http.StatusOK} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for header, want := range map[string]int{
			"X: y": http.StatusUnauthorized, "Authorization: Bearer other": http.StatusUnauthorized, "Authorization: Bearer ": http.StatusUnauthorized,
			"Authorization: s3cret": http.StatusUnauthorized, "Authorization: Bearer s3cret": status,
			"Authorization: bearer s3cret":              status, // RFC 9110, 11.1: a scheme is case-insensitive
			"Authorization: Basic Y3VscHJpdDpzM2NyZXQ=": status, // culprit:s3cret
			"Authorization: Basic Y3VscHJpdDo=":         http.StatusUnauthorized,
		} {
			w := post(h, "/", body, header)
			if w.Code != want || want == http.StatusUnauthorized && (!strings.Contains(w.Body.String(), "hint:") || w.Header().Get("WWW-Authenticate") == "") {
				t.Errorf("a file of %q, %s: %d %s", content, header, w.Code, w.Body)
			}
		}
	}
}

func TestAMessageIsTakenWholeOrNotAtAll(t *testing.T) {
	book := bookOn(t, brokerOf(t, t.TempDir()), 0)
	h := NewHandler(book, func() string { return "" })
	if w := post(h, "/", `[{"title":"a"},{"title":""}]`); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "change 2") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := post(h, "/", `{"title":"`+strings.Repeat("x", maxBody)+`"}`); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large message: %d %s", w.Code, w.Body)
	}
	if n := len(titles(t, book, Filter{})); n != 0 {
		t.Errorf("%d changes were kept", n)
	}
	w := post(h, "/?format=terraform", `{"notifications":[{"run_status":"planned"}]}`)
	if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"changes":[]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := post(h, "/", `[{"title":"a"},{"title":"b"}]`); w.Code != http.StatusOK || strings.Count(w.Body.String(), `"outcome":"added"`) != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Requests without the token must not flood the log.
func TestAnUnreadableTokenIsLoggedRarely(t *testing.T) {
	var said bytes.Buffer
	book := bookOn(t, brokerOf(t, t.TempDir()), 0)
	clock := noon
	book.opt.Log, book.opt.Now = slog.New(slog.NewTextHandler(&said, nil)), func() time.Time { return clock }
	h := NewHandler(book, func() string { return filepath.Join(t.TempDir(), "gone") })
	for range 1000 {
		post(h, "/", "{}")
	}
	clock = clock.Add(seldom.Pause)
	post(h, "/", "{}")
	if n := strings.Count(said.String(), "\n"); n != 2 || !strings.Contains(said.String(), "suppressed=999") {
		t.Errorf("%d lines: %.500s", n, said.String())
	}
}

// The end of a change comes without its start, which may be too old: the sender gets an error, and
// loses nothing.
func TestAnEndReportedTooLateIsRefused(t *testing.T) {
	book := bookOn(t, brokerOf(t, t.TempDir()), 0)
	h := NewHandler(book, func() string { return "" })
	const begin = `{"title":"migration","id":"m","at":"2026-11-19T12:00:00Z"}`
	const end = `{"title":"migration","id":"m","until":"2026-11-29T12:00:00Z"}`
	if w := post(h, "/", "["+begin+`,{"title":"other"},`+end+"]"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "change 3: ") {
		t.Errorf("in one message: %d %s", w.Code, w.Body)
	}
	if n := len(titles(t, book, Filter{})); n != 0 {
		t.Errorf("%d changes of a message that was refused are kept", n)
	}
	if w := post(h, "/", begin); w.Code != http.StatusOK {
		t.Fatalf("the beginning: %d %s", w.Code, w.Body)
	}
	if w := post(h, "/", end); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "1w after at, 2026-11-19T12:00:00Z; hint:") {
		t.Errorf("the end: %d %s", w.Code, w.Body)
	}
	if _, _, err := book.Put(t.Context(), Change{Sender: "m", Title: "migration", Source: "api", Until: noon}); !errors.Is(err, errUnclear) {
		t.Errorf("whoever puts it into the book: %v", err)
	}
	if list, _, err := book.Between(t.Context(), noon.Add(-11*24*time.Hour), noon); err != nil || len(list) != 1 || list[0].Until != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
