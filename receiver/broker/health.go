// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	checkEvery = time.Second      // pause between two looks at the server
	reachFor   = 10 * time.Second // to be answered by a server that is well
	restartFor = 50 * time.Second // to start a server again, with its files
)

// Healthy returns nil if jobs can be published and handled, or else what is
// wrong and what can be done about it. The error is [ErrStuck] or [ErrClosed]
// if that is to start the process again. A node that is behind the others of
// its cluster is not healthy, and takes jobs all the same.
func (b *Broker) Healthy() error {
	if err := b.Stuck(); err != nil {
		return err
	}
	if why := b.sick.Load(); why != nil {
		return *why
	}
	return b.serverHealth()
}

// Stuck returns nil as long as the broker is well or may come right by itself.
// A full disk and a cluster without a majority are no reason: another process
// would have them, too. The error is [ErrClosed], or [ErrStuck] when the broker
// has been unwell for Options.StuckAfter and could not mend itself. Stuck
// always answers at once.
func (b *Broker) Stuck() error {
	if b.closing.Err() != nil {
		return ErrClosed
	}
	unwell := time.Duration(b.silent.Load()) * checkEvery
	if unwell < b.opt.StuckAfter {
		return nil
	}
	err := fmt.Errorf("%w for %s", ErrStuck, unwell)
	if why := b.sick.Load(); why != nil {
		err = fmt.Errorf("%w: %w", err, *why)
	}
	return err
}

// Leads says whether this node is the one that the others send jobs to. One
// alone is.
func (b *Broker) Leads() bool {
	return b.opt.replicas() == 1 || b.server.Load().JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, streamName)
}

// countSilence counts the rounds in which lookAfter has not found the broker
// well. It has a goroutine of its own, for a server that hangs may hold up the
// one that looks after it; and it counts and reads no clock, so that a process
// that was stopped for an hour is not stuck when it goes on.
func (b *Broker) countSilence() {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.closing.Done():
			return
		case <-tick.C:
			b.silent.Add(1)
		}
	}
}

// serverHealth asks the server about itself: a stream that met a write error,
// a cluster without a leader, JetStream switched off.
func (b *Broker) serverHealth() error {
	h := b.server.Load().Healthz(&server.HealthzOptions{Details: b.opt.replicas() == 1})
	text := h.Error
	for _, e := range h.Errors {
		if text == "" && !awaitsBucket(e) {
			text = e.Error
		}
	}
	if text == "" {
		return nil
	}
	return &Error{What: "the embedded broker is " + h.Status + ": " + text, Hint: b.notReadyHint()}
}

// awaitsBucket says whether a stream could not be recovered: it lacks its settings,
// which it gets when its bucket is opened, and a server that is started again would
// lack them, too.
func awaitsBucket(e server.HealthzError) bool {
	return e.Type == server.HealthzErrorStream && strings.HasSuffix(e.Error, " could not be recovered")
}

// lookAfter checks the server until Close and repairs what it can.
func (b *Broker) lookAfter() {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.closing.Done():
			return
		case <-tick.C:
			b.check()
		}
	}
}

// check is one round of lookAfter: what the server says of itself, then
// whether it answers.
func (b *Broker) check() {
	err := b.serverHealth()
	if err != nil {
		b.mend(err)
		return
	}
	if err := b.reach(); err != nil && b.closing.Err() == nil {
		b.setSick(err)
		return
	}
	b.recovered()
	b.saveSequences(saveEvery)
	b.gather()
}

// mend repairs a server that says that it is not well. A single one has met a
// failed write, after which JetStream does not touch the stream again; with a
// disk that can be written it is restarted. A node of a cluster is restarted
// only if JetStream has switched itself off, for a lack of peers looks like an
// illness, too, and is cured by the peers.
func (b *Broker) mend(ill error) {
	if b.opt.replicas() > 1 && b.server.Load().JetStreamEnabled() {
		b.askOthers(ill)
		return
	}
	if full := probeStorage(b.opt.Dir); full != nil {
		b.setSick(full)
		b.silent.Store(0) // waiting for room
		return
	}
	b.setSick(ill)
	if err := b.restart(); err != nil {
		b.setSick(fmt.Errorf("restarting the embedded server: %w", err))
	}
}

