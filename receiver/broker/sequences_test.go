// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// marksOf reads a broker's saved marks.
func marksOf(t *testing.T, b *Broker) map[string]mark {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.opt.Dir, sequencesFile))
	if err != nil {
		t.Fatal(err)
	}
	marks, err := decodeMarks(text)
	if err != nil {
		t.Fatal(err)
	}
	return marks
}

// A save that the disk refused is retried. Otherwise a crash would find the list of the last clean
// shutdown, and everything deleted since would seem to be lost.
func TestAFailedSaveIsRetried(t *testing.T) {
	opt := Options{Logger: testLog(t), Dir: t.TempDir()}
	b := start(t, opt)
	put(t, bucket(t, b, "reports", time.Hour), "key", "value")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = start(t, opt)
	k := bucket(t, b, "reports", time.Hour)
	inTheWay := filepath.Join(opt.Dir, sequencesFile+".next")
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, k, "key", "other")
	if !marksOf(t, b)[k.stream()].Ended {
		t.Fatal("it could be noted")
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	b.saveSequences(0)
	if marksOf(t, b)[k.stream()].Ended {
		t.Error("the list of the last end stands")
	}
}

// The first writes to several buckets save the marks concurrently.
func TestConcurrentSavesLeaveTheNewest(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	for round := range uint64(20) {
		var all sync.WaitGroup
		for n := range uint64(8) {
			all.Go(func() {
				b.swapMark("KV_"+string(rune('a'+n)), mark{Last: round + 1})
				b.saveSequences(0)
			})
		}
		all.Wait()
		b.saveSequences(0)
		marks := marksOf(t, b)
		for n := range uint64(8) {
			if got := marks["KV_"+string(rune('a'+n))].Last; got != round+1 {
				t.Fatalf("round %d: mark %d says %d", round, n, got)
			}
		}
	}
}
