// SPDX-License-Identifier: Apache-2.0

package client

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is culprit's answer to a request that failed.
type Error struct {
	Status     int           // HTTP status
	Message    string        // what is wrong, with the value
	Hint       string        // what to do; often empty
	RetryAfter time.Duration // when to retry; 0: unknown
}

// Error returns all of it on one line.
func (e *Error) Error() string {
	text := fmt.Sprintf("culprit answers %d: %s", e.Status, e.Message)
	if e.Hint != "" {
		text += "; hint: " + e.Hint
	}
	return text
}

// maxError bounds an error's answer, in bytes.
const maxError = 64 << 10

// errorOf decodes an error: {"error": "…"}, or plain text from a proxy.
func errorOf(resp *http.Response) *Error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxError)) // as much as there is
	var said struct{ Error string }
	if json.Unmarshal(text, &said) != nil || said.Error == "" {
		said.Error = strings.TrimSpace(string(text))
	}
	e := &Error{Status: resp.StatusCode}
	e.Message, e.Hint, _ = strings.Cut(said.Error, "hint: ")
	e.Message = cmp.Or(strings.TrimRight(e.Message, "; "), http.StatusText(resp.StatusCode))
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
