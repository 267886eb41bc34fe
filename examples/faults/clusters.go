// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/examples/lab"
)

// alertsEach is how many alerts fire after each harm to a cluster.
const alertsEach = 3

// clusters starts three replicas for the first time, restarts two while the
// third hangs, and restarts all: they wait for each other, say what for, and
// become ready, and no alert is lost or told twice.
func clusters(ctx context.Context, f *field) error {
	trio, err := f.trio(ctx)
	if err != nil {
		return err
	}
	if err := trio.fresh(ctx); err != nil {
		return err
	}
	if err := trio.oneHangs(ctx); err != nil {
		return err
	}
	if err := trio.allRestart(ctx); err != nil {
		return err
	}
	f.holds("no replica ends by itself", trio.running())
	return nil
}

// trio is a cluster of three.
type trio struct {
	f        *field
	replicas []*culprit
	fired    int // alerts so far
}

// trio chooses addresses and a secret, and starts the servers.
func (f *field) trio(ctx context.Context) (*trio, error) {
	var flags, addresses []string
	for range 3 {
		peer, err := lab.FreeAddress("127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, peer)
		flags = append(flags, "--cluster.peer="+peer)
	}
	secret := filepath.Join(f.dir, "secret")
	if err := os.WriteFile(secret, []byte(rand.Text()+rand.Text()), 0o600); err != nil {
		return nil, err
	}
	t := &trio{f: f}
	var webhooks []string
	for i, address := range addresses {
		name := fmt.Sprintf("replica-%d", i)
		c, err := f.culprit(name, slices.Concat(flags, []string{
			"--cluster.node=" + name, "--cluster.listen-address=" + address, "--cluster.secret-file=" + secret,
		})...)
		if err != nil {
			return nil, err
		}
		t.replicas = append(t.replicas, c)
		webhooks = append(webhooks, c.address)
	}
	return t, f.servers(ctx, webhooks...)
}

// fresh starts the first replica alone, then the others.
func (t *trio) fresh(ctx context.Context) error {
	first := t.replicas[0]
	if err := first.start(ctx); err != nil {
		return err
	}
	t.f.holds("a replica alone says what it waits for", eventually(ctx, func(ctx context.Context) error {
		return first.expect(ctx, "/-/ready", http.StatusServiceUnavailable, "1 of 3 nodes are connected")
	}))
	t.f.holds("meanwhile it is healthy and refuses alerts", errors.Join(
		first.expect(ctx, "/-/healthy", http.StatusOK, ""),
		first.expect(ctx, "/api/v1/webhook", http.StatusServiceUnavailable, "waits for"),
	))
	if err := startAll(ctx, t.replicas[1:]...); err != nil {
		return err
	}
	t.f.holds("a fresh cluster becomes ready", eventually(ctx, t.ready))
	return t.fire(ctx, "alerts of a fresh cluster have one report each, on every replica", t.replicas)
}

// oneHangs restarts two replicas while the third does not answer.
func (t *trio) oneHangs(ctx context.Context) error {
	hung, others := t.replicas[0], t.replicas[1:]
	if err := hung.process.Pause(); err != nil {
		return fmt.Errorf("%w: %w", errSkip, err)
	}
	for _, c := range others {
		if err := c.process.Kill(); err != nil {
			return err
		}
	}
	if err := startAll(ctx, others...); err != nil {
		return err
	}
	t.f.holds("two become ready while the third hangs", eventually(ctx, func(ctx context.Context) error {
		return errors.Join(others[0].ready(ctx), others[1].ready(ctx))
	}))
	if err := t.fire(ctx, "alerts have one report each while one hangs", others); err != nil {
		return err
	}
	if err := hung.process.Resume(); err != nil {
		return err
	}
	t.f.holds("the third comes back when it goes on", eventually(ctx, func(ctx context.Context) error {
		return errors.Join(t.ready(ctx), hung.oneEach(ctx, t.fired))
	}))
	return nil
}

// allRestart ends all replicas and starts them again side by side.
func (t *trio) allRestart(ctx context.Context) error {
	var all errgroup.Group
	for _, c := range t.replicas {
		all.Go(c.process.Stop)
	}
	if err := all.Wait(); err != nil {
		return err
	}
	if err := startAll(ctx, t.replicas...); err != nil {
		return err
	}
	t.f.holds("after a restart of all it becomes ready", eventually(ctx, t.ready))
	return t.fire(ctx, "after it, alerts have one report each, with those before", t.replicas)
}

// fire lets more alerts fire, and wants one report of each that there ever was
// on each of the replicas.
func (t *trio) fire(ctx context.Context, promise string, on []*culprit) error {
	if err := t.f.raise(ctx, t.fired, t.fired+alertsEach); err != nil {
		return err
	}
	t.fired += alertsEach
	t.f.holds(promise, eventually(ctx, func(ctx context.Context) error {
		var errs []error
		for _, c := range on {
			if err := c.oneEach(ctx, t.fired); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
			}
		}
		return errors.Join(errs...)
	}))
	return nil
}

// ready is nil if all replicas take alerts.
func (t *trio) ready(ctx context.Context) error {
	var errs []error
	for _, c := range t.replicas {
		errs = append(errs, c.ready(ctx))
	}
	return errors.Join(errs...)
}

// running is nil if all replicas live.
func (t *trio) running() error {
	var ended []string
	for _, c := range t.replicas {
		if !c.process.Running() {
			ended = append(ended, c.name)
		}
	}
	if len(ended) > 0 {
		return fmt.Errorf("ended: %s", strings.Join(ended, ", "))
	}
	return nil
}

// startAll starts replicas side by side: one alone would wait for the others.
func startAll(ctx context.Context, replicas ...*culprit) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, c := range replicas {
		all.Go(func() error { return c.start(ctx) })
	}
	return all.Wait()
}
