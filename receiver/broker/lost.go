// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	sequencesFile = "sequences"
	saveEvery     = time.Minute
)

// sequences record how far the queue and the buckets had come, and after a clean shutdown also what
// they held. JetStream silently drops what is damaged, or truncates a file where damage begins, so
// the next start compares.
//
// Cluster nodes don't need this: they get what they lack from the others.
type sequences struct {
	saving sync.Mutex // serializes the writes, so that the file ends up with the newest
	mu     sync.Mutex
	marks  map[string]mark // by stream
	dirty  bool
	saved  time.Time
}

// mark is the recorded state of a stream.
type mark struct {
	Last    uint64 `json:"last"`           // sequence number of the last write
	Entries uint64 `json:"entries"`        // how many it held
	Ended   bool   `json:"ended"`          // clean shutdown: Live lists the entries
	Live    []byte `json:"live,omitempty"` // see encodeHeld

	Consumer uint32 `json:"consumer,omitempty"` // of the queue only: checksum of the consumer's files
}

// changed reports whether two marks differ.
func (m mark) changed(now mark) bool {
	return m.Last != now.Last || m.Entries != now.Entries || m.Ended != now.Ended
}

// loadSequences reads the marks of the last run; none if the file is unreadable.
func (b *Broker) loadSequences() {
	b.sequences.marks = map[string]mark{}
	text, err := os.ReadFile(filepath.Join(b.opt.Dir, sequencesFile))
	if err != nil || b.opt.replicas() > 1 {
		return
	}
	marks, err := decodeMarks(text)
	if err != nil {
		b.opt.Logger.Warn("What the last run recorded about its state can't be read, so this start can't tell whether anything is lost", "err", err, "directory", b.opt.Dir)
		return
	}
	b.sequences.marks = marks
}

// encodeMarks encodes marks, followed by a line with a checksum.
func encodeMarks(marks map[string]mark) ([]byte, error) {
	text, err := json.Marshal(marks)
	return fmt.Appendf(text, "\n%08x\n", crc32.ChecksumIEEE(text)), err
}

// decodeMarks decodes marks, also those of older versions, which have no checksum and no entries.
func decodeMarks(text []byte) (marks map[string]mark, err error) {
	content, sum, summed := bytes.Cut(text, []byte("\n"))
	if summed && string(sum) != fmt.Sprintf("%08x\n", crc32.ChecksumIEEE(content)) {
		return nil, errors.New("the checksum is wrong")
	}
	if err := json.Unmarshal(content, &marks); err != nil {
		return nil, err
	}
	for _, m := range marks {
		if m.Ended && !summed {
			return nil, errors.New("there is no checksum")
		}
	}
	if marks == nil {
		marks = map[string]mark{}
	}
	return marks, nil
}

// swapMark replaces a mark and returns the old one.
func (b *Broker) swapMark(stream string, now mark) (known mark) {
	s := &b.sequences
	s.mu.Lock()
	defer s.mu.Unlock()
	known = s.marks[stream]
	s.marks[stream], s.dirty = now, s.dirty || known.changed(now)
	return known
}

// sequence records the state of a stream, and returns the last one.
func (b *Broker) sequence(stream string, info *jetstream.StreamInfo) (known mark) {
	if b.opt.replicas() > 1 {
		return mark{}
	}
	return b.swapMark(stream, mark{Last: info.State.LastSeq, Entries: info.State.Msgs})
}

// estimateLost estimates how many entries are lost if the last write is older than the recorded one.
// Several writes may have had the same key, and some entries may have been done.
func (m mark) estimateLost(last uint64) uint64 {
	if last >= m.Last {
		return 0
	}
	return min(m.Last-last, m.Entries)
}

// reportLost reports lost entries.
func (b *Broker) reportLost(stream string, gone uint64) {
	if gone == 0 {
		return
	}
	b.opt.Logger.Error("Entries are lost: files of the storage are damaged. Alerts that still fire are fetched again from Alertmanager; a backup has the others",
		"of", nameOf(stream), "entries", gone, "directory", b.opt.Dir)
	b.opt.OnLost(nameOf(stream), gone)
}

