// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// salvageFor is how long it may take to write a stream anew.
const salvageFor = 10 * time.Minute

// salvageFile has the messages of a stream that is written anew. It stays until all
// of them are back: a start finds the one of a run that was killed meanwhile.
func (b *Broker) salvageFile(name string) string {
	return filepath.Join(b.opt.Dir, "salvage."+name)
}

// salvage writes a stream anew from those of its messages that can be read. A server
// keeps counting one that it can't read: it refuses a job with the same id, never
// ends the write of an entry with the same key, and at another start gives up
// whatever stands behind it in the same file.
func (b *Broker) salvage(ctx context.Context, name string, sequences iter.Seq[uint64]) error {
	if err := probeStorage(b.opt.Dir); err != nil {
		return err // the next start does it
	}
	stream, err := b.streamOf(ctx, name)
	if err != nil {
		return err
	}
	if err := setAside(ctx, stream, sequences, b.salvageFile(name)); err != nil {
		return err
	}
	if err := again(ctx, func(try context.Context) error { return stream.Purge(try) }); err != nil {
		return err
	}
	return b.putBack(ctx, name)
}

// putBack publishes what was set aside of a stream, if anything was: but for what is
// there already, or has been written since.
func (b *Broker) putBack(ctx context.Context, name string) error {
	f, err := os.Open(b.salvageFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return storageError(b.opt.Dir, err)
	}
	defer func() { _ = f.Close() }()
	for messages := gob.NewDecoder(bufio.NewReader(f)); ; {
		var msg nats.Msg
		err := messages.Decode(&msg)
		if err != nil && !errors.Is(err, io.EOF) {
			b.opt.Logger.Error("What was set aside of a damaged file is damaged, too; the rest of it is lost", "of", nameOf(name), "err", err)
		}
		if err != nil {
			return storageError(b.opt.Dir, os.Remove(f.Name()))
		}
		if err := b.republish(ctx, &msg); err != nil {
			return err
		}
	}
}

// republish writes a message unless there is one of its subject.
func (b *Broker) republish(ctx context.Context, msg *nats.Msg) error {
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	return b.insist(ctx, "room for what could be read of a damaged file", func(try context.Context) error {
		_, err := b.link.Load().js.PublishMsg(try, msg)
		if refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequence) {
			return nil
		}
		return err
	})
}

// setAside writes messages of a stream to a file, as far as they can be read. The file
// is there when all of it is.
func setAside(ctx context.Context, stream jetstream.Stream, sequences iter.Seq[uint64], path string) error {
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	err = copyReadable(ctx, stream, sequences, f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return fileutil.Rename(f.Name(), path) // flushes the directory, too
}

func copyReadable(ctx context.Context, stream jetstream.Stream, sequences iter.Seq[uint64], w io.Writer) error {
	buffer := bufio.NewWriter(w)
	messages := gob.NewEncoder(buffer)
	for n := range sequences {
		var one *jetstream.RawStreamMsg
		err := again(ctx, func(try context.Context) (err error) { one, err = stream.GetMsg(try, n); return err })
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := messages.Encode(anew(one)); err != nil {
			return err
		}
	}
	return buffer.Flush()
}

// between yields the numbers from one to another.
func between(first, last uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for n := first; n <= last; n++ {
			if !yield(n) {
				return
			}
		}
	}
}

// anew is a message as it is published another time, when nothing is expected to be
// there. An older culprit had the id of a job in a header, by which the server would
// take it for one that it has.
func anew(one *jetstream.RawStreamMsg) *nats.Msg {
	msg := &nats.Msg{Subject: one.Subject, Data: one.Data, Header: nats.Header{}}
	for name, values := range one.Header {
		if !strings.HasPrefix(name, "Nats-Expected-") {
			msg.Header[name] = values
		}
	}
	if id := msg.Header.Get(jetstream.MsgIDHeader); id != "" && one.Subject == subject {
		msg.Subject += "." + id
		msg.Header.Del(jetstream.MsgIDHeader)
	}
	return msg
}
