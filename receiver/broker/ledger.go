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

// ledger is what a bucket holds, by the hash of the key, and what it should hold
// until a watcher has told it. A nil ledger notes nothing.
type ledger struct {
	mu   sync.Mutex
	live map[uint64]version
	dead map[uint64]bool    // deleted by this process, and no watcher has told it yet
	owed map[uint64]version // nil: nothing
}

// version is one of an entry.
type version struct {
	revision uint64
	created  int64 // Unix time: an entry lives on from here
}

func newLedger(owed map[uint64]version) *ledger {
	return &ledger{live: map[uint64]version{}, dead: map[uint64]bool{}, owed: owed}
}

// wrote notes what this process has written.
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

// deleting is called before this process deletes an entry: what a watcher tells of it
// until it tells the end is no news.
func (l *ledger) deleting(key string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead[hashOf(key)] = true
}

// deleted notes what has become of that.
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
	delete(l.owed, h)
}

// told notes what a watcher has told.
func (l *ledger) told(e jetstream.KeyValueEntry) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := hashOf(e.Key())
	if l.owed[h].revision <= e.Revision() {
		delete(l.owed, h)
	}
	switch {
	case e.Operation() != jetstream.KeyValuePut:
		delete(l.dead, h)
		delete(l.live, h)
	case !l.dead[h]:
		l.live[h] = version{e.Revision(), e.Created().Unix()}
	}
}

// begin is called before a watcher tells everything that is there: that must be all
// that the last run left, or else all that is known of this one.
func (l *ledger) begin() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owed == nil {
		l.owed = maps.Clone(l.live)
	}
}

// settle returns how many entries the watcher has not told, but for those that have
// outlived their lifetime. Those that can't be read are among them, whether they were
// known or not.
func (l *ledger) settle(ttl time.Duration, unreadable []string) (gone uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range unreadable {
		gone++
		delete(l.owed, hashOf(key))
	}
	for h, v := range l.owed {
		if ttl == 0 || time.Since(time.Unix(v.created, 0)) < ttl-markerLife {
			gone++
		}
		if l.live[h] == v {
			delete(l.live, h)
		}
	}
	l.owed = nil
	return gone
}

// strike takes an entry from those that should be told.
func (l *ledger) strike(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.owed, hashOf(key))
}

// holds says whether there is a live entry under a key, and where.
func (l *ledger) holds(key string) (revision uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.live[hashOf(key)]
	return v.revision, ok
}

// all is what the bucket holds, with what no watcher has told yet, and without what
// may be deleted by now.
func (l *ledger) all() map[uint64]version {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := maps.Clone(l.live)
	for h, v := range l.owed {
		if _, ok := held[h]; !ok {
			held[h] = v
		}
	}
	for h := range l.dead {
		delete(held, h)
	}
	return held
}

// hashOf is the same in each process.
func hashOf(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return h.Sum64()
}

// encodeHeld writes entries in a few bytes each.
func encodeHeld(held map[uint64]version) []byte {
	var text []byte
	for h, v := range held {
		text = binary.BigEndian.AppendUint64(text, h)
		text = binary.AppendUvarint(text, v.revision)
		text = binary.AppendVarint(text, v.created)
	}
	return text
}

// decodeHeld reads what encodeHeld has written, as far as it can be read.
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

// account compares what a watcher has told with what should be there, and says what
// is gone. A bucket that is damaged is written anew, unless it is in use already.
func (k *Bucket) account(inUse bool) {
	switch {
	case k.ledger == nil:
	case inUse:
		k.b.tellLost(k.stream(), k.ledger.settle(k.config.TTL, nil))
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
	k.b.tellLost(k.stream(), gone)
	if err != nil || gone == 0 {
		return
	}
	if err := k.b.salvage(ctx, k.stream(), slices.Values(readable)); err != nil {
		k.b.opt.Logger.Error("A damaged bucket can't be written anew", "bucket", k.name, "err", err)
	}
}

// audit returns where the entries are that the server can read, and the keys of those
// that it has and can't. What has been told is readable.
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
		k.ledger.strike(key) // a watcher that was given up has not told it, or it was deleted
		if msg != nil && msg.Header.Get("KV-Operation") == "" && msg.Header.Get(jetstream.MarkerReasonHeader) == "" {
			readable = append(readable, msg.Sequence)
		}
	}
	if len(missed) > 0 {
		there, _, err = k.b.subjects(ctx, k.stream()) // without those whose lifetime has just ended
	}
	for _, subject := range missed {
		if there[subject] > 0 {
			unreadable = append(unreadable, strings.TrimPrefix(subject, "$KV."+k.name+"."))
		}
	}
	slices.Sort(readable)
	return readable, unreadable, err
}
