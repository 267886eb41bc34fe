package broker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Watch tells every entry that is there, then every change, in order and from
// one goroutine, until the context ends. The channel is closed when all that
// was there at the start has been told. An entry that was deleted or has
// outlived its lifetime is told with deleted true and no value. After a
// restart of the server all entries are told again.
func (k *Bucket) Watch(ctx context.Context, tell func(key string, value []byte, deleted bool)) (<-chan struct{}, error) {
	reconnected := k.b.conn.StatusChanged(nats.CONNECTED)
	w, err := k.kv.WatchAll(ctx)
	if err != nil {
		k.b.conn.RemoveStatusListener(reconnected)
		return nil, fmt.Errorf("watching bucket %q: %w", k.name, err)
	}
	synced := make(chan struct{})
	f := &follower{k: k, tell: tell, synced: sync.OnceFunc(func() { close(synced) }), reconnected: reconnected}
	go f.run(ctx, w)
	return synced, nil
}

// follower passes the changes of a bucket on. The client library notices only
// after three missed heartbeats that a restarted server has forgotten its
// watcher; the follower opens a new one as soon as it is connected again.
type follower struct {
	k           *Bucket
	tell        func(key string, value []byte, deleted bool)
	synced      func()
	reconnected chan nats.Status
}

// run follows one watcher after the other until the context or the connection
// ends.
func (f *follower) run(ctx context.Context, w jetstream.KeyWatcher) {
	defer f.k.b.conn.RemoveStatusListener(f.reconnected)
	for w != nil {
		f.follow(ctx, w)
		_ = w.Stop() // it may have ended with the connection
		go drain(w)
		w = f.reopen(ctx)
	}
}

// drain lets a stopped watcher that waits for its reader come to its end.
func drain(w jetstream.KeyWatcher) {
	for range w.Updates() {
	}
}

// follow passes changes on until there is a reason to look further.
func (f *follower) follow(ctx context.Context, w jetstream.KeyWatcher) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.reconnected:
			return
		case e, open := <-w.Updates():
			switch {
			case !open || ctx.Err() != nil:
				return
			case e == nil:
				f.synced()
			default:
				f.pass(e)
			}
		}
	}
}

// reopen returns a new watcher, or nil if that is over.
func (f *follower) reopen(ctx context.Context) jetstream.KeyWatcher {
	for ctx.Err() == nil && f.k.b.closing.Err() == nil {
		w, err := f.k.kv.WatchAll(ctx)
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
		f.tell(key, nil, true)
	default:
		f.tell(key, e.Value(), false)
	}
}
