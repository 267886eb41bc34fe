// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/receiver/amevents"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/tracing"
)

// Options configure a daemon. ConfigFile and StoragePath are required.
type Options struct {
	ConfigFile    string
	StoragePath   string // directory of the queue and the reports
	ListenAddress string // the only listener if Web is nil; default ":9798"
	Web           *web.FlagConfig
	ExternalURL   string        // base URL of the pages for people; empty: http://<listen address>
	Retention     time.Duration // how long reports are kept; default 7 days
	RetentionSize int64         // limit of reports and incidents in bytes, oldest are deleted first; default 1 GiB
	Workers       int           // alerts explained concurrently; default 4
	Reconcile     time.Duration // interval of the reconcile loop; default 30 s
	Cluster       *broker.ClusterOptions

	MaxConnections int           // open at a time, over all listeners; default 512, as in Prometheus
	ReadTimeout    time.Duration // of a whole request, and idle between two; default 5 minutes, as in Prometheus

	Logger   *slog.Logger         // default: slog.Default()
	Registry *prometheus.Registry // default: a new one
	Now      func() time.Time     // default: time.Now
}

func (o Options) withDefaults() Options {
	if o.ListenAddress == "" {
		o.ListenAddress = ":9798"
	}
	if o.Retention == 0 {
		o.Retention = 7 * 24 * time.Hour
	}
	if o.RetentionSize == 0 {
		o.RetentionSize = 1 << 30
	}
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Reconcile == 0 {
		o.Reconcile = 30 * time.Second
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 512
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = 5 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Daemon is a running culprit. Make it with [New], then call [Daemon.Run].
type Daemon struct {
	opt     Options
	log     *slog.Logger
	metrics *metrics
	shared  *shared
	tracer  *tracing.Tracer
	live    atomic.Pointer[live]

	connections *connections

	listeners      []net.Listener
	external       *url.URL
	broker         *broker.Broker
	store          *store
	book           *deliveries
	changes        *changelog.Book
	handled        *amevents.Book
	said           *broker.Bucket // what silences have said about reports
	worker         *worker
	publisher      *publisher
	receivers      *receivers
	reconcile      *reconciler
	server         *http.Server
	front          *front
	cancelRequests func()     // cancels the contexts of all requests
	serving        chan error // receives the error of the HTTP server when it ends

	refreshing sync.Map // what is being refreshed: annotators and the silences of a peer
	refreshes  sync.WaitGroup

	reloading sync.Mutex
	replaced  replaced
	reloaded  chan struct{} // signals a new live to keep
	rereading chan struct{} // the same, to readChanges
	cleanups  []cleanup     // run last to first
}

type cleanup struct {
	name string
	run  func() error
}

// New opens everything the daemon needs: configuration, listeners, queue and store. It does not
// wait for Prometheus or Alertmanager. A replica of a cluster waits for a majority until ctx ends;
// as soon as it listens it reports over HTTP that it is alive, and what it waits for. If New fails
// it closes what it has opened.
func New(ctx context.Context, opt Options) (_ *Daemon, err error) {
	opt = opt.withDefaults()
	d := &Daemon{opt: opt, log: opt.Logger, metrics: newMetrics(opt.Registry), shared: newShared(opt), tracer: new(tracing.Tracer), receivers: &receivers{}, reloaded: make(chan struct{}, 1), rereading: make(chan struct{}, 1)}
	d.cleanup("traces", d.endTraces)
	d.connections = newConnections(opt.MaxConnections, opt.Registry)
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if err := d.opt.checkWeb(); err != nil {
		return nil, err
	}
	if err := d.listen(); err != nil {
		return nil, err
	}
	if err := d.Reload(); err != nil {
		return nil, err
	}
	d.front = newFront(d.external.Path, d.opt.Registry)
	d.server = d.newServer(d.front)
	if err := d.openServing(ctx); err != nil {
		return nil, err
	}
	d.receivers.relearn(d.store)
	incidents := aboutIncidents{store: d.store, book: d.book, now: opt.Now}
	if opt.Cluster != nil {
		incidents.rest = 10 * time.Second
	}
	d.publisher = newPublisher(incidents, d.metrics, opt.Logger)
	d.publisher.use(d.live.Load().outlets)
	d.store.follow(d.publisher.incident)
	opt.Registry.MustRegister(newLaneCollector(d.publisher.all))
	d.worker = &worker{live: d.live.Load, pipeline: d.pipeline, store: d.store, publisher: d.publisher, metrics: d.metrics, log: d.log, now: opt.Now}
	d.reconcile = newReconciler(d)
	d.front.open(d.handler())
	return d, nil
}

// openServing opens the queue and the store while the HTTP server already answers. It gives up if
// the server ends.
func (d *Daemon) openServing(ctx context.Context) error {
	opening, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	d.serving = make(chan error, 1)
	d.cleanup("server", d.server.Close)
	go func() {
		err := d.serve()
		giveUp(err)
		d.serving <- err
	}()
	err := d.open(opening)
	if err != nil && opening.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("serving HTTP: %w", context.Cause(opening))
	}
	return err
}

// open starts the queue and loads the store.
func (d *Daemon) open(ctx context.Context) error {
	b, err := broker.Start(ctx, broker.Options{
		Dir: d.opt.StoragePath, Logger: d.log, Cluster: d.opt.Cluster, DrainTimeout: drain,
		MaxBucketBytes: -1, // unlimited: the store prunes itself, as it knows what may go
		OnDead:         func(j broker.Job, err error) { d.worker.dead(j, err) }, OnWait: d.front.waitFor,
		OnLost: func(what string, gone uint64) { d.metrics.lost.WithLabelValues(what).Add(float64(gone)) },
	})
	if err != nil {
		return fmt.Errorf("opening the storage: %w", err)
	}
	d.broker = b
	d.cleanup("queue and reports", b.Close)
	d.opt.Registry.MustRegister(newQueueCollector(b))
	// The index must follow the buckets until the daemon has drained.
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.cleanup("index", func() error { stop(); return nil })
	defer context.AfterFunc(ctx, stop)() // ctx ends only the loading, not the following
	d.store, err = newStore(following, b, storeOptions{
		ttl: d.opt.Retention, limit: d.opt.RetentionSize, base: d.external.String(), now: d.opt.Now, log: d.log,
	})
	if err != nil {
		return fmt.Errorf("opening the reports: %w", err)
	}
	d.opt.Registry.MustRegister(d.store.collectors()...)
	if d.book, err = openDeliveries(following, b, d.opt.Retention, d.log); err != nil {
		return fmt.Errorf("opening the deliveries: %w", err)
	}
	d.store.onDrop(d.book.forget)
	d.store.onOther(d.expect)
	d.changes, err = changelog.Open(following, b, changelog.Options{
		Lifetime: time.Duration(d.live.Load().config.Changes.Lifetime), Now: d.opt.Now, Log: d.log, Registry: d.opt.Registry,
	})
	if err != nil {
		return fmt.Errorf("opening the changes: %w", err)
	}
	d.handled, err = amevents.Open(following, b, amevents.Options{Lifetime: d.opt.Retention, Now: d.opt.Now, Log: d.log, Registry: d.opt.Registry})
	if err != nil {
		return fmt.Errorf("opening the events of Alertmanager: %w", err)
	}
	if d.said, err = b.Bucket(following, "said", rememberSaid); err != nil {
		return fmt.Errorf("opening what silences have said: %w", err)
	}
	if err := d.said.Watch(following, func(broker.Entry, bool) {}); err != nil { // so that lost entries are noticed
		return fmt.Errorf("reading what silences have said: %w", err)
	}
	return nil
}

// URL is the base URL of the pages.
func (d *Daemon) URL() string { return d.external.String() }

// Address is the address of the first listener.
func (d *Daemon) Address() net.Addr { return d.listeners[0].Addr() }

const (
	// drain is how long work in progress may go on after the daemon was asked to stop.
	drain = 3 * time.Second
	// stopWithin bounds the whole stop, whatever hangs. The process promises to end within ten
	// seconds; this leaves one.
	stopWithin = 9 * time.Second
	// flush is the part of it for sending the last spans.
	flush = time.Second
)

// Run works until ctx ends or a part fails. It then lets work in progress finish for three seconds
// and closes everything. What is cut off is redone after the next start: jobs return to the queue,
// and the store knows what each sink has received.
func (d *Daemon) Run(ctx context.Context) error {
	parts, running := errgroup.WithContext(tracing.With(ctx, d.tracer))
	work, cancel := outlive(running, drain)
	defer cancel()
	parts.Go(func() error { return d.served(running) })
	parts.Go(func() error { return d.consume(running) })
	parts.Go(func() error { d.publisher.run(running, work); return nil })
	parts.Go(func() error { d.reconcile.run(running); d.refreshes.Wait(); return nil })
	parts.Go(func() error { d.keep(running); return nil })
	parts.Go(func() error { d.readChanges(running); return nil })
	parts.Go(func() error { return d.stopServing(running, work) })
	d.log.Info("Taking alerts", "url", d.URL())
	return withDeadline(running, stopWithin, func() error { return errors.Join(parts.Wait(), d.close()) })
}

// consume handles jobs until ctx ends.
func (d *Daemon) consume(ctx context.Context) error {
	if err := d.broker.Consume(ctx, d.opt.Workers, d.worker.handle); err != nil {
		return fmt.Errorf("working on the queue: %w", err)
	}
	return nil
}

// served waits for the HTTP server to end. It returns an error if the daemon was not stopping.
func (d *Daemon) served(running context.Context) error {
	err := <-d.serving
	if err == nil && running.Err() == nil {
		err = http.ErrServerClosed
	}
	if err != nil {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return nil
}

// stopServing shuts the HTTP server down when running ends. Requests may finish until work ends,
// and are then cut off.
func (d *Daemon) stopServing(running, work context.Context) error {
	<-running.Done()
	d.log.Info("Stopping: finishing work in progress")
	err := d.server.Shutdown(work)
	d.cancelRequests()
	if err == nil {
		return nil
	}
	return ignoreClosed(d.server.Close())
}

// outlive returns a context that ends some time after ctx.
func outlive(ctx context.Context, longer time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(longer, cancel)
		context.AfterFunc(later, func() { timer.Stop() })
	})
	return later, cancel
}

