// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// harms are what a bad disk, or a person, does to a file. Those that draw a position draw the same
// one in each run.
var harms = map[string]func(path string, r *rand.Rand) error{
	"empty":  func(path string, _ *rand.Rand) error { return os.Truncate(path, 0) },
	"half":   func(path string, _ *rand.Rand) error { return halve(path) },
	"gone":   func(path string, _ *rand.Rand) error { return os.Remove(path) },
	"middle": func(path string, r *rand.Rand) error { return flipBit(path, r, func(n int) int { return n / 2 }) },
	"bit 1":  func(path string, r *rand.Rand) error { return flipBit(path, r, r.IntN) },
	"bit 2":  func(path string, r *rand.Rand) error { return flipBit(path, r, r.IntN) },
	"bit 3":  func(path string, r *rand.Rand) error { return flipBit(path, r, r.IntN) },
}

func flipBit(path string, r *rand.Rand, at func(size int) int) error {
	content, err := os.ReadFile(path)
	if err != nil || len(content) == 0 {
		return err
	}
	content[at(len(content))] ^= 1 << r.IntN(8)
	return os.WriteFile(path, content, 0o600)
}

// holding is the content of a store: the ids of jobs, and by bucket the newest value of each key.
type holding map[string]map[string]string

const theQueue = "queue"

// lifetimes are the TTLs of the buckets.
var lifetimes = map[string]time.Duration{"reports": time.Hour, "incidents": time.Hour, "said": 0}

// shop is a broker with its buckets, and what it has reported.
type shop struct {
	*Broker
	t       *testing.T
	buckets map[string]*Bucket
	has     holding

	mu   sync.Mutex
	lost map[string]uint64
	log  bytes.Buffer
}

func (s *shop) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// openShop starts a broker on a directory and reads all buckets.
func openShop(t *testing.T, dir string) *shop {
	t.Helper()
	s := &shop{t: t, buckets: map[string]*Bucket{}, has: holding{}, lost: map[string]uint64{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of a start:\n%s", s.log.String())
		}
	})
	s.Broker = start(t, Options{Dir: dir, MaxBucketBytes: 200_000, RetryMin: 10 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelWarn})), OnLost: func(what string, gone uint64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lost[what] += gone
	}})
	for name, life := range lifetimes {
		k, has, lock := bucket(t, s.Broker, name, life), map[string]string{}, sync.Mutex{}
		err := k.Watch(deadline(t), func(e Entry, deleted bool) {
			lock.Lock()
			defer lock.Unlock()
			if has[e.Key] = string(e.Value); deleted {
				delete(has, e.Key)
			}
		})
		if err != nil {
			t.Fatalf("the entries of %s are never complete: %v", name, err)
		}
		lock.Lock()
		s.buckets[name], s.has[name] = k, maps.Clone(has)
		lock.Unlock()
	}
	return s
}

// work empties the queue and records its jobs. Those in failing are put back.
func (s *shop) work(failing ...string) {
	s.t.Helper()
	got := map[string]string{}
	var mu sync.Mutex
	ctx, cancel := context.WithCancel(deadline(s.t))
	defer cancel()
	var consuming sync.WaitGroup
	consuming.Go(func() {
		_ = s.Consume(ctx, 2, func(_ context.Context, job Job) error {
			mu.Lock()
			defer mu.Unlock()
			if slices.Contains(failing, job.ID) {
				return errors.New("not now")
			}
			got[job.ID] = string(job.Body)
			return nil
		})
	})
	eventually(s.t, "the queue is worked off", func() bool {
		stats, err := s.Stats(s.t.Context())
		return err == nil && stats.Pending == 0 && stats.InFlight == len(failing) && (len(failing) > 0 || stats == Stats{})
	})
	cancel()
	consuming.Wait()
	s.has[theQueue] = got
}

// missing counts the entries that are gone.
func (h holding) missing(now holding, what string) (n uint64) {
	for key, value := range h[what] {
		if now[what][key] != value {
			n++
		}
	}
	return n
}

// furnish fills a store: with done, pending and failed jobs; with entries written once and twice,
// and deleted ones.
func furnish(t *testing.T, dir string, size int) holding {
	s := openShop(t, dir)
	had := holding{theQueue: {}, "reports": {}, "incidents": {}, "said": {}}
	body := func(key string, round int) string {
		return fmt.Sprintf("%s, %d: %s", key, round, strings.Repeat(key, size))
	}
	for i := range 12 {
		id := fmt.Sprintf("job/%d", i)
		if err := s.Publish(t.Context(), id, []byte(body(id, 0))); err != nil {
			t.Fatal(err)
		}
		if i == 4 {
			s.work("job/1", "job/3")
		}
		if i == 1 || i == 3 || i > 4 {
			had[theQueue][id] = body(id, 0)
		}
	}
	for round := range 2 {
		for i := range 9 {
			key := fmt.Sprintf("key/%d", i)
			put(t, s.buckets["reports"], key, body(key, round))
			had["reports"][key] = body(key, round)
			if i < 4-round {
				put(t, s.buckets["incidents"], key, body(key, round))
				had["incidents"][key] = body(key, round)
			}
		}
	}
	put(t, s.buckets["said"], "one", "1")
	had["said"]["one"] = "1"
	if err := s.buckets["reports"].Delete(t.Context(), "key/3"); err != nil {
		t.Fatal(err)
	}
	delete(had["reports"], "key/3")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return had
}

// filesOf lists the files below a directory.
func filesOf(t *testing.T, dir string) (files []string) {
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	return files
}

// Whichever file is damaged, and however: a start reads what it can, reports how much of what is
// lost, and the store is usable.
func TestNothingIsLostInSilenceWhicheverFileIsDamaged(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "data")
	had := furnish(t, whole, 1000) // reports fill more than one block
	for _, file := range filesOf(t, whole) {
		for name, harm := range harms {
			t.Run(file+" "+name, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "data")
				if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
					t.Fatal(err)
				}
				if err := harm(filepath.Join(dir, filepath.FromSlash(file)), rand.New(rand.NewPCG(1, seedOf(file+name)))); err != nil {
					t.Fatal(err)
				}
				had.survives(t, dir)
			})
		}
	}
}

func seedOf(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}

// survives starts twice on a damaged directory.
func (h holding) survives(t *testing.T, dir string) {
	s := openShop(t, dir)
	s.work()
	for what := range h {
		gone := h.missing(s.has, what)
		s.mu.Lock()
		if s.lost[what] != gone {
			t.Errorf("%d of %d are gone of %s, and %d are said to be", gone, len(h[what]), what, s.lost[what])
		}
		if said := strings.Contains(s.log.String(), "Entries are lost"); gone > 0 && !said {
			t.Error("the log does not say so")
		}
		s.mu.Unlock()
	}
	for key := range h[theQueue] {
		if err := s.Publish(t.Context(), key, []byte(h[theQueue][key])); err != nil {
			t.Errorf("a job that is gone can't be published again: %v", err)
		}
	}
	for name, k := range s.buckets {
		for key, value := range h[name] {
			if _, there := s.has[name][key]; there {
				put(t, k, key, value)
			} else if _, err := k.Create(t.Context(), key, []byte(value)); err != nil {
				t.Errorf("an entry that is gone can't be created again: %v", err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openShop(t, dir)
	again.work()
	for what := range h {
		if gone := h.missing(again.has, what); gone > 0 || again.lost[what] > 0 {
			t.Errorf("after another start %d are gone of %s, and %d are said to be", gone, what, again.lost[what])
		}
	}
}
