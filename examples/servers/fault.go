// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// fault is one way to break something. Faults of a lane share servers and run one after another.
type fault struct {
	name, lane string
	alert      string            // the name of the alert that it causes
	of         map[string]string // labels of that alert, where others share its name
	did        string            // what was done, in words
	truth      truth
	harm       func(context.Context, *field) error
	mend       func(context.Context, *field) error
}

// ofDir is, in the labels of a fault's alert, the folder of the run.
const ofDir = "{dir}"

// faults returns all faults.
func faults() []fault {
	return slices.Concat(hostFaults(), redisFaults(), postgresFaults(), edgeFaults(), shopFaults())
}

// tell starts everything, injects the faults, and returns the first lines.
func tell(ctx context.Context, o options, say func(string, ...any)) (lines []line, err error) {
	f, err := newField(ctx, o, say)
	if f != nil {
		defer func() { err = errors.Join(err, f.Close()) }()
	}
	if err != nil {
		return nil, err
	}
	if err := f.prepare(ctx); err != nil {
		return nil, err
	}
	return f.all(ctx)
}

// prepare starts the servers, their load and the culprits, and waits for the quiet time.
func (f *field) prepare(ctx context.Context) error {
	if f.options.culprit == "" {
		f.say("Compiling culprit")
		binary, err := build(ctx, f.dir)
		if err != nil {
			return err
		}
		f.options.culprit = binary
	}
	f.say("Starting the servers in %s", f.dir)
	if err := f.servers(ctx); err != nil {
		return err
	}
	load, stop := context.WithCancel(ctx)
	f.onClose(func() error { stop(); return nil })
	go f.webLoad(load)
	go f.hostLoad(load)
	go f.redisLoad(load, "redis-cache")
	go f.redisLoad(load, "redis-sessions")
	f.say("Quiet time of %s; Prometheus is %s", f.options.quiet, f.url("prometheus"))
	if err := sleep(ctx, f.options.quiet); err != nil {
		return err
	}
	return f.culprits(ctx)
}

// culprits starts the culprit without rules and the one with suggested rules.
func (f *field) culprits(ctx context.Context) error {
	if err := f.culprit(ctx, "culprit"); err != nil || !f.options.suggested {
		return err
	}
	return errors.Join(f.suggest(ctx), f.culprit(ctx, "suggested"))
}

// all runs all faults as often as configured, the lanes in parallel.
func (f *field) all(ctx context.Context) ([]line, error) {
	lanes := map[string][]fault{}
	for _, x := range faults() {
		if slices.Contains(f.options.only, x.name) {
			lanes[x.lane] = append(lanes[x.lane], x)
		}
	}
	var mu sync.Mutex
	var lines []line
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(f.options.lanes)
	late := time.Duration(0)
	for _, lane := range lanes {
		delay := late
		late += f.options.hold / 3 // so that faults of two lanes don't begin together
		g.Go(func() error {
			if err := sleep(ctx, delay); err != nil {
				return err
			}
			return f.lane(ctx, lane, func(l line) {
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, l)
			})
		})
	}
	err := g.Wait()
	slices.SortFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	return lines, err
}

// lane runs the faults of one lane, one after another.
func (f *field) lane(ctx context.Context, lane []fault, found func(line)) error {
	for n := range f.options.times {
		for _, x := range lane {
			lines, err := f.once(ctx, x, n+1)
			if err != nil {
				return fmt.Errorf("%s: %w", x.name, err)
			}
			for _, l := range lines {
				f.say("%s, time %d, %s: %s: %s", x.name, l.time, l.rule, l.judged, l.text)
				found(l)
			}
			if err := sleep(ctx, f.options.pause); err != nil {
				return err
			}
		}
	}
	return nil
}

// once injects a fault, waits for the reports, holds it, and repairs it.
func (f *field) once(ctx context.Context, x fault, n int) (lines []line, err error) {
	f.say("%s, time %d: %s", x.name, n, x.did)
	start := time.Now()
	breaking, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- x.harm(breaking, f) }()
	for _, rule := range f.rules() {
		l := line{fault: x, time: n, at: start, rule: rule}
		l.read(f.firstReport(ctx, x, rule, start))
		lines = append(lines, l)
	}
	err = sleep(ctx, time.Until(start.Add(f.options.hold)))
	stop()
	if broken := <-done; !errors.Is(broken, context.Canceled) {
		err = errors.Join(err, broken)
	}
	if err = errors.Join(err, x.mend(context.WithoutCancel(ctx), f)); err != nil {
		return lines, err
	}
	return lines, f.over(ctx, x)
}

// rules returns the names of the culprits.
func (f *field) rules() []string {
	if f.options.suggested {
		return []string{"culprit", "suggested"}
	}
	return []string{"culprit"}
}
