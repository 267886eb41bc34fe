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

// Bucket is a map from strings to bytes on disk, whose entries live for a
// fixed time after they were last written. Any string of at most [MaxKey]
// bytes is a key; under a longer one nothing is found and nothing is kept
// ([ErrKey]).
//
// Writes are refused with [ErrFull] when the bucket holds MaxBucketBytes, with
// [ErrTooLarge] above [MaxPayload], and else with [ErrUnavailable]. In a
// cluster Get may be answered by a replica that is some milliseconds behind;
// Create and Update are judged by the leader, so build decisions on those.
type Bucket struct {
	b      *Broker
	name   string
	config jetstream.KeyValueConfig
	bound  atomic.Pointer[binding]
	ledger *ledger   // nil in a cluster
	begun  sync.Once // with the first write
}

// binding is a bucket as it is reached through one link.
type binding struct {
	link *link
	kv   jetstream.KeyValue
}

// Entry is what a bucket holds under a key.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64    // grows with every write to the bucket
	Created  time.Time // of this revision
}

// markerLife is how long watchers can still learn that an entry has gone.
const markerLife = time.Minute

// Bucket opens the bucket, or makes it. The name consists of letters, digits,
// "-" and "_". A lifetime of 0 is forever; one that differs from that of the
// last time changes the lifetime of the entries that are there. In a cluster
// Bucket waits for a majority, until the context ends.
func (b *Broker) Bucket(ctx context.Context, name string, ttl time.Duration) (*Bucket, error) {
	k := &Bucket{b: b, name: name, config: jetstream.KeyValueConfig{
		Bucket:         name,
		TTL:            ttl,
		MaxBytes:       b.opt.MaxBucketBytes,
		Storage:        jetstream.FileStorage,
		Replicas:       b.opt.replicas(),
		LimitMarkerTTL: markerLife,
	}}
	if err := b.insist(ctx, fmt.Sprintf("the bucket %q", name), k.make); err != nil {
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

// takeStock puts back what was set aside of the bucket, and compares how far it has come
// with what was known of it.
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

// open makes the ledger. After an orderly end it is told entry by entry what is gone,
// when a watcher has seen all; else an estimate is told now.
func (k *Bucket) open(info *jetstream.StreamInfo) {
	known := k.b.sequence(k.stream(), info)
	if known.Ended {
		k.ledger = newLedger(decodeHeld(known.Live))
		return
	}
	k.ledger = newLedger(nil)
	k.b.tellLost(k.stream(), known.beyond(info.State.LastSeq))
}

// opened returns the buckets that were opened.
func (b *Broker) opened() []*Bucket {
	b.buckets.Lock()
	defer b.buckets.Unlock()
	return slices.Clone(b.buckets.open)
}

// make makes the bucket, or brings it in line with its settings.
func (k *Bucket) make(ctx context.Context) error {
	l := k.b.link.Load()
	kv, err := l.js.CreateOrUpdateKeyValue(ctx, k.config)
	if err == nil {
		k.bound.Store(&binding{l, kv})
	}
	return err
}

// reach returns the bucket through the link of the moment.
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
	if err != nil { // nothing was ever put there
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

// Put writes an entry, whatever was there, and returns its revision.
func (k *Bucket) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return k.write(ctx, key, nil, func(ctx context.Context, kv jetstream.KeyValue, key string) (uint64, error) {
		return kv.Put(ctx, key, value)
	})
}

// Create writes an entry if there is none under the key, and else returns
// [ErrExists]. Of several that try at once one succeeds.
func (k *Bucket) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return k.write(ctx, key, ErrExists, func(ctx context.Context, kv jetstream.KeyValue, key string) (uint64, error) {
		return kv.Create(ctx, key, value)
	})
}

// Update writes an entry if its newest revision is the given one, and else
// returns [ErrConflict]: get it again and decide anew.
func (k *Bucket) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return k.write(ctx, key, ErrConflict, func(ctx context.Context, kv jetstream.KeyValue, key string) (uint64, error) {
		return kv.Update(ctx, key, value, revision)
	})
}

// Delete removes an entry, and after a minute all that tells of it. It is no
// error if there is none.
func (k *Bucket) Delete(ctx context.Context, key string) error {
	k.ledger.deleting(encodeKey(key))
	_, err := k.write(ctx, key, nil, func(ctx context.Context, kv jetstream.KeyValue, key string) (uint64, error) {
		return 0, kv.Purge(ctx, key, jetstream.PurgeTTL(markerLife))
	})
	k.ledger.deleted(encodeKey(key), err)
	return err
}

// Size returns the bytes that the bucket takes on the disk.
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

// write makes one write. JetStream has one answer for an entry that is there
// and for one that has changed; lost is what it means here.
func (k *Bucket) write(ctx context.Context, key string, lost error, do func(context.Context, jetstream.KeyValue, string) (uint64, error)) (uint64, error) {
	legal, err := legalKey(key)
	if err != nil {
		return 0, fmt.Errorf("%s %.40q…: %w", k.name, key, err)
	}
	if err := k.b.writable(); err != nil {
		return 0, fmt.Errorf("%s %q: %w", k.name, key, err)
	}
	k.begun.Do(func() { k.b.saveSequences(0) }) // what was there is no measure any more
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

// writeOnce gives a write up early in a cluster: a leader that is gone does not
// answer.
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

// mayWriteAgain says whether a write that met no leader is made again. One that
// depends on what is there is not, if it may have been stored: then it would
// lose against itself.
func (k *Bucket) mayWriteAgain(ctx context.Context, lost, err error) bool {
	nobody := errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
	return k.b.unanswered(ctx, err) && (nobody || lost == nil)
}
