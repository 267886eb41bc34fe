// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sixty writes sixty entries of three kilobytes and stops. Then it damages each matching file.
func sixty(t *testing.T, pattern string, harm func(path string) error) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	b := start(t, Options{Dir: dir, Logger: testLog(t)})
	k := bucket(t, b, "reports", time.Hour)
	for i := range 60 {
		if _, err := k.Put(t.Context(), fmt.Sprint("key", i), make([]byte, 3000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file is called %s: %v", pattern, err)
	}
	for _, f := range files {
		if err := harm(f); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func flip(path string) error {
	content, err := os.ReadFile(path)
	if err != nil || len(content) == 0 {
		return err
	}
	content[len(content)*3/4] ^= 0x10
	return os.WriteFile(path, content, 0o600)
}

func flipAll(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := range content {
		content[i] ^= 0x10
	}
	return os.WriteFile(path, content, 0o600)
}

func halve(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()/2)
}

// watchedKeys are the keys that a watcher has seen: twice in a rewritten bucket.
type watchedKeys struct{ sync.Map }

func (w *watchedKeys) tell(e Entry, _ bool) { w.Store(e.Key, true) }

func (w *watchedKeys) count() (n int64) {
	w.Range(func(any, any) bool { n++; return true })
	return n
}

func TestLossesOfADamagedFileAreReported(t *testing.T) {
	const stream = "jetstream/*/streams/KV_reports"
	for name, c := range map[string]struct {
		pattern string
		harm    func(string) error
	}{
		"a flip in the block": {stream + "/msgs/*.blk", flip},
		"half of the block":   {stream + "/msgs/*.blk", halve},
		"a block of nonsense": {stream + "/msgs/*.blk", flipAll},
		"no block":            {stream + "/msgs/*", os.Remove},
		"no bucket":           {stream, os.RemoveAll},
	} {
		t.Run(name, func(t *testing.T) {
			dir := sixty(t, c.pattern, c.harm)
			var lost atomic.Int64
			there := watchedKeys{}
			b := start(t, Options{Dir: dir, Logger: testLog(t), OnLost: func(what string, writes uint64) {
				if what == "reports" {
					lost.Add(int64(writes))
				}
			}})
			k := bucket(t, b, "reports", time.Hour)
			if err := k.Watch(deadline(t), there.tell); err != nil {
				t.Fatal(err)
			}
			eventually(t, "what is lost is said", func() bool { return lost.Load()+there.count() == 60 && lost.Load() > 0 })
		})
	}
}

func TestAnUndamagedStoreReportsNoLoss(t *testing.T) {
	dir := sixty(t, "jetstream", func(string) error { return nil })
	b := start(t, Options{Dir: dir, Logger: testLog(t), OnLost: func(what string, writes uint64) {
		t.Errorf("%d writes to %s are said to be lost", writes, what)
	}})
	k := bucket(t, b, "reports", time.Hour)
	if err := k.Delete(t.Context(), "key3"); err != nil { // its deletion marker expires after a minute
		t.Fatal(err)
	}
	publish(t, b, 1)
	b.check()
	if err := os.WriteFile(filepath.Join(dir, sequencesFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = start(t, Options{Dir: dir, Logger: testLog(t), OnLost: func(what string, writes uint64) {
		t.Errorf("%d writes to %s are said to be lost", writes, what)
	}})
	b.check()
}