// withDeadline runs f and waits for it, but at most limit longer than ctx.
func withDeadline(ctx context.Context, limit time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	late, cancel := outlive(ctx, limit)
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-late.Done():
		return fmt.Errorf("something is still running %s after the daemon was asked to stop; it is redone after the next start", limit)
	}
}

func (d *Daemon) serve() error {
	var err error
	if d.opt.Web != nil {
		err = web.ServeMultiple(d.listeners, d.server, d.opt.Web, d.log)
	} else {
		err = d.server.Serve(d.listeners[0])
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// endTraces sends the last spans, if the collector takes them in time.
func (d *Daemon) endTraces() error {
	if err := d.tracer.Close(flush); err != nil {
		d.log.Warn("The last traces could not be sent", "err", err)
	}
	return nil
}

// cleanup registers what close runs, in reverse order.
func (d *Daemon) cleanup(name string, run func() error) {
	d.cleanups = append(d.cleanups, cleanup{name, run})
}

func (d *Daemon) close() error {
	var errs []error
	for len(d.cleanups) > 0 {
		last := d.cleanups[len(d.cleanups)-1]
		d.cleanups = d.cleanups[:len(d.cleanups)-1]
		if err := last.run(); err != nil {
			errs = append(errs, fmt.Errorf("closing the %s: %w", last.name, err))
		}
	}
	return errors.Join(errs...)
}
