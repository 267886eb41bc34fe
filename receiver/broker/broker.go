package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// Names of the work queue.
const (
	streamName   = "INTAKE"
	subject      = "intake"
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
	conn   *nats.Conn
	js     jetstream.JetStream

	sick    atomic.Pointer[error] // why writes are refused; nil if they are not
	closing context.Context       // ends with Close
	stop    context.CancelFunc
	watcher sync.WaitGroup // the goroutine that looks after the server
	once    sync.Once
}

// Start opens the directory, starts the server and waits until the work queue
// can be used: at once with one replica, when a majority of the nodes is there
// with three. The context bounds that wait and nothing else. Start as many
// nodes side by side as a majority needs.
//
// An error says what is wrong and what can be done; it is an [Error], and
// [ErrReplicas] or [ErrLocked] where these are the reason.
func Start(ctx context.Context, opt Options) (*Broker, error) {
	if err := opt.validate(); err != nil {
		return nil, err
	}
	b := &Broker{opt: opt.withDefaults(), token: rand.Text()}
	b.closing, b.stop = context.WithCancel(context.Background())
	var err error
	if b.lock, err = openStorage(opt.Dir, opt.replicas()); err != nil {
		return nil, err
	}
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.watcher.Go(b.lookAfter)
	return b, nil
}

// open starts the server, connects and waits for the queue.
func (b *Broker) open(ctx context.Context) error {
	if err := b.startServer(); err != nil {
		return err
	}
	conn, err := nats.Connect("", nats.InProcessServer(b), nats.Token(b.token), nats.Name("culprit"),
		nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0))
	if err != nil {
		return fmt.Errorf("connecting to the embedded server: %w", err)
	}
	b.conn = conn
	if b.js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(attempt)); err != nil {
		return fmt.Errorf("opening JetStream: %w", err)
	}
	return b.ensureQueue(ctx)
}

// startServer starts a server and puts it in the place of the last one.
func (b *Broker) startServer() error {
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
	go srv.Start() // returns when a node that listens shuts down
	const patience = 30 * time.Second
	for deadline := time.Now().Add(patience); !srv.ReadyForConnections(100 * time.Millisecond); {
		if text := log.failure(); text != "" {
			return &Error{What: "the embedded server did not start: " + text, Hint: "check the directory " + b.opt.Dir + " and the listen address"}
		}
		if time.Now().After(deadline) {
			return &Error{What: fmt.Sprintf("the embedded server is not ready after %s", patience), Hint: "its log lines say why"}
		}
	}
	if text := log.failure(); text != "" {
		return &Error{What: "the embedded server did not start: " + text, Hint: "check the directory " + b.opt.Dir}
	}
	return nil
}

// InProcessConn connects to the server of the moment, so that the connection
// outlives a restart of it. It is for the NATS client library.
func (b *Broker) InProcessConn() (net.Conn, error) { return b.server.Load().InProcessConn() }

// ensureQueue makes the stream and its consumer, or brings them in line with
// the options, trying until it is done or the context ends.
func (b *Broker) ensureQueue(ctx context.Context) error {
	var last error
	for {
		try, cancel := context.WithTimeout(ctx, attempt)
		err := b.makeQueue(try)
		cancel()
		if err == nil {
			return nil
		}
		if !errors.Is(err, context.DeadlineExceeded) || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return &Error{What: "the work queue is not ready", Err: errors.Join(last, ctx.Err()), Hint: b.notReadyHint()}
		case <-b.closing.Done():
			return ErrClosed
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (b *Broker) notReadyHint() string {
	if b.opt.replicas() == 1 {
		return "the log lines of component nats say why"
	}
	return "two of the three nodes must be up and reach each other: check their routes and the shared secret"
}

// makeQueue is one attempt of ensureQueue.
func (b *Broker) makeQueue(ctx context.Context) error {
	_, err := b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        streamName,
		Description: "alerts to explain",
		Subjects:    []string{subject},
		Retention:   jetstream.WorkQueuePolicy,
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		MaxMsgs:     b.opt.MaxJobs,
		MaxBytes:    b.opt.MaxBytes,
		Duplicates:  b.opt.DedupeWindow,
		Replicas:    b.opt.replicas(),
	})
	if err != nil {
		return fmt.Errorf("stream %s: %w", streamName, err)
	}
	// Deliveries are counted here and not by a limit of the server, which
	// would leave a dead job in the stream without a word. Jobs that wait for
	// another attempt count as unacknowledged, so that is not limited either.
	_, err = b.js.CreateOrUpdateConsumer(ctx, streamName, jetstream.ConsumerConfig{
		Durable:       consumerName,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       b.opt.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: -1,
	})
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
		if b.conn != nil {
			b.conn.Close()
		}
		if srv := b.server.Load(); srv != nil {
			srv.Shutdown()
			srv.WaitForShutdown()
		}
		err = b.lock.Release()
	})
	return err
}
