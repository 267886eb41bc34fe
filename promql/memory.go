// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// Answers are kept for a minute, so that the alerts of one storm, whose times
// lie on the same grid, share them.
const (
	keepAnswers    = time.Minute
	mostRemembered = 2_000_000 // samples of all answers kept of all servers, at 16 bytes
)

// memory shares answers: a question that is being asked is waited for, and one
// that was asked a moment ago isn't asked again. It is safe for concurrent use.
type memory struct {
	most    int           // samples of all answers kept
	failing time.Duration // for which it is kept that the server was not reached; 0: not at all
	mu      sync.Mutex
	entries map[string]*entry
	order   []string // keys of what is kept, the oldest first
	samples int
}

type entry struct {
	done    chan struct{} // closed when the rest is set
	value   any
	samples int
	err     error
	until   time.Time
}

func newMemory() *memory { return &memory{most: mostRemembered, entries: map[string]*entry{}} }

// recall returns the answer to the question of that key, which ask asks if
// nobody else does or did. The answer and what the server refused are kept;
// that it wasn't reached is not, unless failing says so, and neither is the
// impatience of who asked: then the next one asks. asked says whether this call did.
func (m *memory) recall(ctx context.Context, key string, ask func() (value any, samples int, err error)) (value any, asked bool, err error) {
	for {
		e, mine := m.claim(key)
		if mine {
			m.fill(key, e, ask)
			return e.value, true, e.err
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		}
		if !private(e.err) {
			return e.value, false, e.err
		}
	}
}

// fill asks. Whatever happens then, nobody waits for the answer any longer.
func (m *memory) fill(key string, e *entry, ask func() (value any, samples int, err error)) {
	defer m.settle(key, e)
	e.err = gaveUp{errPanic} // until ask returns
	e.value, e.samples, e.err = ask()
}

var errPanic = errors.New("who asked has panicked")

// private says whether an error is of who asked, and not of the question.
func private(err error) bool {
	return errors.As(err, new(gaveUp)) || errors.As(err, new(*overBudget))
}

// claim returns the entry of a key, and whether the caller has to fill it.
func (m *memory) claim(key string) (e *entry, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e = m.entries[key]; e != nil && (e.until.IsZero() || time.Now().Before(e.until)) {
		return e, false
	}
	if e != nil {
		m.drop(key)
	}
	e = &entry{done: make(chan struct{})}
	m.entries[key] = e
	return e, true
}

// settle keeps an answer, or forgets that it was asked for.
func (m *memory) settle(key string, e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	failed, keep := unreached(e.err), keepAnswers
	if failed {
		keep = m.failing
	}
	e.until = time.Now().Add(keep)
	close(e.done)
	if private(e.err) || failed && keep == 0 {
		delete(m.entries, key)
		return
	}
	m.order = append(m.order, key)
	m.samples += e.samples
	for len(m.order) > 0 && (m.samples > m.most || time.Now().After(m.entries[m.order[0]].until)) {
		m.drop(m.order[0])
	}
}

// drop forgets what is kept under a key.
func (m *memory) drop(key string) {
	for i, k := range m.order {
		if k == key {
			m.order = append(m.order[:i], m.order[i+1:]...)
			break
		}
	}
	m.samples -= m.entries[key].samples
	delete(m.entries, key)
}

// sharedAlerts is the list of alerts for everybody who asks within a second: in
// a storm every alert asks for the same list. A failure is shared too, so that
// a server that doesn't answer is waited for once.
type sharedAlerts struct {
	mu   sync.Mutex
	at   time.Time
	list []v1.Alert
	err  error
}
