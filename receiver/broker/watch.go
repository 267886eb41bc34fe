// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Watch calls tell with every entry and returns; after that it calls tell with every change, in
// order and from one goroutine, until ctx ends. For an entry that was deleted or has expired,
// deleted is true and there is no value. After a restart of the server all entries come again:
// compare their revisions.
//
// Write to a bucket only after Watch has returned: until then it may be rewritten because its files
// are damaged.
func (k *Bucket) Watch(ctx context.Context, tell func(e Entry, deleted bool)) error {
	synced := make(chan struct{})
	f := &follower{k: k, tell: tell, synced: sync.OnceFunc(func() { close(synced) })}
	var w *watcher
	err := k.b.retry(ctx, fmt.Sprintf("the entries of bucket %q", k.name), func(try context.Context) (err error) {
		w, err = f.open(ctx, try)
		return err
	})
	if err != nil {
		return fmt.Errorf("watching bucket %q: %w", k.name, err)
	}
	go f.run(ctx, w)
	select {
	case <-synced:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-k.b.closing.Done():
		return ErrClosed
	}
}

// follower forwards the changes of a bucket. The client library needs three missed heartbeats to
// notice that a restarted server has forgotten its watcher; the follower opens a new one as soon as
// it is connected again, through the same or another link.
type follower struct {
	k       *Bucket
	tell    func(e Entry, deleted bool)
	synced  func()
	seenAll bool // all entries, once
}

// watcher is a watcher of the client library, with the status of its connection.
type watcher struct {
	jetstream.KeyWatcher
	conn   *nats.Conn
	broken chan nats.Status
}

// open opens a watcher on the current link. It lives until ctx ends; try bounds only the opening.
func (f *follower) open(ctx, try context.Context) (*watcher, error) {
	at, err := f.k.reach(try)
	if err != nil {
		return nil, err
	}
	f.k.ledger.begin()
	conn := at.link.conn
	broken := conn.StatusChanged(nats.CONNECTED, nats.CLOSED)
	w, err := at.kv.WatchAll(ctx)
	if err == nil && conn.IsClosed() { // closed before we listened
		err = nats.ErrConnectionClosed
	}
	if err != nil {
		conn.RemoveStatusListener(broken)
		return nil, err
	}
	return &watcher{w, conn, broken}, nil
}

// close stops a watcher, whose connection may be closed already.
func (w *watcher) close() {
	w.conn.RemoveStatusListener(w.broken)
	_ = w.Stop()
	go drain(w)
}

// run follows one watcher after another until the context or the broker ends.
func (f *follower) run(ctx context.Context, w *watcher) {
	for w != nil {
		f.follow(ctx, w)
		w.close()
		w = f.reopen(ctx)
	}
}

// drain unblocks a stopped watcher that waits for its reader.
func drain(w jetstream.KeyWatcher) {
	for range w.Updates() {
	}
}

// unsyncedFor is how long no entry may arrive until they are taken as complete: the server counts
// entries that a damaged file has lost, and waits for them.
const unsyncedFor = 15 * time.Second

// follow forwards changes until the watcher ends or must be replaced.
func (f *follower) follow(ctx context.Context, w *watcher) {
	idle := time.NewTimer(unsyncedFor)
	defer idle.Stop()
	for synced := f.k.b.opt.replicas() > 1; ; { // a cluster node gets what it lacks from the others
		select {
		case <-idle.C:
			if !synced {
				f.k.b.opt.Logger.Error("Entries that were counted can't be read: files of the storage are damaged. The others are used", "of", f.k.name, "directory", f.k.b.opt.Dir)
				synced = true
				f.account()
				f.synced()
			}
		case <-ctx.Done():
			return
		case <-w.broken:
			return
		case e, open := <-w.Updates():
			switch {
			case !open || ctx.Err() != nil:
				return
			case e == nil:
				synced = true
				f.account()
				f.synced()
			default:
				f.k.ledger.observed(e)
				f.pass(e)
				idle.Reset(unsyncedFor)
			}
		}
	}
}

// account checks for losses once all entries have been seen.
func (f *follower) account() {
	f.k.account(f.seenAll)
	f.seenAll = true
}

// reopen returns a new watcher, or nil if the follower is done.
func (f *follower) reopen(ctx context.Context) *watcher {
	for ctx.Err() == nil && f.k.b.closing.Err() == nil {
		try, cancel := context.WithTimeout(ctx, attempt)
		w, err := f.open(ctx, try)
		cancel()
		if err == nil {
			return w
		}
		f.k.b.opt.Logger.Debug("waiting for a bucket", "bucket", f.k.name, "err", err)
		select {
		case <-ctx.Done():
		case <-f.k.b.closing.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// pass forwards one change.
func (f *follower) pass(e jetstream.KeyValueEntry) {
	key, err := decodeKey(e.Key())
	switch {
	case err != nil:
		f.k.b.opt.Logger.Warn("entry with a foreign key", "bucket", f.k.name, "err", err)
	case e.Operation() != jetstream.KeyValuePut:
		f.tell(Entry{Key: key, Revision: e.Revision(), Created: e.Created()}, true)
	default:
		f.tell(Entry{Key: key, Value: e.Value(), Revision: e.Revision(), Created: e.Created()}, false)
	}
}
