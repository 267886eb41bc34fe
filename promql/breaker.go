// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"sync"
	"time"
)

// A server that doesn't answer gets a pause: it may still be working on queries that timed out.
const (
	failuresToOpen = 6 // in a row; more than the default number of concurrent queries
	shortestPause  = 2 * time.Second
	longestPause   = time.Minute
)

// breaker stops queries to a server that doesn't answer. After a pause it lets one query
// through: an answer closes the breaker, a failure doubles the next pause. It is safe for
// concurrent use.
type breaker struct {
	mu       sync.Mutex
	failures int
	pause    time.Duration
	until    time.Time
	trying   bool
}

// allow returns an error while the breaker is open.
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

// note records how a query ended. open says whether the breaker is open now.
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

// forget lets another query through in place of one that was abandoned. After note it does
// nothing.
func (b *breaker) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
}
