// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// Answers are kept for a minute, so that the alerts of a storm, whose queries use the same time
// grid, share them.
const (
	keepAnswers    = time.Minute
	mostRemembered = 2_000_000 // samples of all kept answers of all servers, at 16 bytes each
)

// memory caches answers and merges concurrent requests for the same one. It is safe for
// concurrent use.
type memory struct {
	most    int           // samples of all kept answers
	failing time.Duration // how long to remember that the server was not reached; 0: not at all
	mu      sync.Mutex
	entries map[string]*entry
	order   []string // keys of kept answers, oldest first
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

// recall returns the answer for a key. It calls ask if there is none yet and nobody else is
// asking. Answers and refusals by the server are kept; so is a failure to reach it, if failing
// says so. The caller's own cancellation is not: the next caller asks again. asked says whether
// this call did.
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
		if !concernsCaller(e.err) {
			return e.value, false, e.err
		}
	}
}

// fill calls ask. It releases the waiting callers even if ask panics.
func (m *memory) fill(key string, e *entry, ask func() (value any, samples int, err error)) {
	defer m.settle(key, e)
	e.err = gaveUp{errPanic} // until ask returns
	e.value, e.samples, e.err = ask()
}

var errPanic = errors.New("who asked has panicked")

// concernsCaller says whether an error concerns only the caller that asked.
func concernsCaller(err error) bool {
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

// settle keeps an answer, or forgets the request.
func (m *memory) settle(key string, e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	failed, keep := unreached(e.err), keepAnswers
	if failed {
		keep = m.failing
	}
	e.until = time.Now().Add(keep)
	close(e.done)
	if concernsCaller(e.err) || failed && keep == 0 {
		delete(m.entries, key)
		return
	}
	m.order = append(m.order, key)
	m.samples += e.samples
	for len(m.order) > 0 && (m.samples > m.most || time.Now().After(m.entries[m.order[0]].until)) {
		m.drop(m.order[0])
	}
}

// drop removes a key.
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

// sharedAlerts is the list of alerts, shared for a second: in a storm every alert needs it. A
// failure is shared too, so that a storm waits for a hanging server only once.
type sharedAlerts struct {
	mu   sync.Mutex
	at   time.Time
	list []v1.Alert
	err  error
}
