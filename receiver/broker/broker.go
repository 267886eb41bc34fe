// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// Names of the work queue.
const (
	streamName   = "INTAKE"
	subject      = "intake" // alone: jobs of older versions
	subjectOfAny = subject + ".*"
	consumerName = "workers"
)

// attempt bounds a single request: before a cluster has a leader requests are never answered, so
// they are abandoned early and repeated.
const attempt = 2 * time.Second

// Broker is an embedded server, a connection to it, and the work queue. It is safe for concurrent
// use.
type Broker struct {
	opt    Options
	token  string
	lock   fileutil.Releaser
	server atomic.Pointer[server.Server]
	said   atomic.Pointer[natsLog] // the server's log
	link   atomic.Pointer[link]

	buckets struct { // those opened, to recreate them if they vanish
		sync.Mutex
		open []*Bucket
	}

	sequences sequences
	audited   bool // the state left by the last run has been audited

	leadChecks int                   // consecutive checks in which this node led the queue
	created    map[string]time.Time  // of each stream, at the last check
	unhealthy  atomic.Pointer[error] // why writes are refused; nil: they are not
	silent     atomic.Int64          // checks since the broker was last healthy, or unhealthy for an external reason
	closing    context.Context       // cancelled by Close
	stop       context.CancelFunc
	watcher    sync.WaitGroup // the goroutines that supervise the server
	once       sync.Once

	waited struct { // the last logged reason to wait, and when
		sync.Mutex
		what string
		at   time.Time
	}
}

// Start opens the directory, starts the server and waits until the work queue is usable: at once
// with one replica; with three, when a majority of the nodes is up, so start them in parallel. ctx
// bounds only that wait; Options.OnWait receives what it waits for.
//
// An error says what is wrong and what to do. It is an [Error], and [ErrReplicas] or [ErrLocked] if
// that is the reason.
func Start(ctx context.Context, opt Options) (*Broker, error) {
	if err := opt.validate(); err != nil {
		return nil, err
	}
	b := &Broker{opt: opt.withDefaults(), token: rand.Text(), created: map[string]time.Time{}}
	b.closing, b.stop = context.WithCancel(context.Background())
	if err := b.openStorage(ctx); err != nil {
		return nil, err
	}
	b.loadSequences()
	if err := errors.Join(b.checkConsumer(), b.open(ctx)); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.watcher.Go(b.lookAfter)
	b.watcher.Go(b.countSilence)
	return b, nil
}

// open starts the server, connects and waits for the queue.
func (b *Broker) open(ctx context.Context) error {
	if err := b.startServer(ctx); err != nil {
		return err
	}
	if err := b.connect(); err != nil {
		return err
	}
	if err := b.retry(ctx, "the work queue", b.makeQueue); err != nil {
		return err
	}
	if err := b.audit(ctx); err != nil {
		return err
	}
	b.audited = true
	return nil
}

// startServer starts a server, replacing the last one. It waits until the server has read its
// files, however many there are, or ctx ends.
func (b *Broker) startServer(ctx context.Context) error {
	so, err := b.opt.serverOptions(b.token)
	if err != nil {
		return err
	}
	srv, err := server.NewServer(so)
	if err != nil {
		return fmt.Errorf("setting up the embedded server: %w", err)
	}
	log := &natsLog{log: b.opt.Logger.With("component", "nats")}
	srv.SetLoggerV2(log, false, false, false)
	b.server.Store(srv)
	b.said.Store(log)
	go srv.Start() // returns when a listening server shuts down
	for told := time.Now(); !srv.ReadyForConnections(100 * time.Millisecond); {
		if text := log.failure(); text != "" {
			return &Error{What: "the embedded server did not start: " + text, Hint: "check the directory " + b.opt.Dir + " and the listen address"}
		}
		if ctx.Err() != nil {
			return &Error{What: "the embedded server is not ready", Err: ctx.Err(), Hint: "its log lines say why"}
		}
		if time.Since(told) > attempt {
			b.waiting("the embedded server to read its files in " + b.opt.Dir)
			told = time.Now()
		}
	}
	if text := log.failure(); text != "" {
		return &Error{What: "the embedded server did not start: " + text, Hint: "check the directory " + b.opt.Dir}
	}
	return nil
}

// makeQueue creates or updates the stream and its consumer.
func (b *Broker) makeQueue(ctx context.Context) error {
	js := b.link.Load().js
	_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        streamName,
		Description: "alerts to explain",
		Subjects:    []string{subject, subjectOfAny},
		Retention:   jetstream.WorkQueuePolicy,
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		MaxMsgs:     b.opt.MaxJobs,
		MaxBytes:    b.opt.MaxBytes,
		Replicas:    b.opt.replicas(),
	})
	if refusedWith(err, codeStreamOffline) && b.forgetConsumer(ctx, err) {
		return errors.Join(errAgain, b.replaceServer(ctx))
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", streamName, err)
	}
	// Deliveries are limited here rather than by the server, which would silently leave a dead job
	// in the stream. Jobs waiting for a retry count as unacknowledged, so those are unlimited too.
	conf := jetstream.ConsumerConfig{
		Durable:       consumerName,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       b.opt.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: -1,
	}
	_, err = js.CreateOrUpdateConsumer(ctx, streamName, conf)
	if err != nil && b.forgetConsumer(ctx, err) {
		_, err = js.CreateOrUpdateConsumer(ctx, streamName, conf)
	}
	if err != nil {
		return fmt.Errorf("consumer %s: %w", consumerName, err)
	}
	return nil
}

// Close stops the server and unlocks the directory. Cancel the contexts of Consume and Watch first.
// Closing twice is harmless.
func (b *Broker) Close() error {
	var err error
	b.once.Do(func() {
		b.stop()
		b.watcher.Wait()
		b.lastSequences()
		if l := b.link.Load(); l != nil {
			l.conn.Close()
		}
		if srv := b.server.Load(); srv != nil {
			srv.Shutdown()
			srv.WaitForShutdown()
			b.sealSequences()
		}
		err = b.lock.Release()
	})
	return err
}
