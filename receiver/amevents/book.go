// SPDX-License-Identifier: Apache-2.0

package amevents

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/seldom"
)

// Limits of all facts, as JSON and in number; the oldest are deleted.
const (
	maxBytes  = 16 << 20
	maxStored = 20_000
)

// rewrite is by how much a fact's last time must advance to be stored again. Memory is exact; after
// a restart, or on another replica, it may lag by this much.
const rewrite = 10 * time.Minute

// Options configure a book.
type Options struct {
	Lifetime time.Duration // of a fact since it was last reported; equals that of the reports
	Now      func() time.Time
	Log      *slog.Logger
	Registry prometheus.Registerer

	maxBytes  int64 // 0: maxBytes
	maxStored int   // 0: maxStored
}

// Book stores facts in a bucket, which replicas share, and in memory.
type Book struct {
	bucket  *broker.Bucket
	opt     Options
	metrics *metrics
	says    seldom.Speaker
	room    sync.Mutex // serializes trim

	mu    sync.RWMutex
	known map[string]entry // by key
	bytes int64
}

// entry is a fact and its stored version.
type entry struct {
	Fact
	stored Fact
	size   int64
}

// Open opens the book and loads its facts. It follows what replicas write until ctx ends.
func Open(ctx context.Context, b *broker.Broker, opt Options) (*Book, error) {
	opt.maxBytes, opt.maxStored = cmp.Or(opt.maxBytes, maxBytes), cmp.Or(opt.maxStored, maxStored)
	bucket, err := b.Bucket(ctx, "alertmanager-events", opt.Lifetime)
	if err != nil {
		return nil, err
	}
	book := &Book{bucket: bucket, opt: opt, known: map[string]entry{}}
	book.metrics = newMetrics(opt.Registry, book)
	if err := bucket.Watch(ctx, book.follow); err != nil {
		return nil, err
	}
	return book, nil
}

// follow applies a write by this or another replica.
func (b *Book) follow(e broker.Entry, deleted bool) {
	if deleted {
		b.forget(e.Key)
		return
	}
	f := Fact{key: e.Key}
	if err := json.Unmarshal(e.Value, &f); err != nil {
		b.opt.Log.Error("A stored fact of Alertmanager can't be read and is skipped", "key", e.Key, "err", err)
		return
	}
	b.learn(f)
	b.wrote(f, int64(len(e.Value)))
}

// learn merges a fact into memory. It returns the merged entry, and whether it must be stored.
func (b *Book) learn(f Fact) (known entry, stale bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.known[f.key]
	if ok && f.What != report.Notified {
		f = merge(known.Fact, f)
	}
	known.Fact = f
	b.known[f.key] = known
	return known, f.beyond(known.stored)
}

// beyond reports whether a fact differs enough from its stored version.
func (f Fact) beyond(stored Fact) bool {
	return f.Last.Sub(stored.Last) >= rewrite || !f.First.Equal(stored.First) || !f.Until.Equal(stored.Until) || f.Comment != stored.Comment || f.By != stored.By
}

// wrote records the stored version of a fact.
func (b *Book) wrote(f Fact, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.known[f.key]; ok {
		b.bytes += size - known.size
		known.stored, known.size = f, size
		b.known[f.key] = known
	}
}

func (b *Book) forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= b.known[key].size
	delete(b.known, key)
}

// forgetUnstored forgets a fact that is not stored: while the store takes no writes, memory would
// grow without bound.
func (b *Book) forgetUnstored(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known[key].size == 0 {
		delete(b.known, key)
	}
}

// Put stores a fact. When it returns the fact is on disk, except that the last time of a known one
// may lag by a few minutes.
func (b *Book) Put(ctx context.Context, f Fact) error {
	known, stale := b.learn(f)
	if !stale {
		b.metrics.events.WithLabelValues("known").Inc()
		return nil
	}
	body, err := json.Marshal(known.Fact)
	if err != nil {
		return fmt.Errorf("encoding a fact: %w", err)
	}
	if _, err := b.bucket.Put(ctx, f.key, body); err != nil {
		b.forgetUnstored(f.key)
		return err // the sender retries, and it must still be stale then
	}
	b.wrote(known.Fact, int64(len(body)))
	b.metrics.events.WithLabelValues("kept").Inc()
	b.trim(ctx)
	return nil
}

// trim deletes the oldest facts while there are too many, a few at a time.
func (b *Book) trim(ctx context.Context) {
	b.room.Lock()
	defer b.room.Unlock()
	for range 4 {
		key, over := b.oldest()
		if !over {
			return
		}
		if err := b.bucket.Delete(ctx, key); err != nil && !errors.Is(err, broker.ErrNotFound) {
			if suppressed, ok := b.says.May("delete", b.opt.Now()); ok {
				b.opt.Log.Warn("An old fact of Alertmanager can't be deleted", "err", err, "suppressed", suppressed)
			}
			return
		}
		b.forget(key)
		b.metrics.dropped.Inc()
	}
}

// oldest returns the oldest fact if there are too many.
func (b *Book) oldest() (key string, over bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if len(b.known) <= b.opt.maxStored && b.bytes <= b.opt.maxBytes {
		return "", false
	}
	for k, e := range b.known {
		if key == "" || cmp.Or(e.Last.Compare(b.known[key].Last), cmp.Compare(k, key)) < 0 {
			key = k
		}
	}
	return key, true
}

// Of returns what was done with an alert, in any order.
func (b *Book) Of(fingerprint string) (list []report.Handled) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, e := range b.known {
		if e.about(fingerprint) {
			list = append(list, e.Handled)
		}
	}
	return list
}
