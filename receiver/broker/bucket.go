// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Bucket is a persistent map from strings to bytes, whose entries expire a fixed time after their
// last write. A key is any string of at most [MaxKey] bytes; longer ones are never found, and
// writing to them fails with [ErrKey].
//
// Writes fail with [ErrFull] when the bucket holds MaxBucketBytes, with [ErrTooLarge] above
// [MaxPayload], and otherwise with [ErrUnavailable]. In a cluster, Get may read from a replica that
// lags some milliseconds; the leader decides about Create and Update, so base decisions on those.
type Bucket struct {
	b      *Broker
	name   string
	config jetstream.KeyValueConfig
	bound  atomic.Pointer[binding]
	ledger *ledger   // nil in a cluster
	begun  sync.Once // at the first write
}

// binding is a bucket accessed through one link.
type binding struct {
	link *link
	kv   jetstream.KeyValue
}

// Entry is a key with its value.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64    // increases with every write to the bucket
	Created  time.Time // of this revision
}

// markerLife is how long watchers can still learn of a deletion.
const markerLife = time.Minute

// Bucket opens or creates a bucket. The name consists of letters, digits, "-" and "_". A ttl of 0
// means forever; a changed ttl also applies to existing entries. In a cluster Bucket waits for a
// majority until ctx ends.
func (b *Broker) Bucket(ctx context.Context, name string, ttl time.Duration) (*Bucket, error) {
	k := &Bucket{b: b, name: name, config: jetstream.KeyValueConfig{
		Bucket:         name,
		TTL:            ttl,
		MaxBytes:       b.opt.MaxBucketBytes,
		Storage:        jetstream.FileStorage,
		Replicas:       b.opt.replicas(),
		LimitMarkerTTL: markerLife,
	}}
	if err := b.retry(ctx, fmt.Sprintf("the bucket %q", name), k.make); err != nil {
		return nil, fmt.Errorf("bucket %q: %w", name, publishError(err))
	}
	if b.opt.replicas() == 1 { // before anything is written
		if err := k.takeStock(ctx); err != nil {
			return nil, err
		}
	}
	b.buckets.Lock()
	defer b.buckets.Unlock()
	b.buckets.open = append(b.buckets.open, k)
	return k, nil
}

// stream is the name of the bucket's stream.
func (k *Bucket) stream() string { return "KV_" + k.name }

// takeStock restores salvaged messages of the bucket, and compares its state with the recorded one.
func (k *Bucket) takeStock(ctx context.Context) error {
	if err := k.b.putBack(ctx, k.stream()); err != nil {
		return fmt.Errorf("putting entries back into the bucket %q: %w", k.name, err)
	}
	info, err := k.b.ask(ctx, k.stream())
	if err != nil {
		return fmt.Errorf("reading the bucket %q: %w", k.name, err)
	}
	k.open(info)
	return nil
}

// open makes the ledger. After a clean shutdown a watcher later finds out exactly which entries are
// lost; otherwise an estimate is reported now.
func (k *Bucket) open(info *jetstream.StreamInfo) {
	known := k.b.sequence(k.stream(), info)
	if known.Ended {
		k.ledger = newLedger(decodeHeld(known.Live))
		return
	}
	k.ledger = newLedger(nil)
	k.b.reportLost(k.stream(), known.estimateLost(info.State.LastSeq))
}

// opened returns the open buckets.
func (b *Broker) opened() []*Bucket {
	b.buckets.Lock()
	defer b.buckets.Unlock()
	return slices.Clone(b.buckets.open)
}

// make creates or updates the bucket.
func (k *Bucket) make(ctx context.Context) error {
	l := k.b.link.Load()
	kv, err := l.js.CreateOrUpdateKeyValue(ctx, k.config)
	if err == nil {
		k.bound.Store(&binding{l, kv})
	}
	return err
}

// reach returns the bucket through the current link.
func (k *Bucket) reach(ctx context.Context) (*binding, error) {
	bound, l := k.bound.Load(), k.b.link.Load()
	if bound.link == l {
		return bound, nil
	}
	kv, err := l.js.KeyValue(ctx, k.name)
	if err != nil {
		return nil, err
	}
	bound = &binding{l, kv}
	k.bound.Store(bound)
	return bound, nil
}

