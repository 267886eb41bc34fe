// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"
)

// told is an entry as seen by a watcher of the client library.
type told struct {
	jetstream.KeyValueEntry
	key      string
	revision uint64
	created  time.Time
	op       jetstream.KeyValueOp
}

func (e told) Key() string                     { return e.key }
func (e told) Revision() uint64                { return e.revision }
func (e told) Created() time.Time              { return e.created }
func (e told) Operation() jetstream.KeyValueOp { return e.op }

func TestLostEntriesAreCounted(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) int64 { return now.Add(-d).Unix() }
	for name, c := range map[string]struct {
		owed       map[uint64]version
		tell       []told
		unreadable []string
		want       uint64
	}{
		"all is there":             {map[uint64]version{hashOf("a"): {5, ago(0)}}, []told{{key: "a", revision: 5, created: now}}, nil, 0},
		"written anew":             {map[uint64]version{hashOf("a"): {5, ago(0)}}, []told{{key: "a", revision: 9, created: now}}, nil, 0},
		"an older version is back": {map[uint64]version{hashOf("a"): {5, ago(0)}}, []told{{key: "a", revision: 4, created: now}}, nil, 1},
		"deleted meanwhile":        {map[uint64]version{hashOf("a"): {5, ago(0)}}, []told{{key: "a", revision: 6, op: jetstream.KeyValuePurge}}, nil, 0},
		"one of two is gone":       {map[uint64]version{hashOf("a"): {5, ago(0)}, hashOf("b"): {6, ago(0)}}, []told{{key: "a", revision: 5, created: now}}, nil, 1},
		"its lifetime has ended":   {map[uint64]version{hashOf("a"): {5, ago(2 * time.Hour)}}, nil, nil, 0},
		"known and unreadable":     {map[uint64]version{hashOf("a"): {5, ago(0)}}, nil, []string{"a"}, 1},
		"new and unreadable":       {nil, nil, []string{"a"}, 1},
	} {
		l := newLedger(c.owed)
		l.begin()
		for _, e := range c.tell {
			l.observed(e)
		}
		if got := l.settle(time.Hour, c.unreadable); got != c.want {
			t.Errorf("%s: %d are gone, want %d", name, got, c.want)
		}
		if got := l.settle(time.Hour, nil); got != 0 {
			t.Errorf("%s: counted twice", name)
		}
	}
}

// What this process has deleted is not missed, whenever a watcher sees it.
func TestWhatIsDeletedIsNotMissed(t *testing.T) {
	now := time.Now()
	end := told{key: "a", revision: 2, op: jetstream.KeyValuePurge}
	for name, tell := range map[string]func(*ledger){
		"not yet":          func(*ledger) {},
		"too late":         func(l *ledger) { l.observed(told{key: "a", revision: 1, created: now}) },
		"before and after": func(l *ledger) { l.observed(told{key: "a", revision: 1, created: now}); l.observed(end) },
	} {
		l := newLedger(nil)
		l.wrote("a", 1)
		l.begin()
		l.deleting("a")
		tell(l)
		l.deleted("a", nil)
		if n := l.settle(time.Hour, nil); n != 0 || len(l.all()) != 0 {
			t.Errorf("told %s: %d are missed, of %v", name, n, l.all())
		}
	}
	l := newLedger(nil)
	l.wrote("a", 1)
	l.deleting("a")
	l.deleted("a", ErrUnavailable)
	if l.observed(told{key: "a", revision: 1, created: now}); len(l.all()) != 1 {
		t.Error("what could not be deleted is not held")
	}
}

func TestHeldEntriesSurviveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		held := map[uint64]version{}
		for range rapid.IntRange(0, 9).Draw(t, "entries") {
			held[rapid.Uint64().Draw(t, "hash")] = version{rapid.Uint64().Draw(t, "revision"), rapid.Int64().Draw(t, "created")}
		}
		text := encodeHeld(held)
		if got := decodeHeld(text); !maps.Equal(got, held) {
			t.Fatalf("%v, want %v", got, held)
		}
		if cut := decodeHeld(text[:rapid.IntRange(0, len(text)).Draw(t, "cut")]); len(cut) > len(held) {
			t.Fatal("more than there was")
		}
	})
}

// A watcher that timed out has not seen everything.
func TestReadableEntriesAreNotLost(t *testing.T) {
	dir := sixty(t, "jetstream", func(string) error { return nil })
	b := start(t, Options{Dir: dir, Logger: testLog(t), OnLost: func(what string, gone uint64) {
		t.Errorf("%d of %s are said to be gone", gone, what)
	}})
	k := bucket(t, b, "reports", time.Hour)
	k.accountFirst()
	readable, unreadable, err := k.audit(t.Context())
	if err != nil || len(unreadable) > 0 || len(readable) != 60 {
		t.Errorf("%d can be read, %v can't: %v", len(readable), unreadable, err)
	}
}

// After a crash only the sequence numbers are known, as of the last minute.
func TestAfterACrashWritesThatAreGoneAreEstimated(t *testing.T) {
	dir := sixty(t, "jetstream/*/streams/KV_reports/msgs/*", os.Remove)
	file := filepath.Join(dir, sequencesFile)
	text, err := encodeMarks(map[string]mark{"KV_reports": {Last: 60, Entries: 50}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var lost uint64
	b := start(t, Options{Dir: dir, Logger: testLog(t), OnLost: func(_ string, gone uint64) { lost += gone }})
	bucket(t, b, "reports", time.Hour)
	if lost != 50 {
		t.Errorf("%d are gone, want 50", lost)
	}
}

// Older versions wrote no checksum; their marks are still used.
func TestMarksOfAnOlderCulpritAreRead(t *testing.T) {
	marks, err := decodeMarks([]byte(`{"INTAKE":{"first":1,"last":7,"entries":3,"newest":"2026-01-02T03:04:05Z"}}`))
	if want := (mark{Last: 7, Entries: 3}); err != nil || marks[streamName].changed(want) {
		t.Errorf("%v, %v", marks, err)
	}
	for _, text := range []string{`{"INTAKE":{"ended":true}}`, "{}\n00000000\n", "{}\n", "{"} {
		if marks, err := decodeMarks([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, marks)
		}
	}
}
