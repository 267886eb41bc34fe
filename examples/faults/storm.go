// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/receiver/sink"
)

const (
	stormMedian  = 5 * time.Second
	stormLongest = 30 * time.Second // the default group_wait
)

// storm is a number of alerts that fire at a steady rate, with a fault halfway.
type storm struct {
	pieces, each int
	harmAt       int                          // the fault comes before this piece
	harm         func() (func() error, error) // returns what undoes it meanwhile
}

func (s storm) alerts() int { return s.pieces * s.each }

// weather runs a storm and checks its promise.
func (t *trio) weather(ctx context.Context, name string, s storm) error {
	took, err := t.storm(ctx, s)
	if err != nil {
		return err
	}
	slices.Sort(took)
	at := func(share float64) float64 { return took[int(share*float64(len(took)-1))].Seconds() }
	t.f.say("  %s in a storm of %d: the causes are there after %.1f s at the median, %.1f s of nine in ten, %.1f s at the most", name, s.alerts(), at(0.5), at(0.9), at(1))
	t.f.holds(name+": all alerts have causes within 30 s", atMost(at(1), stormLongest.Seconds()))
	t.f.holds(name+": half of them within 5 s", atMost(at(0.5), stormMedian.Seconds()))
	t.f.holds(name+": afterwards all are ready", eventually(ctx, t.cluster.Ready))
	t.f.holds(name+": each alert has one report, on every replica", eventually(ctx, func(ctx context.Context) error { return t.oneEach(ctx, t.replicas) }))
	return nil
}

// storm returns how long each alert took to get its causes.
func (t *trio) storm(ctx context.Context, s storm) ([]time.Duration, error) {
	raining := make(chan error, 1)
	from := t.fired
	t.fired += s.alerts()
	go func() { raining <- t.rain(ctx, from, s) }()
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
		return allOf(s.alerts(), len(took), "alerts have causes")
	})
	all := make([]time.Duration, 0, len(took))
	for _, d := range took {
		all = append(all, d)
	}
	return all, errors.Join(err, <-raining)
}

// rain fires the alerts of a storm. It returns once the fault is undone.
func (t *trio) rain(ctx context.Context, from int, s storm) error {
	var undoing errgroup.Group
	for n := range s.pieces {
		if n == s.harmAt {
			undo, err := s.harm()
			if err != nil {
				return err
			}
			undoing.Go(undo)
		}
		if err := t.f.Raise(ctx, from+n*s.each, from+(n+1)*s.each); err != nil {
			return errors.Join(err, undoing.Wait())
		}
		time.Sleep(time.Second)
	}
	return undoing.Wait()
}

func numberOf(ls model.LabelSet) (n int) {
	_, _ = fmt.Sscan(string(ls["number"]), &n)
	return n
}
