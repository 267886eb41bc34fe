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

// salvageFor bounds the time to rewrite a stream.
const salvageFor = 10 * time.Minute

// salvageFile holds the messages of a stream being rewritten until all of them are back: the next
// start finds it if the process is killed.
func (b *Broker) salvageFile(name string) string {
	return filepath.Join(b.opt.Dir, "salvage."+name)
}

// salvage rewrites a stream from its readable messages. An unreadable message is still counted: it
// blocks a job with the same id and writes to an entry with the same key, and at the next start the
// server drops everything behind it in the file.
func (b *Broker) salvage(ctx context.Context, name string, sequences iter.Seq[uint64]) error {
	if err := probeStorage(b.opt.Dir); err != nil {
		return err // left to the next start
	}
	stream, err := b.streamOf(ctx, name)
	if err != nil {
		return err
	}
	if err := setAside(ctx, stream, sequences, b.salvageFile(name)); err != nil {
		return err
	}
	if err := retryUnanswered(ctx, func(try context.Context) error { return stream.Purge(try) }); err != nil {
		return err
	}
	return b.putBack(ctx, name)
}

// putBack restores salvaged messages of a stream, if any, except those that exist or have been
// written since.
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
			b.opt.Logger.Error("The messages salvaged from a damaged file are damaged, too; the rest of them is lost", "of", nameOf(name), "err", err)
		}
		if err != nil {
			return storageError(b.opt.Dir, os.Remove(f.Name()))
		}
		if err := b.republish(ctx, &msg); err != nil {
			return err
		}
	}
}

// republish writes a message unless its subject has one.
func (b *Broker) republish(ctx context.Context, msg *nats.Msg) error {
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	return b.retry(ctx, "room for what could be read of a damaged file", func(try context.Context) error {
		_, err := b.link.Load().js.PublishMsg(try, msg)
		if refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequence) {
			return nil
		}
		return err
	})
}

// setAside copies the readable messages of a stream to a file. The file appears only when it is
// complete.
func setAside(ctx context.Context, stream jetstream.Stream, sequences iter.Seq[uint64], path string) error {
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	err = copyReadable(ctx, stream, sequences, f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return fileutil.Rename(f.Name(), path) // also flushes the directory
}

func copyReadable(ctx context.Context, stream jetstream.Stream, sequences iter.Seq[uint64], w io.Writer) error {
	buffer := bufio.NewWriter(w)
	messages := gob.NewEncoder(buffer)
	for n := range sequences {
		var one *jetstream.RawStreamMsg
		err := retryUnanswered(ctx, func(try context.Context) (err error) { one, err = stream.GetMsg(try, n); return err })
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := messages.Encode(forRepublish(one)); err != nil {
			return err
		}
	}
	return buffer.Flush()
}

// between yields first to last, inclusive.
func between(first, last uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for n := first; n <= last; n++ {
			if !yield(n) {
				return
			}
		}
	}
}

// forRepublish prepares a message to be published again, without expectations. Older versions had the id of
// a job in a header, by which the server would take it for a duplicate.
func forRepublish(one *jetstream.RawStreamMsg) *nats.Msg {
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
