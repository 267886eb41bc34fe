// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
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

func TestOnlyWhoHasTheTokenTellsOfChanges(t *testing.T) {
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
