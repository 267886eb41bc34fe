// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// problem is an error with an HTTP status and a sentence for the reader.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

// Error answers with an error: a page for browsers, {"error": "…"} for the API.
func (s *server) Error(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status == http.StatusServiceUnavailable || p.status == http.StatusAccepted {
		w.Header().Set("Retry-After", "2")
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		writeJSON(w, p.status, map[string]string{"error": p.text})
		return
	}
	s.pages.render(w, p.status, "error", errorPage{Title: http.StatusText(p.status), Text: p.text})
}

type errorPage struct{ Title, Text string }

// problemOf maps an error to its problem.
func problemOf(err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, ErrNotFound):
		return &problem{http.StatusNotFound, "There is no such report or incident. Reports are kept for a limited time; it may have expired."}
	case errors.Is(err, ErrPending):
		return &problem{http.StatusAccepted, "This alert is being analysed. Try again in a few seconds."}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &problem{http.StatusServiceUnavailable, "The store did not answer in time. Try again in a few seconds."}
	default:
		return &problem{http.StatusInternalServerError, "The store can't be read: " + err.Error()}
	}
}

// writeJSON sends v. Errors are ignored: the client is gone.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer can't be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
