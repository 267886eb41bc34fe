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
	subject      = "intake" // alone: of the jobs of an older culprit
	subjectOfAny = subject + ".*"
	consumerName = "workers"
)

// attempt bounds each single request: before a cluster has a leader a request
// is never answered, so it is given up early and made again.
const attempt = 2 * time.Second

// Broker is an embedded server, the connection to it, and the work queue.
// Its methods may be called by many goroutines.
type Broker struct {
	opt    Options
	token  string
	lock   fileutil.Releaser
	server atomic.Pointer[server.Server]
	said   atomic.Pointer[natsLog] // what the server has logged
	link   atomic.Pointer[link]

	buckets struct { // that were opened, to be made again if they are gone
		sync.Mutex
		open []*Bucket
	}

	sequences sequences
	audited   bool // what the last run has left was compared with what there is

	led     int                   // looks in a row that found this node to lead the queue
	created map[string]time.Time  // of each stream, as the last look at them has seen it
	sick    atomic.Pointer[error] // why writes are refused; nil if they are not
	silent  atomic.Int64          // rounds of the watch since the broker was last well, or unwell for a reason that is not its own
	closing context.Context       // ends with Close
	stop    context.CancelFunc
	watcher sync.WaitGroup // the goroutines that look after the server
	once    sync.Once

	waited struct { // what was last told of a wait, and when
		sync.Mutex
		what string
		at   time.Time
	}
}

// Start opens the directory, starts the server and waits until the work queue
// can be used: at once with one replica, when a majority of the nodes is there
// with three. The context bounds that wait and nothing else; Options.OnWait is
// told what is waited for. Start as many nodes side by side as a majority needs.
//
// An error says what is wrong and what can be done; it is an [Error], and
// [ErrReplicas] or [ErrLocked] where these are the reason.
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
	if err := b.insist(ctx, "the work queue", b.makeQueue); err != nil {
		return err
	}
	if err := b.audit(ctx); err != nil {
		return err
	}
	b.audited = true
	return nil
}

// startServer starts a server and puts it in the place of the last one. It
// waits until the server has read its files, however many there are, or the
// context ends.
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
	go srv.Start() // returns when a node that listens shuts down
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

// makeQueue makes the stream and its consumer, or brings them in line with the
// options.
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
	// Deliveries are counted here and not by a limit of the server, which
	// would leave a dead job in the stream without a word. Jobs that wait for
	// another attempt count as unacknowledged, so that is not limited either.
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

// Close stops the server and gives the directory back. End the contexts of
// Consume and Watch first. Closing twice is harmless.
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
