// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/seldom"
)

// Limits of all changes, as JSON and in number; the oldest are deleted. Posts must fill neither the
// disk of the reports nor the memory.
const (
	maxBytes  = 64 << 20
	maxStored = 50_000
)

// Options configure a book.
type Options struct {
	Lifetime time.Duration // of a change since it was received
	Now      func() time.Time
	Log      *slog.Logger
	Registry prometheus.Registerer

	maxBytes  int64 // 0: maxBytes
	maxStored int   // 0: maxStored
}

// Book stores changes in a bucket, which replicas share, and in memory, ordered by time.
type Book struct {
	bucket   *broker.Bucket
	opt      Options
	metrics  *metrics
	says     seldom.Speaker
	trimming sync.Mutex

	mu    sync.RWMutex
	known map[string]*entry // by id; entries are immutable
	order []*entry          // by time, then by id
	bytes int64
}

// entry is a change with its stored revision and size.
type entry struct {
	Change
	revision uint64
	size     int64
}

// Outcome is what became of a change.
type Outcome string

// The outcomes of adding a change.
const (
	Added    Outcome = "added"
	Replaced Outcome = "replaced" // replaced one with the same sender and id
	Known    Outcome = "known"    // unchanged
)

// Open opens the book and loads its changes. It follows what replicas write until ctx ends.
func Open(ctx context.Context, b *broker.Broker, opt Options) (*Book, error) {
	opt.maxBytes, opt.maxStored = cmp.Or(opt.maxBytes, maxBytes), cmp.Or(opt.maxStored, maxStored)
	bucket, err := b.Bucket(ctx, "changes", opt.Lifetime)
	if err != nil {
		return nil, err
	}
	book := &Book{bucket: bucket, opt: opt, known: map[string]*entry{}}
	book.metrics = newMetrics(opt.Registry, book)
	if err := bucket.Watch(ctx, book.follow); err != nil {
		return nil, err
	}
	return book, nil
}

// follow applies a write by this or another replica.
func (b *Book) follow(e broker.Entry, deleted bool) {
	if deleted {
		b.forget(e.Key, e.Revision)
		return
	}
	if err := b.learn(e); err != nil {
		b.opt.Log.Error("A stored change can't be read and is skipped", "id", e.Key, "err", err)
	}
}

func (b *Book) learn(e broker.Entry) error {
	c := entry{revision: e.Revision, size: int64(len(e.Value))}
	if err := json.Unmarshal(e.Value, &c.Change); err != nil {
		return fmt.Errorf("the stored change %s can't be read: %w", e.Key, err)
	}
	b.remember(c)
	return nil
}

func compareEntries(a, b *entry) int { return compare(a.Change, b.Change) }

func compare(a, b Change) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) }

// remember indexes a change, unless the index has a newer copy.
func (b *Book) remember(c entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.known[c.ID]; ok {
		if known.revision >= c.revision {
			return
		}
		b.unlink(known)
	}
	b.known[c.ID] = &c
	b.bytes += c.size
	at, _ := slices.BinarySearchFunc(b.order, &c, compareEntries)
	b.order = slices.Insert(b.order, at, &c)
}

func (b *Book) forget(id string, revision uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.known[id]; ok && known.revision <= revision {
		b.unlink(known)
		delete(b.known, id)
	}
}

// unlink removes a change from the order. The caller holds b.mu.
func (b *Book) unlink(c *entry) {
	b.bytes -= c.size
	if at, ok := slices.BinarySearchFunc(b.order, c, compareEntries); ok {
		b.order = slices.Delete(b.order, at, at+1)
	}
}

func (b *Book) get(id string) (entry, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if c, ok := b.known[id]; ok {
		return *c, true
	}
	return entry{}, false
}

// putTries bounds the retries after conflicts.
const putTries = 10

// Put upserts a change by sender and id, and returns it as stored. A missing time is that of the
// earlier version, or now. When Put returns the change is on disk.
func (b *Book) Put(ctx context.Context, c Change) (Change, Outcome, error) {
	kept, outcome, err := b.put(ctx, c)
	if err == nil {
		b.metrics.changes.WithLabelValues(string(outcome)).Inc()
	}
	return kept, outcome, err
}

// put is Put without metrics.
func (b *Book) put(ctx context.Context, c Change) (Change, Outcome, error) {
	for try := 0; ; try++ {
		kept, outcome, err := b.putOnce(ctx, c)
		if err == nil {
			b.trim(ctx)
			return kept, outcome, nil
		}
		if !errors.Is(err, broker.ErrConflict) && !errors.Is(err, broker.ErrExists) || try == putTries {
			return kept, "", err
		}
		if err := b.reread(ctx, kept.ID); err != nil {
			return kept, "", err
		}
	}
}

// dated fills in a missing time: that of the earlier version, or now.
func (b *Book) dated(c Change, before time.Time) Change {
	if !c.At.IsZero() {
		return c
	}
	c.At = cmp.Or(before, c.Until, b.opt.Now().UTC().Truncate(time.Millisecond))
	if !c.Until.IsZero() && c.Until.Before(c.At) {
		c.At = c.Until
	}
	return c
}

// checkSpans checks changes that only have an end against their start, which is in the book or in
// the same message.
func (b *Book) checkSpans(list []Change) error {
	began := map[string]time.Time{} // by id
	for i, c := range list {
		if c.Sender == "" {
			continue // has both
		}
		id := c.identify()
		known, _ := b.get(id)
		c = b.dated(c, cmp.Or(began[id], known.At))
		if err := c.checkSpan(c.At); err != nil {
			return fmt.Errorf("change %d: %w", i+1, err)
		}
		began[id] = c.At
	}
	return nil
}

func (b *Book) putOnce(ctx context.Context, c Change) (Change, Outcome, error) {
	var known entry
	if c.Sender != "" {
		known, _ = b.get(c.identify())
	}
	c = b.dated(c, known.At)
	if err := c.checkSpan(c.At); err != nil {
		return c, "", err
	}
	c.ID = c.identify()
	known, ok := b.get(c.ID)
	if ok && same(known.Change, c) {
		return known.Change, Known, nil
	}
	c.Received = b.opt.Now().UTC()
	body, err := json.Marshal(c)
	if err != nil {
		return c, "", fmt.Errorf("encoding a change: %w", err)
	}
	next, outcome := entry{Change: c, size: int64(len(body))}, Added
	if ok {
		outcome = Replaced
		next.revision, err = b.bucket.Update(ctx, c.ID, body, known.revision)
	} else {
		next.revision, err = b.bucket.Create(ctx, c.ID, body)
	}
	if err != nil {
		return c, "", err
	}
	b.remember(next)
	return c, outcome, nil
}

// reread reloads a change that another replica has written or deleted.
func (b *Book) reread(ctx context.Context, id string) error {
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Millisecond): // reads may lag some milliseconds behind
	}
	e, err := b.bucket.Get(ctx, id)
	if errors.Is(err, broker.ErrNotFound) {
		if known, ok := b.get(id); ok {
			b.forget(id, known.revision)
		}
		return nil
	}
	if err != nil {
		return err
	}
	err = b.learn(e)
	return err
}
