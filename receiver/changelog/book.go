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

// What all changes may take, as JSON and in number. Beyond it the oldest go:
// whoever posts more than that in a lifetime must fill neither the disk of the
// reports nor the memory.
const (
	maxBytes  = 64 << 20
	maxStored = 50_000
)

// Options are the settings of a book.
type Options struct {
	Lifetime time.Duration // of a change, after it came in
	Now      func() time.Time
	Log      *slog.Logger
	Registry prometheus.Registerer

	maxBytes  int64 // 0: maxBytes
	maxStored int   // 0: maxStored
}

// Book keeps changes in a bucket, which replicas share, and in memory in the
// order of their times.
type Book struct {
	bucket   *broker.Bucket
	opt      Options
	metrics  *metrics
	says     seldom.Speaker
	trimming sync.Mutex

	mu    sync.RWMutex
	known map[string]*entry // by id; an entry is never altered, only replaced
	order []*entry          // by time, then by id
	bytes int64
}

// entry is a change with what the bucket knows of it.
type entry struct {
	Change
	revision uint64
	size     int64
}

// Outcome is what became of a change.
type Outcome string

// The outcomes.
const (
	Added    Outcome = "added"
	Replaced Outcome = "replaced" // one of the same sender and id
	Known    Outcome = "known"    // it said the same
)

// Open opens the book and reads what it holds. Until ctx ends it follows what
// other replicas write.
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

// follow takes over what a replica has written, this one or another.
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

// remember indexes a change, unless a newer copy of it is known.
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

// unlink takes a change out of the order. The caller holds the lock.
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

// putTries bounds how often a write is made again that another has overtaken.
const putTries = 10

// Put writes a change, and returns it as it is kept. One that its sender has told
// before takes the place of that; a time that it leaves out is the one that it
// had, or now. When Put returns the change is safe on disk.
func (b *Book) Put(ctx context.Context, c Change) (Change, Outcome, error) {
	kept, outcome, err := b.put(ctx, c)
	if err == nil {
		b.metrics.changes.WithLabelValues(string(outcome)).Inc()
	}
	return kept, outcome, err
}

// put is Put without counting.
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

// dated fills in the time that a change leaves out: the one that it had, if its
// sender told it before, or now.
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

// checkSpans checks the ends of changes whose beginnings were told before: in the
// book, or in the same message.
func (b *Book) checkSpans(list []Change) error {
	began := map[string]time.Time{} // by id
	for i, c := range list {
		if c.Sender == "" {
			continue // it has told both
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

// reread reads a change that another replica has written, or that has gone.
func (b *Book) reread(ctx context.Context, id string) error {
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Millisecond): // what is read may be some milliseconds behind
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
