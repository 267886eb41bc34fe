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
	leadsAfter = 15 * time.Second // of an election one replica leads the queue and all that is stored
)

// leaders harms one of three replicas in the middle of a storm: the one that
// leads the queue, or one that does not, is killed, or stopped for half a
// minute. Every alert has its causes before people are told of it, and half of
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

// upgrade replaces three replicas in a storm, as Kubernetes does: one after the
// other is asked to end and started again, and the next one has its turn when
// that one is ready.
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

// trioByDefault is a cluster that looks at Alertmanager as seldom as culprit
// does by default: no alert is saved by a look that others would not have had.
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

// fault is what is done to a replica, and what is done about that later.
type fault struct{ do, undo func(*culprit) error }

// on says of a replica what a [storm] wants to know of a harm.
func (h fault) on(victim *culprit) func() (func() error, error) {
	return func() (func() error, error) {
		return func() error { return h.undo(victim) }, h.do(victim)
	}
}

// one is a replica that leads the queue, or one that does not.
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
