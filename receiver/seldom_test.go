// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/receiver/seldom"
)

func TestAFloodOfBadMessagesIsNoFloodOfLogLines(t *testing.T) {
	var said bytes.Buffer
	clock := time.Now()
	h := webhookOf(&memoryQueue{})
	h.log, h.now = slog.New(slog.NewTextHandler(&said, nil)), func() time.Time { return clock }
	for range 1000 {
		postTo(h, strings.NewReader(`{"version":"4","alerts":[`))
	}
	clock = clock.Add(seldom.Pause)
	postTo(h, strings.NewReader(`{}`))
	if n := strings.Count(said.String(), "\n"); n != 2 || !strings.Contains(said.String(), "suppressed=999") {
		t.Errorf("%d lines: %.2000s", n, said.String())
	}
}
