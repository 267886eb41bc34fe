// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestRepeatedLogLinesAreForwardedOnce(t *testing.T) {
	var out bytes.Buffer
	l := &natsLog{log: slog.New(slog.NewTextHandler(&out, nil))}
	for i := range 50 {
		l.Errorf("127.0.0.1:%d - rid:%d - Route Error 'Authorization Violation'", 40000+i, i)
		l.Warnf("waiting, attempt %d", i)
	}
	l.Errorf("something else")
	if lines := strings.Count(out.String(), "\n"); lines != 3 {
		t.Errorf("%d lines, want 3:\n%s", lines, out.String())
	}
}

func TestTroubleIsDescribedForPeople(t *testing.T) {
	for line, want := range map[string]string{
		"": "",
		"127.0.0.1:6222 - rid:9 - Route Error 'Authorization Violation'":                         "a node has another secret than this one",
		"127.0.0.1:6222 - rid:9 - authentication error - User \"culprit\"":                       "a node has another secret than this one",
		"127.0.0.1:6222 - rid:9 - TLS route handshake error: EOF":                                "the nodes don't accept each other's TLS: TLS route handshake error: EOF",
		"Error trying to connect to route (attempt 7): dial tcp: lookup culprit-1: no such host": "Error trying to connect to route: dial tcp: lookup culprit-1: no such host",
	} {
		l := &natsLog{log: slog.New(slog.DiscardHandler)}
		l.Errorf("%s", line)
		if got := l.trouble(); got != want {
			t.Errorf("%q is told as %q, want %q", line, got, want)
		}
	}
}
