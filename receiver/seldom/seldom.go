// SPDX-License-Identifier: Apache-2.0

// Package seldom limits how often the same kind of message is logged, so that a flood
// of requests does not become a flood of log lines.
package seldom

import (
	"sync"
	"time"
)

// Pause lies between two log lines about the same kind of thing.
const Pause = 10 * time.Second

// Speaker lets each kind of thing be said once in a while. It is for a few kinds, and
// safe for concurrent use. The zero value has said nothing yet.
type Speaker struct {
	mu   sync.Mutex
	said map[string]pausing
}

type pausing struct {
	since  time.Time
	unsaid int
}

// May says whether a kind is to be said now, and how often it was not since it
// was said last.
func (s *Speaker) May(kind string, now time.Time) (unsaid int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said == nil {
		s.said = map[string]pausing{}
	}
	p, known := s.said[kind]
	if known && now.Sub(p.since).Abs() < Pause {
		p.unsaid++
		s.said[kind] = p
		return 0, false
	}
	s.said[kind] = pausing{since: now}
	return p.unsaid, true
}
