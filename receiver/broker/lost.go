// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	sequencesFile = "sequences"
	saveEvery     = time.Minute
)

// sequences are the numbers of the writes to the queue and the buckets, of
// which the last only grows. JetStream leaves out what is damaged of a file, or
// cuts the file off where the damage begins, and says nothing of it. Then the
// numbers are smaller than they were, and tell how many writes are gone. They
// are known over a restart, from the last minute on.
//
// A node of a cluster is not looked after: it gets what it lacks from the others.
type sequences struct {
	mu    sync.Mutex
	marks map[string]mark // by stream
	dirty bool
	saved time.Time
}

// mark is how far the writes to a stream had come.
type mark struct {
	First   uint64    `json:"first"`
	Last    uint64    `json:"last"`
	Entries uint64    `json:"entries"` // of a bucket
	Newest  time.Time `json:"newest"`  // when the last was made
	fromRun bool      // of this process, in which entries may end by themselves
}

// loadSequences reads what the last broker on the directory knew; of a file that
// can't be read, nothing.
func (b *Broker) loadSequences() {
	b.sequences.marks = map[string]mark{}
	text, err := os.ReadFile(filepath.Join(b.opt.Dir, sequencesFile))
	if err != nil || b.opt.replicas() > 1 {
		return
	}
	if err := json.Unmarshal(text, &b.sequences.marks); err != nil || b.sequences.marks == nil {
		b.sequences.marks = map[string]mark{}
	}
}

// sequence takes note of how far the writes to a stream have come, and tells if
// they were further.
func (b *Broker) sequence(stream string, info *jetstream.StreamInfo) {
	if b.opt.replicas() > 1 {
		return
	}
	state := info.State
	s, now := &b.sequences, mark{state.FirstSeq, state.LastSeq, state.Msgs, state.LastTime, true}
	if time.Since(time.Unix(b.deleted.Load(), 0)) < 2*markerLife {
		now.Entries = 0 // not known: the marks of what was deleted will go by themselves
	}
	s.mu.Lock()
	known, ok := s.marks[stream]
	s.marks[stream], s.dirty = now, s.dirty || now != known
	s.mu.Unlock()
	gone := known.beyond(now, stream, info.Config.MaxAge)
	if !ok || gone == 0 {
		return
	}
	b.opt.Logger.Error("Writes are gone: the files of the storage are damaged. Alerts that still fire are fetched again from Alertmanager; a backup has the others",
		"of", nameOf(stream), "writes", gone, "directory", b.opt.Dir)
	b.opt.OnLost(nameOf(stream), gone)
}

// beyond is how many writes there were that are not there now. Where the ends
// are the same, or nothing is there that has not outlived its lifetime, entries
// of a bucket can have gone only by damage.
func (m mark) beyond(now mark, stream string, life time.Duration) uint64 {
	young := life == 0 || time.Since(m.Newest) < life
	switch {
	case now.Last < m.Last:
		return m.Last - now.Last
	case m.fromRun || stream == streamName || now.Last != m.Last || now.Entries >= m.Entries:
		return 0
	case now.First == m.First, now.Entries == 0 && young:
		return m.Entries - now.Entries
	}
	return 0
}

// nameOf is how people know a stream.
func nameOf(stream string) string {
	if stream == streamName {
		return "queue"
	}
	return strings.TrimPrefix(stream, "KV_")
}

// saveSequences writes them to the disk, if they are others than a while ago.
func (b *Broker) saveSequences(pause time.Duration) {
	s := &b.sequences
	s.mu.Lock()
	due := s.dirty && time.Since(s.saved) >= pause
	marks := maps.Clone(s.marks)
	if due {
		s.dirty, s.saved = false, time.Now()
	}
	s.mu.Unlock()
	if !due {
		return
	}
	text, err := json.Marshal(marks)
	if err == nil {
		err = writeDurably(filepath.Join(b.opt.Dir, sequencesFile), text)
	}
	if err != nil {
		b.opt.Logger.Debug("how much was written can't be noted", "err", err)
	}
}

// lastSequences takes note of them before the server ends.
func (b *Broker) lastSequences() {
	if b.link.Load() == nil {
		return // it never began
	}
	ctx, cancel := context.WithTimeout(context.Background(), attempt)
	defer cancel()
	_, _, _ = b.survey(ctx) // what can't be asked for stays as it was
	b.saveSequences(0)
}
