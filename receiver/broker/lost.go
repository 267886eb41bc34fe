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

// sequences are how far the queue and the buckets had come, and at an orderly end
// what they held. JetStream leaves out what is damaged of a file, or cuts the file
// off where the damage begins, and says nothing of it: the next start compares.
//
// A node of a cluster is not looked after: it gets what it lacks from the others.
type sequences struct {
	saving sync.Mutex // while they are written: the file has the newest
	mu     sync.Mutex
	marks  map[string]mark // by stream
	dirty  bool
	saved  time.Time
}

// mark is how far a stream had come.
type mark struct {
	Last    uint64 `json:"last"`           // number of the last write
	Entries uint64 `json:"entries"`        // that it held
	Ended   bool   `json:"ended"`          // in order, so that Live says which ones
	Live    []byte `json:"live,omitempty"` // see encodeHeld

	Consumer uint32 `json:"consumer,omitempty"` // of the queue: checksum of its files
}

// changed says whether a mark says something else.
func (m mark) changed(now mark) bool {
	return m.Last != now.Last || m.Entries != now.Entries || m.Ended != now.Ended
}

// loadSequences reads what the last broker on the directory knew; of a file that
// can't be read, nothing.
func (b *Broker) loadSequences() {
	b.sequences.marks = map[string]mark{}
	text, err := os.ReadFile(filepath.Join(b.opt.Dir, sequencesFile))
	if err != nil || b.opt.replicas() > 1 {
		return
	}
	marks, err := decodeMarks(text)
	if err != nil {
		b.opt.Logger.Warn("How much the last run has left can't be read, so that this start can't tell whether any of it is gone", "err", err, "directory", b.opt.Dir)
		return
	}
	b.sequences.marks = marks
}

// encodeMarks writes marks, and a checksum in a line of its own.
func encodeMarks(marks map[string]mark) ([]byte, error) {
	text, err := json.Marshal(marks)
	return fmt.Appendf(text, "\n%08x\n", crc32.ChecksumIEEE(text)), err
}

// decodeMarks reads what encodeMarks has written, or an older culprit, which knew no
// checksum and no entries.
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

// swapMark puts a mark in the place of the known one.
func (b *Broker) swapMark(stream string, now mark) (known mark) {
	s := &b.sequences
	s.mu.Lock()
	defer s.mu.Unlock()
	known = s.marks[stream]
	s.marks[stream], s.dirty = now, s.dirty || known.changed(now)
	return known
}

// sequence takes note of how far a stream has come, and returns what was known of it.
func (b *Broker) sequence(stream string, info *jetstream.StreamInfo) (known mark) {
	if b.opt.replicas() > 1 {
		return mark{}
	}
	return b.swapMark(stream, mark{Last: info.State.LastSeq, Entries: info.State.Msgs})
}

// beyond is how many entries are gone if the writes end before those that were
// known. Some of the writes may have been to the same entry, and some may have
// ended: it is an estimate, where nothing better is known.
func (m mark) beyond(last uint64) uint64 {
	if last >= m.Last {
		return 0
	}
	return min(m.Last-last, m.Entries)
}

// tellLost tells that entries are gone.
func (b *Broker) tellLost(stream string, gone uint64) {
	if gone == 0 {
		return
	}
	b.opt.Logger.Error("Entries are gone: the files of the storage are damaged. Alerts that still fire are fetched again from Alertmanager; a backup has the others",
		"of", nameOf(stream), "entries", gone, "directory", b.opt.Dir)
	b.opt.OnLost(nameOf(stream), gone)
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
		b.opt.Logger.Debug("how much was written can't be noted", "err", err)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dirty = true // the next time it may be
	}
}

// take returns the marks if they are to be written.
func (s *sequences) take(pause time.Duration) (marks map[string]mark, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty || time.Since(s.saved) < pause {
		return nil, false
	}
	s.dirty, s.saved = false, time.Now()
	return maps.Clone(s.marks), true
}

// lastSequences takes note of them, and of what there is, before the server ends. A
// start that was cut off leaves what it has found: the next one tells what is gone.
func (b *Broker) lastSequences() {
	if !b.audited || b.opt.replicas() > 1 {
		return // it never began, or others have what it has
	}
	ctx, cancel := context.WithTimeout(context.Background(), attempt)
	defer cancel()
	_, _, _ = b.survey(ctx) // what can't be asked for stays as it was
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

// sealSequences writes them when the server has ended.
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

// subjects are those of a stream: of the queue one for each job, of a bucket one for each key.
func (b *Broker) subjects(ctx context.Context, name string) (there map[string]uint64, info *jetstream.StreamInfo, err error) {
	err = again(ctx, func(try context.Context) error {
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

// streamOf asks for a stream. A question that was on its way when a connection ended is
// never answered, so none waits for as long as the whole may take.
func (b *Broker) streamOf(ctx context.Context, name string) (stream jetstream.Stream, err error) {
	err = again(ctx, func(try context.Context) error {
		stream, err = b.link.Load().js.Stream(try, name)
		return err
	})
	return stream, err
}

// again puts a question again that a server, as it was started again, has not answered.
func again(ctx context.Context, ask func(context.Context) error) error {
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
