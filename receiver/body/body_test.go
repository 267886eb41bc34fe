// SPDX-License-Identifier: Apache-2.0

package body

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
)

func TestTheStatusOfABadBody(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{fmt.Errorf("reading: %w", &http.MaxBytesError{Limit: 5}), http.StatusRequestEntityTooLarge},
		{fmt.Errorf("reading: %w", os.ErrDeadlineExceeded), http.StatusServiceUnavailable},
		{errors.New("unexpected end of JSON input"), http.StatusBadRequest},
	} {
		if got := Status(tt.err); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.err, got, tt.want)
		}
	}
}