// nameOf is the name of a stream for people.
func nameOf(stream string) string {
	if stream == streamName {
		return "queue"
	}
	return strings.TrimPrefix(stream, "KV_")
}

// saveSequences writes the marks to disk, if they changed and the last save is old enough.
func (b *Broker) saveSequences(pause time.Duration) {
	s := &b.sequences
	s.saving.Lock()
	defer s.saving.Unlock()
	marks, due := s.take(pause)
	if !due || b.opt.replicas() > 1 {
		return
	}
	text, err := encodeMarks(marks)
	if err == nil {
		err = writeDurably(filepath.Join(b.opt.Dir, sequencesFile), text)
	}
	if err != nil {
		b.opt.Logger.Debug("the state of the storage can't be recorded", "err", err)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dirty = true // retried next time
	}
}

// take returns the marks if they are due to be saved.
func (s *sequences) take(pause time.Duration) (marks map[string]mark, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty || time.Since(s.saved) < pause {
		return nil, false
	}
	s.dirty, s.saved = false, time.Now()
	return maps.Clone(s.marks), true
}

// lastSequences records the final state before the server stops. A start that was cut off keeps
// what it found: the next start reports the losses.
func (b *Broker) lastSequences() {
	if !b.audited || b.opt.replicas() > 1 {
		return // it never started, or the other nodes have everything
	}
	ctx, cancel := context.WithTimeout(context.Background(), attempt)
	defer cancel()
	_, _, _ = b.survey(ctx) // what doesn't answer keeps its mark
	if jobs, info, err := b.subjects(ctx, streamName); err == nil {
		held := map[uint64]version{}
		for subject := range jobs {
			held[hashOf(subject)] = version{}
		}
		b.swapMark(streamName, mark{Last: info.State.LastSeq, Entries: info.State.Msgs, Ended: true, Live: encodeHeld(held)})
	}
	for _, k := range b.opened() {
		b.sequences.mu.Lock()
		last := b.sequences.marks[k.stream()]
		b.sequences.mu.Unlock()
		last.Ended, last.Live = true, encodeHeld(k.ledger.all())
		b.swapMark(k.stream(), last)
	}
}

// sealSequences saves the marks after the server has stopped.
func (b *Broker) sealSequences() {
	b.sequences.mu.Lock()
	if queue := b.sequences.marks[streamName]; queue.Ended {
		queue.Consumer = b.consumerSum()
		b.sequences.dirty = b.sequences.dirty || queue.Consumer != b.sequences.marks[streamName].Consumer
		b.sequences.marks[streamName] = queue
	}
	b.sequences.mu.Unlock()
	b.saveSequences(0)
}

// subjects lists the subjects of a stream: one per job of the queue, one per key of a bucket.
func (b *Broker) subjects(ctx context.Context, name string) (there map[string]uint64, info *jetstream.StreamInfo, err error) {
	err = retryUnanswered(ctx, func(try context.Context) error {
		stream, err := b.link.Load().js.Stream(try, name)
		if err != nil {
			return err
		}
		info, err = stream.Info(try, jetstream.WithSubjectFilter(">"))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return info.State.Subjects, info, nil
}

// streamOf gets a stream. A request in flight when a connection closes is never answered, so no
// single one may take all the time.
func (b *Broker) streamOf(ctx context.Context, name string) (stream jetstream.Stream, err error) {
	err = retryUnanswered(ctx, func(try context.Context) error {
		stream, err = b.link.Load().js.Stream(try, name)
		return err
	})
	return stream, err
}

// retryUnanswered repeats a request that a restarting server left unanswered.
func retryUnanswered(ctx context.Context, ask func(context.Context) error) error {
	for {
		try, cancel := context.WithTimeout(ctx, reachFor)
		err := ask(try)
		cancel()
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrNoResponders) {
			return err
		}
		pauseFor(ctx, 100*time.Millisecond)
	}
}
