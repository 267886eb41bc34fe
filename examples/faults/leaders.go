// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/sink"
)

const (
	stormAlerts  = 200
	stormPieces  = 10 // one a second
	stormMedian  = 5 * time.Second
	stormLongest = 30 * time.Second // the default group_wait
	stoppedFor   = 30 * time.Second
)

// leaders harms one of three replicas in the middle of a storm: the leader of
// the queue is killed, one is stopped for half a minute, one that does not lead
// is killed. Every alert has its causes before people are told of it, and half
// of them much sooner.
func leaders(ctx context.Context, f *field) error {
	trio, err := f.trio(ctx)
	if err != nil {
		return err
	}
	if err := trio.cluster.Start(ctx); err != nil {
		return err
	}
	if err := eventually(ctx, trio.cluster.Ready); err != nil {
		return err
	}
	for _, s := range []struct {
		name        string
		leads       bool
		harm, after func(c *culprit) error
	}{
		{"the leader killed", true, (*culprit).kill, func(c *culprit) error { return c.Start(ctx) }},
		{"one stopped for 30 s", false, (*culprit).pause, func(c *culprit) error { time.Sleep(stoppedFor); return c.Process.Resume() }},
		{"one killed that does not lead", false, (*culprit).kill, func(c *culprit) error { return c.Start(ctx) }},
	} {
		victim, err := trio.one(ctx, s.leads)
		if err != nil {
			return err
		}
		after := make(chan error, 1)
		took, err := trio.storm(ctx, func() error {
			if err := s.harm(victim); err != nil {
				return err
			}
			go func() { after <- s.after(victim) }()
			return nil
		})
		if err := errors.Join(err, <-after); err != nil {
			return err
		}
		slices.Sort(took)
		median, longest := took[len(took)/2], took[len(took)-1]
		f.say("  %s in a storm of %d: the causes are there after %.1f s at the median, %.1f s at the most", s.name, stormAlerts, median.Seconds(), longest.Seconds())
		f.holds(s.name+": all alerts have causes within 30 s", atMost(longest.Seconds(), stormLongest.Seconds()))
		f.holds(s.name+": half of them within 5 s", atMost(median.Seconds(), stormMedian.Seconds()))
		f.holds(s.name+": afterwards all are ready", eventually(ctx, trio.cluster.Ready))
	}
	return nil
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

// storm lets alerts fire over ten seconds, with a harm in the middle, and
// returns how long after its start each had its causes.
func (t *trio) storm(ctx context.Context, harm func() error) ([]time.Duration, error) {
	pieces := make(chan error, 1)
	from := t.fired
	t.fired += stormAlerts
	go func() { pieces <- t.rain(ctx, from, harm) }()
	took := map[string]time.Duration{}
	err := eventually(ctx, func(ctx context.Context) error {
		alerts, err := t.f.Shown(ctx)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			if _, known := took[a.Fingerprint]; !known && a.Annotations[sink.AnnotationSummary] != "" && numberOf(a.Labels) >= from {
				took[a.Fingerprint] = time.Since(a.StartsAt)
			}
		}
		if len(took) < stormAlerts {
			return fmt.Errorf("%d of %d alerts have causes", len(took), stormAlerts)
		}
		return nil
	})
	all := make([]time.Duration, 0, len(took))
	for _, d := range took {
		all = append(all, d)
	}
	return all, errors.Join(err, <-pieces)
}

// rain makes the alerts of a storm fire, with a harm in the middle.
func (t *trio) rain(ctx context.Context, from int, harm func() error) error {
	const each = stormAlerts / stormPieces
	for n := range stormPieces {
		if n == stormPieces/2 {
			if err := harm(); err != nil {
				return err
			}
		}
		if err := t.f.Raise(ctx, from+n*each, from+(n+1)*each); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	return nil
}

func numberOf(ls model.LabelSet) (n int) {
	_, _ = fmt.Sscan(string(ls["number"]), &n)
	return n
}
