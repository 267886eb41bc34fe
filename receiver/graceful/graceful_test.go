// SPDX-License-Identifier: Apache-2.0

package graceful

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"
)

// Shutdown alone would treat a new connection as idle after five seconds; the context ends before.
func TestShutdownDoesNotWaitForConnectionsWithoutARequest(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(*http.Server)
		want    error
	}{
		"by itself":   {func(*http.Server) {}, context.DeadlineExceeded},
		"CloseUnused": {CloseUnused, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := &http.Server{ReadHeaderTimeout: time.Minute}
			tc.prepare(s)
			go func() { _ = s.Serve(l) }()
			t.Cleanup(func() { _ = s.Close() })
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			time.Sleep(100 * time.Millisecond) // until it is accepted
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			if err := s.Shutdown(ctx); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}
