// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

const (
	mostReads  = 4 // at a time: half of what an Alertmanager takes from all by default
	readTries  = 4 // of one that is refused for want of a turn there
	firstPause = 100 * time.Millisecond
)

// reads lets a few reads of one peer through at a time, and makes one of those
// that ask the same while they wait.
type reads struct {
	turns chan struct{}

	mu      sync.Mutex
	waiting map[string]any // *read[T] by address: not sent yet
}

func newReads() reads {
	return reads{turns: make(chan struct{}, mostReads), waiting: map[string]any{}}
}

// read is what came of a read. Those who share it must not change it.
type read[T any] struct {
	value T
	clock time.Time // of the server, when it answered
	asked time.Time // our own, when the request was sent

	done  chan struct{} // closed when the rest is set
	err   error
	hasty bool // the one who made it had no time left, which says nothing of the server
}

// get reads an object. What it returns was asked for after the call, also where
// somebody else has asked.
func get[T any](ctx context.Context, c *Client, op, path string, q url.Values) (read[T], error) {
	key := path + "?" + q.Encode()
	for {
		r, mine := join[T](c, key)
		if mine {
			r.fetch(ctx, c, key, remote.Request{Op: op, Method: http.MethodGet, Path: path, Query: q})
			return *r, r.err
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return read[T]{}, c.remote.GaveUp(ctx, op)
		}
		if !r.hasty {
			return *r, r.err
		}
	}
}

// fetch makes a read when it is its turn.
func (r *read[T]) fetch(ctx context.Context, c *Client, key string, req remote.Request) {
	defer close(r.done)
	select {
	case c.reads.turns <- struct{}{}:
		defer func() { <-c.reads.turns }()
	case <-ctx.Done():
		r.err = c.remote.GaveUp(ctx, req.Op)
	}
	c.reads.mu.Lock()
	delete(c.reads.waiting, key) // who comes now wants a newer one
	c.reads.mu.Unlock()
	req.Clock = &r.clock
	for try := 0; r.err == nil; try++ {
		r.asked = time.Now()
		r.err = c.remote.Do(ctx, req, &r.value)
		if remote.ReasonOf(r.err) != remote.Overloaded || try+1 == readTries || !pause(ctx, firstPause<<try) {
			break
		}
		r.err = nil
	}
	r.hasty = r.err != nil && ctx.Err() != nil
}

// pause waits for about d, so that those who were refused together don't come
// again together. It returns false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// join returns the read of an address that waits for its turn, or a new one that
// is the caller's to make.
func join[T any](c *Client, key string) (r *read[T], mine bool) {
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	if r, ok := c.reads.waiting[key].(*read[T]); ok {
		return r, false
	}
	r = &read[T]{done: make(chan struct{})}
	c.reads.waiting[key] = r
	return r, true
}
