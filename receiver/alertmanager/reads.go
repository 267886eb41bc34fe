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
	mostReads  = 4 // concurrently: half of what an Alertmanager allows all clients by default
	readTries  = 4 // if the server is busy
	firstPause = 100 * time.Millisecond
)

// reads limits the concurrent reads of one peer, and merges identical ones that wait.
type reads struct {
	turns chan struct{}

	mu      sync.Mutex
	waiting map[string]any // *read[T] by URL: not sent yet
}

func newReads() reads {
	return reads{turns: make(chan struct{}, mostReads), waiting: map[string]any{}}
}

// read is a read and its result. Callers share it, so they must not modify it.
type read[T any] struct {
	value T
	clock time.Time // the server's, when it answered
	asked time.Time // ours, when the request was sent

	done  chan struct{} // closed when the other fields are set
	err   error
	hasty bool // the caller that made it ran out of time, which says nothing about the server
}

// get reads an object. The request is sent after the call begins, even if another caller sends it.
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

// fetch makes a read when there is a free slot.
func (r *read[T]) fetch(ctx context.Context, c *Client, key string, req remote.Request) {
	defer close(r.done)
	select {
	case c.reads.turns <- struct{}{}:
		defer func() { <-c.reads.turns }()
	case <-ctx.Done():
		r.err = c.remote.GaveUp(ctx, req.Op)
	}
	c.reads.mu.Lock()
	delete(c.reads.waiting, key) // later callers need a newer one
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

// pause waits for about d, with jitter, so that clients refused together don't retry together. It
// returns false if ctx ends first.
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

// join returns the waiting read for a URL, or a new one that the caller must make.
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
