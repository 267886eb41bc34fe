// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bucket opens a bucket.
func bucket(t testing.TB, b *Broker, name string, ttl time.Duration) *Bucket {
	t.Helper()
	k, err := b.Bucket(deadline(t), name, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// put writes an entry.
func put(t testing.TB, k *Bucket, key, value string) uint64 {
	t.Helper()
	rev, err := k.Put(deadline(t), key, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func TestCreateAndUpdateAreJudgedByTheNewestRevision(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	k, ctx, key := bucket(t, b, "reports", time.Hour), deadline(t), "a b.c"
	if _, err := k.Get(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get of nothing: %v", err)
	}
	rev, err := k.Create(ctx, key, []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Create(ctx, key, []byte("2")); !errors.Is(err, ErrExists) {
		t.Errorf("second Create: %v", err)
	}
	newer, err := k.Update(ctx, key, []byte("3"), rev)
	if err != nil || newer <= rev {
		t.Errorf("Update: %d after %d, %v", newer, rev, err)
	}
	if _, err := k.Update(ctx, key, []byte("4"), rev); !errors.Is(err, ErrConflict) || errors.Is(err, ErrExists) {
		t.Errorf("Update with an old revision: %v", err)
	}
	if e, err := k.Get(ctx, key); err != nil || string(e.Value) != "3" || e.Key != key || e.Revision != newer || time.Since(e.Created) > time.Minute {
		t.Errorf("Get: %+v, %v", e, err)
	}
}

func TestADeletedKeyCanBeCreatedAgain(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	k, ctx := bucket(t, b, "reports", time.Hour), deadline(t)
	if err := k.Delete(ctx, "never there"); err != nil {
		t.Error(err)
	}
	put(t, k, "key", "1")
	if err := k.Delete(ctx, "key"); err != nil {
		t.Error(err)
	}
	if _, err := k.Get(ctx, "key"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get after Delete: %v", err)
	}
	if _, err := k.Create(ctx, "key", []byte("2")); err != nil {
		t.Errorf("Create after Delete: %v", err)
	}
}

func TestExactlyOneOfManyCreatesSucceeds(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	k := bucket(t, b, "reports", time.Hour)
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			switch _, err := k.Create(deadline(t), "key", []byte{byte(i)}); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrExists):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || lost.Load() != 19 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
}

func TestCounterByCompareAndSet(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	k, ctx := bucket(t, b, "counters", 0), deadline(t)
	put(t, k, "n", "0")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for done := 0; done < 10; {
				e, err := k.Get(ctx, "n")
				if err != nil {
					t.Error(err)
					return
				}
				var n int
				fmt.Sscan(string(e.Value), &n)
				switch _, err := k.Update(ctx, "n", fmt.Append(nil, n+1), e.Revision); {
				case err == nil:
					done++
				case !errors.Is(err, ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if e, err := k.Get(ctx, "n"); err != nil || string(e.Value) != "80" {
		t.Errorf("%q, %v; want 80", e.Value, err)
	}
}

func TestEntriesExpireAndWatchersSeeIt(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	k := bucket(t, b, "short", time.Second)
	w := watch(t, k)
	put(t, k, "key", "value")
	eventually(t, "the entry", func() bool { return w.state()["key"] == "value" })
	eventually(t, "the end of the entry", func() bool { _, err := k.Get(deadline(t), "key"); return errors.Is(err, ErrNotFound) })
	eventually(t, "an empty watcher", func() bool { return len(w.state()) == 0 })
	if _, err := k.Create(deadline(t), "key", nil); err != nil {
		t.Errorf("Create after the end of the lifetime: %v", err)
	}
}

// view is what a watcher has seen.
type view struct {
	mu      sync.Mutex
	entries map[string]string
}

func (v *view) tell(e Entry, deleted bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if deleted {
		delete(v.entries, e.Key)
		return
	}
	v.entries[e.Key] = string(e.Value)
}

func (v *view) state() map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.entries)
}

func watch(t testing.TB, k *Bucket) *view {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	v := &view{entries: map[string]string{}}
	if err := k.Watch(ctx, v.tell); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWatchReportsExistingEntriesThenChanges(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	k := bucket(t, b, "reports", time.Hour)
	empty := watch(t, k)
	want := map[string]string{}
	for i := range 600 { // more than any buffer holds
		key, value := fmt.Sprintf("key %d", i%300), fmt.Sprint(i)
		put(t, k, key, value)
		want[key] = value
	}
	if err := k.Delete(deadline(t), "key 7"); err != nil {
		t.Fatal(err)
	}
	delete(want, "key 7")
	late := watch(t, k)
	if got := late.state(); !maps.Equal(got, want) {
		t.Errorf("after the initial state: %d entries, want %d", len(got), len(want))
	}
	put(t, k, "key 7", "back")
	want["key 7"] = "back"
	for _, w := range []*view{empty, late} {
		eventually(t, "all changes", func() bool { return maps.Equal(w.state(), want) })
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	k := bucket(t, b, "reports", time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	var told atomic.Int32
	if err := k.Watch(ctx, func(Entry, bool) { told.Add(1) }); err != nil {
		t.Fatal(err)
	}
	cancel()
	for i := range 300 {
		put(t, k, fmt.Sprint(i), "")
	}
	if n := told.Load(); n != 0 {
		t.Errorf("told %d changes after the end", n)
	}
}

func TestAFullBucketRefuses(t *testing.T) {
	b := start(t, Options{Logger: testLog(t), MaxBucketBytes: 10_000})
	k := bucket(t, b, "small", time.Hour)
	var err error
	for i := 0; err == nil && i < 100; i++ {
		_, err = k.Put(deadline(t), fmt.Sprint(i), make([]byte, 1000))
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("%v, want ErrFull", err)
	}
}

func TestBucketsHaveLegalNamesOnly(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	if _, err := b.Bucket(deadline(t), "a.b", 0); err == nil {
		t.Error("a name with a dot was taken")
	}
}

func TestTheLifetimeOfABucketCanBeChanged(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	put(t, bucket(t, b, "reports", time.Hour), "key", "value")
	k := bucket(t, b, "reports", 24*time.Hour)
	if e, err := k.Get(deadline(t), "key"); err != nil || string(e.Value) != "value" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestKeysAreEncodedOneToOne(t *testing.T) { rapid.Check(t, keysAreOneToOne) }

func FuzzKey(f *testing.F) { f.Fuzz(rapid.MakeFuzz(keysAreOneToOne)) }

func keysAreOneToOne(t *rapid.T) {
	a, b := string(rapid.SliceOf(rapid.Byte()).Draw(t, "a")), rapid.String().Draw(t, "b")
	ea, eb := encodeKey(a), encodeKey(b)
	if (a == b) != (ea == eb) {
		t.Fatalf("%q and %q have the keys %q and %q", a, b, ea, eb)
	}
	if back, err := decodeKey(ea); err != nil || back != a {
		t.Fatalf("%q is %q and comes back as %q, %v", a, ea, back, err)
	}
	for i := range len(ea) {
		if c := ea[i]; !plain(c) && c != '=' {
			t.Fatalf("key %q has the illegal byte %q", ea, c)
		}
	}
	if legal, err := legalKey(a); err == nil && (legal != ea || len(legal) > MaxKey) {
		t.Fatalf("%d bytes are legal as %d", len(a), len(legal))
	}
	_, _ = decodeKey(a) // buckets may contain anything
}

func TestAForeignKeyIsAnError(t *testing.T) {
	for _, key := range []string{"a=", "a=1", "a=zz"} {
		if s, err := decodeKey(key); err == nil {
			t.Errorf("%q was read as %q", key, s)
		}
	}
}
