// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"sync"
	"time"
)

// sayEvery is the pause between two log lines about the same thing that comes
// from outside: a flood of it must not become one of the log.
const sayEvery = 10 * time.Second

// seldom lets each kind of thing be said once in a while. It is for a few kinds.
type seldom struct {
	mu   sync.Mutex
	said map[string]pausing
}

type pausing struct {
	since  time.Time
	unsaid int
}

// may says whether a kind is to be said now, and how often it was not since it
// was said last.
func (s *seldom) may(kind string, now time.Time) (unsaid int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said == nil {
		s.said = map[string]pausing{}
	}
	p, known := s.said[kind]
	if known && now.Sub(p.since).Abs() < sayEvery {
		p.unsaid++
		s.said[kind] = p
		return 0, false
	}
	s.said[kind] = pausing{since: now}
	return p.unsaid, true
}
