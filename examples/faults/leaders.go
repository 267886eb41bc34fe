// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	stoppedFor = 30 * time.Second
	leadsAfter = 15 * time.Second // after an election one replica leads the queue and all buckets
)

// leaders kills one of three replicas in a storm, or stops it for half a minute: first the leader
// of the queue, then another. Every alert has its causes before the first notification, half of
// them much sooner.
func leaders(ctx context.Context, f *field) error {
	trio, err := f.trioByDefault(ctx)
	if err != nil {
		return err
	}
	killed := fault{(*culprit).kill, func(c *culprit) error { return c.Start(ctx) }}
	stopped := fault{(*culprit).pause, func(c *culprit) error { time.Sleep(stoppedFor); return c.Process.Resume() }}
	for _, s := range []struct {
		name  string
		leads bool
		fault
	}{
		{"the leader killed", true, killed},
		{"the leader stopped for 30 s", true, stopped},
		{"one killed that does not lead", false, killed},
		{"one stopped for 30 s that does not lead", false, stopped},
	} {
		time.Sleep(leadsAfter)
		victim, err := trio.one(ctx, s.leads)
		if err != nil {
			return err
		}
		if err := trio.weather(ctx, s.name, storm{pieces: 10, each: 20, harmAt: 5, harm: s.fault.on(victim)}); err != nil {
			return err
		}
	}
	return nil
}

// upgrade replaces three replicas in a storm, as Kubernetes does: one by one, each when the one
// before is ready.
func upgrade(ctx context.Context, f *field) error {
	trio, err := f.trioByDefault(ctx)
	if err != nil {
		return err
	}
	return trio.weather(ctx, "a rolling upgrade", storm{pieces: 30, each: 10, harmAt: 3, harm: func() (func() error, error) {
		return func() error { return trio.roll(ctx) }, nil
	}})
}

// roll restarts one replica after the other.
func (t *trio) roll(ctx context.Context) error {
	for _, c := range t.replicas {
		if err := c.Process.Stop(); err != nil {
			return err
		}
		if err := c.Start(ctx); err != nil {
			return err
		}
		if err := eventually(ctx, c.Ready); err != nil {
			return err
		}
	}
	return nil
}

// trioByDefault is a cluster with the default reconcile interval: no alert is saved by an extra
// reconcile.
func (f *field) trioByDefault(ctx context.Context) (*trio, error) {
	f.Flags = []string{"--reconcile.interval=30s"}
	trio, err := f.trio(ctx)
	if err != nil {
		return nil, err
	}
	if err := trio.cluster.Start(ctx); err != nil {
		return nil, err
	}
	return trio, eventually(ctx, trio.cluster.Ready)
}

// fault is done to a replica and undone later.
type fault struct{ do, undo func(*culprit) error }

// on returns the fault as the harm of a [storm].
func (h fault) on(victim *culprit) func() (func() error, error) {
	return func() (func() error, error) {
		return func() error { return h.undo(victim) }, h.do(victim)
	}
}

// one returns the replica that leads the queue, or one that doesn't.
func (t *trio) one(ctx context.Context, leads bool) (found *culprit, err error) {
	want := "culprit_queue_leader 0"
	if leads {
		want = "culprit_queue_leader 1"
	}
	err = eventually(ctx, func(ctx context.Context) error {
		for _, c := range t.replicas {
			if _, body, err := c.Get(ctx, "/metrics"); err == nil && strings.Contains(body, want+"\n") {
				found = c
				return nil
			}
		}
		return fmt.Errorf("no replica says %q", want)
	})
	return found, err
}
