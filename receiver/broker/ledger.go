// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ledger records what a bucket holds, by hash of the key, and what a watcher has yet to confirm. A
// nil ledger is a no-op.
type ledger struct {
	mu       sync.Mutex
	live     map[uint64]version
	dead     map[uint64]bool    // deleted by this process, not yet seen by a watcher
	expected map[uint64]version // expected from the watcher; nil: nothing
}

// version is a version of an entry.
type version struct {
	revision uint64
	created  int64 // Unix time from which its ttl runs
}

func newLedger(owed map[uint64]version) *ledger {
	return &ledger{live: map[uint64]version{}, dead: map[uint64]bool{}, expected: owed}
}

// wrote records a write of this process.
func (l *ledger) wrote(key string, revision uint64) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := hashOf(key)
	delete(l.dead, h)
	l.live[h] = version{revision, time.Now().Unix()}
}

// deleting is called before this process deletes an entry: until the watcher sees the deletion,
// what it sees of the entry is outdated.
func (l *ledger) deleting(key string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead[hashOf(key)] = true
}

// deleted records the outcome.
func (l *ledger) deleted(key string, err error) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := hashOf(key)
	if err != nil {
		delete(l.dead, h)
		return
	}
	delete(l.live, h)
	delete(l.expected, h)
}

// observed records what a watcher has seen.
func (l *ledger) observed(e jetstream.KeyValueEntry) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := hashOf(e.Key())
	if l.expected[h].revision <= e.Revision() {
		delete(l.expected, h)
	}
	switch {
	case e.Operation() != jetstream.KeyValuePut:
		delete(l.dead, h)
		delete(l.live, h)
	case !l.dead[h]:
		l.live[h] = version{e.Revision(), e.Created().Unix()}
	}
}

// begin is called before a watcher lists all entries. It expects what the last run left, or else
// all that this run knows of.
func (l *ledger) begin() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.expected == nil {
		l.expected = maps.Clone(l.live)
	}
}

// settle returns how many expected entries the watcher has not seen, except expired ones.
// Unreadable entries count, whether they were expected or not.
func (l *ledger) settle(ttl time.Duration, unreadable []string) (gone uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range unreadable {
		gone++
		delete(l.expected, hashOf(key))
	}
	for h, v := range l.expected {
		if ttl == 0 || time.Since(time.Unix(v.created, 0)) < ttl-markerLife {
			gone++
		}
		if l.live[h] == v {
			delete(l.live, h)
		}
	}
	l.expected = nil
	return gone
}

// drop removes an entry from the expected ones.
func (l *ledger) drop(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.expected, hashOf(key))
}

// holds returns the revision of the live entry of a key, if any.
func (l *ledger) holds(key string) (revision uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.live[hashOf(key)]
	return v.revision, ok
}

// all returns what the bucket holds, including what no watcher has seen yet, and excluding what may
// be deleted by now.
func (l *ledger) all() map[uint64]version {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := maps.Clone(l.live)
	for h, v := range l.expected {
		if _, ok := held[h]; !ok {
			held[h] = v
		}
	}
	for h := range l.dead {
		delete(held, h)
	}
	return held
}

// hashOf is stable across processes.
func hashOf(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return h.Sum64()
}

// encodeHeld encodes entries in a few bytes each.
func encodeHeld(held map[uint64]version) []byte {
	var text []byte
	for h, v := range held {
		text = binary.BigEndian.AppendUint64(text, h)
		text = binary.AppendUvarint(text, v.revision)
		text = binary.AppendVarint(text, v.created)
	}
	return text
}

// decodeHeld decodes what encodeHeld wrote, up to the first error.
func decodeHeld(text []byte) map[uint64]version {
	held := map[uint64]version{}
	for len(text) >= 8 {
		h, rest := binary.BigEndian.Uint64(text), text[8:]
		revision, n := binary.Uvarint(rest)
		if n <= 0 {
			break
		}
		created, m := binary.Varint(rest[n:])
		if m <= 0 {
			break
		}
		held[h], text = version{revision, created}, rest[n+m:]
	}
	return held
}

// account compares what a watcher has seen with what was expected, and reports losses. It rewrites
// a damaged bucket, unless the bucket is already in use.
func (k *Bucket) account(inUse bool) {
	switch {
	case k.ledger == nil:
	case inUse:
		k.b.reportLost(k.stream(), k.ledger.settle(k.config.TTL, nil))
	default:
		k.accountFirst()
	}
}

func (k *Bucket) accountFirst() {
	ctx, cancel := context.WithTimeout(k.b.closing, salvageFor)
	defer cancel()
	readable, unreadable, err := k.audit(ctx)
	if err != nil {
		k.b.opt.Logger.Warn("The keys of a bucket can't be compared with its entries", "bucket", k.name, "err", err)
	}
	gone := k.ledger.settle(k.config.TTL, unreadable)
	k.b.reportLost(k.stream(), gone)
	if err != nil || gone == 0 {
		return
	}
	if err := k.b.salvage(ctx, k.stream(), slices.Values(readable)); err != nil {
		k.b.opt.Logger.Error("A damaged bucket can't be rewritten", "bucket", k.name, "err", err)
	}
}

// audit returns the revisions of the entries that the server can read, and the keys of those that
// it has but can't. What the watcher has seen is readable.
func (k *Bucket) audit(ctx context.Context) (readable []uint64, unreadable []string, err error) {
	there, _, err := k.b.subjects(ctx, k.stream())
	if err != nil {
		return nil, nil, err
	}
	stream, err := k.b.streamOf(ctx, k.stream())
	if err != nil {
		return nil, nil, err
	}
	var missed []string
	for subject := range there {
		key := strings.TrimPrefix(subject, "$KV."+k.name+".")
		if at, told := k.ledger.holds(key); told {
			readable = append(readable, at)
			continue
		}
		msg, ok := last(ctx, stream, subject)
		if !ok {
			missed = append(missed, subject)
			continue
		}
		k.ledger.drop(key) // a watcher that was replaced has not seen it, or it was deleted
		if msg != nil && msg.Header.Get("KV-Operation") == "" && msg.Header.Get(jetstream.MarkerReasonHeader) == "" {
			readable = append(readable, msg.Sequence)
		}
	}
	if len(missed) > 0 {
		there, _, err = k.b.subjects(ctx, k.stream()) // excludes those that have just expired
	}
	for _, subject := range missed {
		if there[subject] > 0 {
			unreadable = append(unreadable, strings.TrimPrefix(subject, "$KV."+k.name+"."))
		}
	}
	slices.Sort(readable)
	return readable, unreadable, err
}
