// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/examples/fleet"
)

// alertsEach is how many alerts fire after each fault.
const alertsEach = 3

// clusters starts three replicas for the first time, restarts two while the third hangs, and
// restarts all: they wait for each other, say why, and become ready, and no alert is lost or
// duplicated.
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
	cluster  fleet.Cluster
	replicas []*culprit
	fired    int // alerts so far
}

// trio makes a cluster and starts Prometheus and Alertmanager.
func (f *field) trio(ctx context.Context) (*trio, error) {
	cluster, err := f.Cluster()
	if err != nil {
		return nil, err
	}
	t := &trio{f: f, cluster: cluster}
	for _, c := range cluster {
		t.replicas = append(t.replicas, &culprit{c})
	}
	return t, f.Servers(ctx, cluster.Addresses()...)
}

// fresh starts the first replica alone, then the others.
func (t *trio) fresh(ctx context.Context) error {
	first := t.replicas[0]
	if err := first.Start(ctx); err != nil {
		return err
	}
	t.f.holds("a replica alone says what it waits for", eventually(ctx, func(ctx context.Context) error {
		return first.Expect(ctx, "/-/ready", http.StatusServiceUnavailable, "1 of 3 nodes are connected")
	}))
	t.f.holds("meanwhile it is healthy and refuses alerts", errors.Join(
		first.Expect(ctx, "/-/healthy", http.StatusOK, ""),
		first.Expect(ctx, "/api/v1/webhook", http.StatusServiceUnavailable, "waits for"),
	))
	if err := t.cluster[1:].Start(ctx); err != nil {
		return err
	}
	t.f.holds("a fresh cluster becomes ready", eventually(ctx, t.cluster.Ready))
	return t.fire(ctx, "alerts of a fresh cluster have one report each, on every replica", t.replicas)
}

// oneHangs restarts two replicas while the third hangs.
func (t *trio) oneHangs(ctx context.Context) error {
	hung, others := t.replicas[0], t.replicas[1:]
	if err := hung.Process.Pause(); err != nil {
		return fmt.Errorf("%w: %w", errSkip, err)
	}
	for _, c := range others {
		if err := c.Process.Kill(); err != nil {
			return err
		}
	}
	if err := t.cluster[1:].Start(ctx); err != nil {
		return err
	}
	t.f.holds("two become ready while the third hangs", eventually(ctx, func(ctx context.Context) error {
		return errors.Join(others[0].Ready(ctx), others[1].Ready(ctx))
	}))
	if err := t.fire(ctx, "alerts have one report each while one hangs", others); err != nil {
		return err
	}
	if err := hung.Process.Resume(); err != nil {
		return err
	}
	t.f.holds("the third comes back when it goes on", eventually(ctx, func(ctx context.Context) error {
		return errors.Join(t.cluster.Ready(ctx), hung.oneEach(ctx, t.fired))
	}))
	return nil
}

// allRestart stops all replicas and starts them at the same time.
func (t *trio) allRestart(ctx context.Context) error {
	var all errgroup.Group
	for _, c := range t.replicas {
		all.Go(c.Process.Stop)
	}
	if err := all.Wait(); err != nil {
		return err
	}
	if err := t.cluster.Start(ctx); err != nil {
		return err
	}
	t.f.holds("after a restart of all it becomes ready", eventually(ctx, t.cluster.Ready))
	return t.fire(ctx, "after it, alerts have one report each, with those before", t.replicas)
}

// fire raises more alerts and expects one report for each alert so far on each replica.
func (t *trio) fire(ctx context.Context, promise string, on []*culprit) error {
	if err := t.f.Raise(ctx, t.fired, t.fired+alertsEach); err != nil {
		return err
	}
	t.fired += alertsEach
	t.f.holds(promise, eventually(ctx, func(ctx context.Context) error { return t.oneEach(ctx, on) }))
	return nil
}

// oneEach checks that each replica has one report for each alert.
func (t *trio) oneEach(ctx context.Context, on []*culprit) error {
	var errs []error
	for _, c := range on {
		if err := c.oneEach(ctx, t.fired); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}

// running checks that all replicas run.
func (t *trio) running() error {
	var ended []string
	for _, c := range t.replicas {
		if !c.Process.Running() {
			ended = append(ended, c.Name)
		}
	}
	if len(ended) > 0 {
		return fmt.Errorf("ended: %s", strings.Join(ended, ", "))
	}
	return nil
}
