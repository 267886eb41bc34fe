// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// salvageFor is how long it may take to write a stream anew.
const salvageFor = 10 * time.Minute

// salvageFile has the messages of a stream that is written anew.
const salvageFile = "salvage"

// salvage writes a stream anew from those of its messages that can be read. A server
// keeps counting one that it can't read: it refuses a job with the same id, never
// ends the write of an entry with the same key, and at another start gives up
// whatever stands behind it in the same file.
func (b *Broker) salvage(ctx context.Context, name string, sequences iter.Seq[uint64]) error {
	if err := probeStorage(b.opt.Dir); err != nil {
		return err // the next start does it
	}
	f, err := os.Create(filepath.Join(b.opt.Dir, salvageFile))
	if err != nil {
		return err
	}
	defer func() { _, _ = f.Close(), os.Remove(f.Name()) }()
	stream, err := b.link.Load().js.Stream(ctx, name)
	if err != nil {
		return err
	}
	if err := setAside(ctx, stream, sequences, f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := again(ctx, func(try context.Context) error { return stream.Purge(try) }); err != nil {
		return err
	}
	for messages := gob.NewDecoder(bufio.NewReader(f)); ; {
		var msg nats.Msg
		if err := messages.Decode(&msg); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := b.insist(ctx, "room for what could be read of a damaged file", func(try context.Context) error {
			_, err := b.link.Load().js.PublishMsg(try, &msg)
			return err
		}); err != nil {
			return err
		}
	}
}

// setAside writes messages of a stream to a file, as far as they can be read.
func setAside(ctx context.Context, stream jetstream.Stream, sequences iter.Seq[uint64], w io.Writer) error {
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
