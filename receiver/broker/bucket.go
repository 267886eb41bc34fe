package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Bucket is a map from strings to bytes on disk, whose entries live for a
// fixed time after they were last written. Any string is a key.
//
// Writes are refused with [ErrFull] when the bucket holds MaxBucketBytes, with
// [ErrTooLarge] above [MaxPayload], and else with [ErrUnavailable]. In a
// cluster Get may be answered by a replica that is some milliseconds behind;
// Create and Update are judged by the leader, so build decisions on those.
type Bucket struct {
	b    *Broker
	name string
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
// last time changes the lifetime of the entries that are there.
func (b *Broker) Bucket(ctx context.Context, name string, ttl time.Duration) (*Bucket, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	kv, err := b.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:         name,
		TTL:            ttl,
		MaxBytes:       b.opt.MaxBucketBytes,
		Storage:        jetstream.FileStorage,
		Replicas:       b.opt.replicas(),
		LimitMarkerTTL: markerLife,
	})
	if err != nil {
		return nil, fmt.Errorf("bucket %q: %w", name, b.explain(publishError(err)))
	}
	return &Bucket{b: b, name: name, kv: kv}, nil
}

// Get returns the entry of a key, or [ErrNotFound].
func (k *Bucket) Get(ctx context.Context, key string) (Entry, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	e, err := k.kv.Get(ctx, encodeKey(key))
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrKeyDeleted) {
		return Entry{}, fmt.Errorf("%s %q: %w", k.name, key, ErrNotFound)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%s %q: %w", k.name, key, k.b.explain(publishError(err)))
	}
	return Entry{Key: key, Value: e.Value(), Revision: e.Revision(), Created: e.Created()}, nil
}

// Put writes an entry, whatever was there, and returns its revision.
func (k *Bucket) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return k.write(ctx, key, nil, func(ctx context.Context) (uint64, error) {
		return k.kv.Put(ctx, encodeKey(key), value)
	})
}

// Create writes an entry if there is none under the key, and else returns
// [ErrExists]. Of several that try at once one succeeds.
func (k *Bucket) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return k.write(ctx, key, ErrExists, func(ctx context.Context) (uint64, error) {
		return k.kv.Create(ctx, encodeKey(key), value)
	})
}

// Update writes an entry if its newest revision is the given one, and else
// returns [ErrConflict]: get it again and decide anew.
func (k *Bucket) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return k.write(ctx, key, ErrConflict, func(ctx context.Context) (uint64, error) {
		return k.kv.Update(ctx, encodeKey(key), value, revision)
	})
}

// Delete removes an entry. It is no error if there is none.
func (k *Bucket) Delete(ctx context.Context, key string) error {
	_, err := k.write(ctx, key, nil, func(ctx context.Context) (uint64, error) {
		return 0, k.kv.Delete(ctx, encodeKey(key))
	})
	return err
}

// write makes one write. JetStream has one answer for an entry that is there
// and for one that has changed; lost is what it means here.
func (k *Bucket) write(ctx context.Context, key string, lost error, do func(context.Context) (uint64, error)) (uint64, error) {
	if err := k.b.writable(); err != nil {
		return 0, fmt.Errorf("%s %q: %w", k.name, key, err)
	}
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	rev, err := do(ctx)
	switch {
	case err == nil:
		return rev, nil
	case lost != nil && (errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch)):
		return 0, fmt.Errorf("%s %q: %w", k.name, key, lost)
	default:
		return 0, fmt.Errorf("%s %q: %w", k.name, key, k.b.explain(publishError(err)))
	}
}
