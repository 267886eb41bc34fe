// SPDX-License-Identifier: Apache-2.0

// Package body answers requests that have a body: errors of reading it as HTTP
// statuses, and values as JSON.
package body

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
)

// Status tells a body that is too large (413), or too slow (503: send it again),
// from one that is wrong (400).
func Status(err error) int {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}

// Answer sends a value, or what an error says, as JSON.
func Answer(w http.ResponseWriter, status int, v any) {
	if err, ok := v.(error); ok {
		v = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the sender may be gone
}
