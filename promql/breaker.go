// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"sync"
	"time"
)

// A server that doesn't answer is left alone for a while: a question that times
// out may still be worked on there.
const (
	failuresToOpen = 6 // in a row, more than are asked at a time by default
	shortestPause  = 2 * time.Second
	longestPause   = time.Minute
)

// breaker stops questions to a server that doesn't answer. After a pause one
// question is let through; its answer ends the pause, its failure doubles the
// next one. It is safe for concurrent use.
type breaker struct {
	mu       sync.Mutex
	failures int
	pause    time.Duration
	until    time.Time
	trying   bool
}

// allow returns an error while the server is left alone.
func (b *breaker) allow(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return nil
	case now.Before(b.until) || b.trying:
		return fmt.Errorf("%w: it did not answer %d queries in a row; the next try is in %s", ErrUnreachable,
			b.failures, max(b.until.Sub(now), time.Second).Round(time.Second))
	default:
		b.trying = true
		return nil
	}
}

// note learns how a question ended. open says whether the server is left alone
// from now on.
func (b *breaker) note(now time.Time, reached bool) (open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if reached {
		b.failures, b.pause, b.until, b.trying = 0, 0, time.Time{}, false
		return false
	}
	b.failures++
	b.trying = false
	if b.failures < failuresToOpen {
		return false
	}
	if !now.Before(b.until) {
		b.pause = min(max(2*b.pause, shortestPause), longestPause)
		b.until = now.Add(b.pause)
	}
	return true
}

// forget lets another question through in place of one that was given up; of one that
// was noted nothing is left to forget.
func (b *breaker) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
}
