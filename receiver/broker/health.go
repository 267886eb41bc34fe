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
	checkEvery = time.Second      // interval of the checks
	reachFor   = 10 * time.Second // for a healthy server to answer
	restartFor = 50 * time.Second // to restart a server and read its files
)

// Healthy returns nil if jobs can be published and handled, or else what is wrong and what to do.
// The error is [ErrStuck] or [ErrClosed] if the process must be restarted. A node that lags behind
// its cluster is not healthy, but accepts jobs.
func (b *Broker) Healthy() error {
	if err := b.Stuck(); err != nil {
		return err
	}
	if why := b.unhealthy.Load(); why != nil {
		return *why
	}
	return b.serverHealth()
}

// Stuck returns nil as long as the broker is healthy or may recover by itself. A full disk or a
// cluster without a majority don't count: a new process would meet them too. The error is
// [ErrClosed], or [ErrStuck] after Options.StuckAfter without recovery. Stuck never blocks.
func (b *Broker) Stuck() error {
	if b.closing.Err() != nil {
		return ErrClosed
	}
	unwell := time.Duration(b.silent.Load()) * checkEvery
	if unwell < b.opt.StuckAfter {
		return nil
	}
	err := fmt.Errorf("%w for %s", ErrStuck, unwell)
	if why := b.unhealthy.Load(); why != nil {
		err = fmt.Errorf("%w: %w", err, *why)
	}
	return err
}

// Leads reports whether this node leads the queue. A single node always does.
func (b *Broker) Leads() bool {
	return b.opt.replicas() == 1 || b.server.Load().JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, streamName)
}

// countSilence counts the checks in which lookAfter has not found the broker healthy. It has its
// own goroutine, because a hanging server may block lookAfter. It counts rather than reads a clock,
// so that a process suspended for an hour is not stuck when it resumes.
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

// serverHealth asks the server for its own health: a stream with a write error, a cluster without a
// leader, JetStream disabled.
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

// awaitsBucket reports whether a stream was not recovered because it lacks its settings, which it
// gets when its bucket is opened. Restarting the server would not help.
func awaitsBucket(e server.HealthzError) bool {
	return e.Type == server.HealthzErrorStream && strings.HasSuffix(e.Error, " could not be recovered")
}

// lookAfter checks the server until Close, and repairs what it can.
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

// check is one check: the server's own health, then whether it answers.
func (b *Broker) check() {
	err := b.serverHealth()
	if err != nil {
		b.repair(err)
		return
	}
	if err := b.reach(); err != nil && b.closing.Err() == nil {
		b.setUnhealthy(err)
		return
	}
	b.recovered()
	b.saveSequences(saveEvery)
	b.gatherLeads()
}

// repair repairs an unhealthy server. On a single server a write has failed, after which JetStream
// abandons the stream; once the disk is writable the server is restarted. A cluster node is
// restarted only if JetStream has disabled itself: missing peers look like ill health too, but only
// peers can cure that.
func (b *Broker) repair(ill error) {
	if b.opt.replicas() > 1 && b.server.Load().JetStreamEnabled() {
		b.askOthers(ill)
		return
	}
	if full := probeStorage(b.opt.Dir); full != nil {
		b.setUnhealthy(full)
		b.silent.Store(0) // waiting for disk space
		return
	}
	b.setUnhealthy(ill)
	if err := b.restart(); err != nil {
		b.setUnhealthy(fmt.Errorf("restarting the embedded server: %w", err))
	}
}

// askOthers decides whether an unhealthy node of a cluster accepts writes. It does if the others
// answer: then it only lags, or has lost a leader that has been replaced, and the leader does the
// writing.
func (b *Broker) askOthers(ill error) {
	if len(b.peers()) == 0 || b.reach() != nil {
		b.setUnhealthy(ill)
	} else {
		b.admit()
	}
	b.silent.Store(0) // waiting for the others
}

// reach uses the broker end to end, as callers do: it asks for the queue and the buckets. It
// replaces a link that is closed or hangs, and recreates deleted streams.
func (b *Broker) reach() error {
	ctx, cancel := context.WithTimeout(b.closing, reachFor)
	defer cancel()
	if err := b.link.Load().conn.FlushWithContext(ctx); err != nil {
		b.opt.Logger.Warn("the connection to the embedded server is closed; reconnecting", "err", err)
		if err := b.reconnect(); err != nil {
			return err
		}
	}
	missing, anew, err := b.survey(ctx)
	switch {
	case err != nil:
		return err
	case len(missing) > 0:
		b.opt.Logger.Error("the queue or buckets are gone, with their contents; recreating them", "missing", missing)
		return b.remake(ctx)
	case anew:
		return b.reconnect() // handlers and watchers start over
	}
	return nil
}

// survey lists missing streams. anew means that a stream was deleted and recreated since the last
// check. It fails if this can't be determined.
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
		if name == streamName { // the watcher of a bucket reports its losses, more exactly
			b.reportLost(name, known.estimateLost(info.State.LastSeq))
		}
	}
	return missing, anew, nil
}

// ask returns the info of a stream. Requests sent during an election are never answered, so it
// repeats them until ctx ends.
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

// remake recreates the queue and the open buckets.
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

// setUnhealthy sets why writes are refused, and logs it if the reason is new.
func (b *Broker) setUnhealthy(err error) {
	if was := b.unhealthy.Swap(&err); was == nil || (*was).Error() != err.Error() {
		b.opt.Logger.Error("broker is not healthy", "err", err)
	}
}

// recovered marks the broker as healthy.
func (b *Broker) recovered() {
	b.silent.Store(0)
	b.admit()
}

// admit accepts writes again.
func (b *Broker) admit() {
	if b.unhealthy.Swap(nil) != nil {
		b.opt.Logger.Info("the broker takes writes again")
	}
}

// restart starts a new server on the directory. The connection, and with it handlers and watchers,
// moves over by itself.
func (b *Broker) restart() error {
	ctx, cancel := context.WithTimeout(b.closing, restartFor)
	defer cancel()
	if err := b.replaceServer(ctx); err != nil {
		return err
	}
	return b.retry(ctx, "the work queue", b.makeQueue)
}