// Get returns the entry of a key, or [ErrNotFound].
func (k *Bucket) Get(ctx context.Context, key string) (Entry, error) {
	legal, err := legalKey(key)
	if err != nil { // such a key can't have been written
		return Entry{}, fmt.Errorf("%s %.40q…: %w: %w", k.name, key, ErrNotFound, err)
	}
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	e, err := k.get(ctx, legal)
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrKeyDeleted) {
		return Entry{}, fmt.Errorf("%s %q: %w", k.name, key, ErrNotFound)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%s %q: %w", k.name, key, k.b.explain(publishError(err)))
	}
	return Entry{Key: key, Value: e.Value(), Revision: e.Revision(), Created: e.Created()}, nil
}

func (k *Bucket) get(ctx context.Context, key string) (jetstream.KeyValueEntry, error) {
	at, err := k.reach(ctx)
	if err != nil {
		return nil, err
	}
	return at.kv.Get(ctx, key)
}

// Put writes an entry unconditionally, and returns its revision.
func (k *Bucket) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return k.write(ctx, key, nil, func(ctx context.Context, kv jetstream.KeyValue, key string) (uint64, error) {
		return kv.Put(ctx, key, value)
	})
}

// Create writes an entry if the key has none, and otherwise returns [ErrExists]. If several try at
// once exactly one succeeds.
func (k *Bucket) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return k.write(ctx, key, ErrExists, func(ctx context.Context, kv jetstream.KeyValue, key string) (uint64, error) {
		return kv.Create(ctx, key, value)
	})
}

// Update writes an entry if revision is still its newest, and otherwise returns [ErrConflict]: Get
// it and decide again.
func (k *Bucket) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return k.write(ctx, key, ErrConflict, func(ctx context.Context, kv jetstream.KeyValue, key string) (uint64, error) {
		return kv.Update(ctx, key, value, revision)
	})
}

// Delete removes an entry, and its deletion marker after a minute. Deleting a missing entry is no
// error.
func (k *Bucket) Delete(ctx context.Context, key string) error {
	k.ledger.deleting(encodeKey(key))
	_, err := k.write(ctx, key, nil, func(ctx context.Context, kv jetstream.KeyValue, key string) (uint64, error) {
		return 0, kv.Purge(ctx, key, jetstream.PurgeTTL(markerLife))
	})
	k.ledger.deleted(encodeKey(key), err)
	return err
}

// Size returns the size of the bucket on disk, in bytes.
func (k *Bucket) Size(ctx context.Context) (int64, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	at, err := k.reach(ctx)
	if err != nil {
		return 0, err
	}
	status, err := at.kv.Status(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking for the size of bucket %q: %w", k.name, err)
	}
	return int64(status.Bytes()), nil
}

// write makes one write. JetStream returns the same error if an entry exists and if it has changed;
// lost is what it means here.
func (k *Bucket) write(ctx context.Context, key string, lost error, do func(context.Context, jetstream.KeyValue, string) (uint64, error)) (uint64, error) {
	legal, err := legalKey(key)
	if err != nil {
		return 0, fmt.Errorf("%s %.40q…: %w", k.name, key, err)
	}
	if err := k.b.writable(); err != nil {
		return 0, fmt.Errorf("%s %q: %w", k.name, key, err)
	}
	k.begun.Do(func() { k.b.saveSequences(0) }) // the recorded state is outdated now
	ctx, cancel := k.b.withElection(ctx)
	defer cancel()
	rev, err := k.writeOnce(ctx, legal, do)
	for err != nil && k.mayWriteAgain(ctx, lost, err) && pauseFor(ctx, 100*time.Millisecond) {
		rev, err = k.writeOnce(ctx, legal, do)
	}
	switch {
	case err == nil:
		if rev > 0 {
			k.ledger.wrote(legal, rev)
		}
		return rev, nil
	case lost != nil && (errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch)):
		return 0, fmt.Errorf("%s %q: %w", k.name, key, lost)
	default:
		return 0, fmt.Errorf("%s %q: %w", k.name, key, k.b.explain(publishError(err)))
	}
}

// writeOnce abandons a write early in a cluster: a leader that is gone doesn't answer.
func (k *Bucket) writeOnce(ctx context.Context, key string, do func(context.Context, jetstream.KeyValue, string) (uint64, error)) (uint64, error) {
	if k.b.opt.replicas() > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, attempt)
		defer cancel()
	}
	at, err := k.reach(ctx)
	if err != nil {
		return 0, err
	}
	return do(ctx, at.kv, key)
}

// mayWriteAgain reports whether to retry a write that met no leader. Not if it is conditional and
// may have been stored: it would conflict with itself.
func (k *Bucket) mayWriteAgain(ctx context.Context, lost, err error) bool {
	nobody := errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
	return k.b.unanswered(ctx, err) && (nobody || lost == nil)
}
