// SPDX-License-Identifier: Apache-2.0

// Package body says how a request is refused whose body could not be read.
package body

import (
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
