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

// Watch tells every entry that is there, and returns; then it tells every change, in
// order and from one goroutine, until the context ends. An entry that was deleted or
// has outlived its lifetime is told with deleted true and no value. After a
// restart of the server all entries are told again: their revisions say what is
// news.
//
// Write to a bucket after Watch has returned: until then it may be written anew, as its
// files are damaged.
func (k *Bucket) Watch(ctx context.Context, tell func(e Entry, deleted bool)) error {
	synced := make(chan struct{})
	f := &follower{k: k, tell: tell, synced: sync.OnceFunc(func() { close(synced) })}
	var w *watcher
	err := k.b.insist(ctx, fmt.Sprintf("the entries of bucket %q", k.name), func(try context.Context) (err error) {
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

// follower passes the changes of a bucket on. The client library notices only
// after three missed heartbeats that a restarted server has forgotten its
// watcher; the follower opens a new one as soon as it is connected again, by
// the same link or by another.
type follower struct {
	k      *Bucket
	tell   func(e Entry, deleted bool)
	synced func()
	told   bool // everything, once
}

// watcher is one of the client library, with the news of its connection.
type watcher struct {
	jetstream.KeyWatcher
	conn   *nats.Conn
	broken chan nats.Status
}

// open opens a watcher on the link of the moment. It lives until ctx ends; try
// bounds the opening.
func (f *follower) open(ctx, try context.Context) (*watcher, error) {
	at, err := f.k.reach(try)
	if err != nil {
		return nil, err
	}
	f.k.ledger.begin()
	conn := at.link.conn
	broken := conn.StatusChanged(nats.CONNECTED, nats.CLOSED)
	w, err := at.kv.WatchAll(ctx)
	if err == nil && conn.IsClosed() { // before anybody listened
		err = nats.ErrConnectionClosed
	}
	if err != nil {
		conn.RemoveStatusListener(broken)
		return nil, err
	}
	return &watcher{w, conn, broken}, nil
}

// close ends a watcher, which may have ended with its connection.
func (w *watcher) close() {
	w.conn.RemoveStatusListener(w.broken)
	_ = w.Stop()
	go drain(w)
}

// run follows one watcher after the other until the context or the broker
// ends.
func (f *follower) run(ctx context.Context, w *watcher) {
	for w != nil {
		f.follow(ctx, w)
		w.close()
		w = f.reopen(ctx)
	}
}

// drain lets a stopped watcher that waits for its reader come to its end.
func drain(w jetstream.KeyWatcher) {
	for range w.Updates() {
	}
}

// unsyncedFor is how long nothing may come of a bucket's entries before they are taken
// for complete: the server counts those that a damaged file has lost, and waits for them.
const unsyncedFor = 15 * time.Second

// follow passes changes on until there is a reason to look further.
func (f *follower) follow(ctx context.Context, w *watcher) {
	idle := time.NewTimer(unsyncedFor)
	defer idle.Stop()
	for synced := f.k.b.opt.replicas() > 1; ; { // a node of a cluster gets what it lacks from the others
		select {
		case <-idle.C:
			if !synced {
				f.k.b.opt.Logger.Error("Entries that were counted do not come: the files of the storage are damaged. What is there is used", "of", f.k.name, "directory", f.k.b.opt.Dir)
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
				f.k.ledger.told(e)
				f.pass(e)
				idle.Reset(unsyncedFor)
			}
		}
	}
}

// account looks for what is gone when everything has been told.
func (f *follower) account() {
	f.k.account(f.told)
	f.told = true
}

// reopen returns a new watcher, or nil if that is over.
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

// pass tells one change.
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