// askOthers decides whether a node of a cluster that is not well takes writes. It
// does if the others answer: then it is only behind them, or has lost a leader
// that has a follower by now, and whoever leads does the writing.
func (b *Broker) askOthers(ill error) {
	if len(b.peers()) == 0 || b.reach() != nil {
		b.setSick(ill)
	} else {
		b.admit()
	}
	b.silent.Store(0) // waiting for the others
}

// reach uses the broker as its callers do, from end to end: it asks for the
// queue and the buckets. A link that has ended or hangs is made anew, and so is
// what somebody has deleted.
func (b *Broker) reach() error {
	ctx, cancel := context.WithTimeout(b.closing, reachFor)
	defer cancel()
	if err := b.link.Load().conn.FlushWithContext(ctx); err != nil {
		b.opt.Logger.Warn("the connection to the embedded server has ended; making another", "err", err)
		if err := b.reconnect(); err != nil {
			return err
		}
	}
	missing, anew, err := b.survey(ctx)
	switch {
	case err != nil:
		return err
	case len(missing) > 0:
		b.opt.Logger.Error("the queue or buckets are gone, with what was in them; making them again", "missing", missing)
		return b.remake(ctx)
	case anew:
		return b.reconnect() // handlers and watchers begin anew
	}
	return nil
}

// survey names the streams that are not there, and says whether one is another
// than the last time: somebody has deleted it, and this or another node has
// made it again. It fails if that can't be told.
func (b *Broker) survey(ctx context.Context) (missing []string, anew bool, err error) {
	names := []string{streamName}
	for _, k := range b.opened() {
		names = append(names, k.stream())
	}
	for _, name := range names {
		info, err := b.ask(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			missing = append(missing, name)
			b.created[name] = time.Time{}
			continue
		}
		if err != nil {
			return nil, false, &Error{What: fmt.Sprintf("the embedded broker does not answer for %s", name), Err: err, Hint: b.notReadyHint()}
		}
		if was, known := b.created[name]; known && !was.Equal(info.Created) {
			anew = true
		}
		b.created[name] = info.Created
		known := b.sequence(name, info)
		if name == streamName { // what a bucket has lost its watcher tells, as far as it is known
			b.tellLost(name, known.beyond(info.State.LastSeq))
		}
	}
	return missing, anew, nil
}

// ask asks for a stream. A question that was put while a cluster chose another
// leader is never answered, so it is put again until the context ends.
func (b *Broker) ask(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	for {
		try, cancel := context.WithTimeout(ctx, attempt)
		stream, err := b.link.Load().js.Stream(try, name)
		cancel()
		if err == nil {
			return stream.CachedInfo(), nil
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, err
		}
		if !pauseFor(ctx, 100*time.Millisecond) {
			return nil, err
		}
	}
}

// remake makes the queue and the buckets that were opened.
func (b *Broker) remake(ctx context.Context) error {
	if err := b.makeQueue(ctx); err != nil {
		return err
	}
	for _, k := range b.opened() {
		if err := k.make(ctx); err != nil {
			return fmt.Errorf("bucket %q: %w", k.name, err)
		}
	}
	return nil
}

// setSick notes why writes are refused; the log is told when the reason is new.
func (b *Broker) setSick(err error) {
	if was := b.sick.Swap(&err); was == nil || (*was).Error() != err.Error() {
		b.opt.Logger.Error("broker is not healthy", "err", err)
	}
}

// recovered takes note that all is well.
func (b *Broker) recovered() {
	b.silent.Store(0)
	b.admit()
}

// admit lets writes in again.
func (b *Broker) admit() {
	if b.sick.Swap(nil) != nil {
		b.opt.Logger.Info("the broker takes writes again")
	}
}

// restart puts a new server on the directory. The connection, and with it
// handlers and watchers, move over by themselves.
func (b *Broker) restart() error {
	ctx, cancel := context.WithTimeout(b.closing, restartFor)
	defer cancel()
	if err := b.replaceServer(ctx); err != nil {
		return err
	}
	return b.insist(ctx, "the work queue", b.makeQueue)
}
