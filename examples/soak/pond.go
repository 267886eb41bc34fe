// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/examples/fleet"
	"github.com/culprit-dev/culprit/examples/lab"
)

const (
	diskSize   = 1000            // MB
	leastKept  = 5 * time.Minute // of reports
	shareKept  = 3               // or this fraction of the whole
	witness    = 2               // the replica that is never killed
	lookPause  = 2 * time.Second // between two reads of Alertmanager
	readPause  = 10 * time.Second
	sayPause   = time.Minute
	settleTime = 5 * time.Minute // for everything to be delivered after the last alert
)

// pond is the setting of a soak.
type pond struct {
	*fleet.Field
	o   options
	say func(string, ...any)

	cluster fleet.Cluster
	disk    *fleet.Disk // of the first replica; nil: not on this system
	gates   map[string]*lab.Gate
	hook    *fleet.Hook
	people  *people
	rain    *rain
	seen    *seen

	mu     sync.Mutex
	harms  map[string]int // how often each was injected
	full   bool           // the disk is full
	fallen []string       // replicas that exited by themselves
}

// newPond starts the servers and three replicas.
func newPond(ctx context.Context, o options, say func(string, ...any)) (_ *pond, err error) {
	f, err := fleet.New(o.binary)
	if err != nil {
		return nil, err
	}
	p := &pond{Field: f, o: o, say: say, gates: map[string]*lab.Gate{}, harms: map[string]int{}, seen: newSeen()}
	defer func() {
		if err != nil {
			_ = p.Close() // the first error says more
		}
	}()
	if p.cluster, err = f.Cluster(); err != nil {
		return nil, err
	}
	if err := p.keepLogs(o.logs); err != nil {
		return nil, err
	}
	p.people = newPeople()
	f.OnClose(p.people.close)
	p.hook = f.Hook()
	f.Settings = fmt.Sprintf("recovery_webhooks: [{url: %q}]\n", p.hook.URL())
	f.Flags = []string{"--reconcile.interval=15s", "--storage.retention=" + p.kept().String()}
	f.Route = fmt.Sprintf(`
route:
  receiver: people
  group_by: ['...']
  group_wait: 5s
  group_interval: 5s
  repeat_interval: 4h
  routes:
    - {receiver: culprit, group_wait: 0s, group_interval: 2s, continue: true}
    - {receiver: people}
receivers:
  - {name: people, webhook_configs: [{url: %q}]}
`, p.people.url())
	p.rain = newRain(o)
	f.History = p.rain.history
	if err := f.Servers(ctx, p.cluster.Addresses()...); err != nil {
		return nil, err
	}
	for name, url := range map[string]string{"Prometheus": f.Prometheus.URL(), "Alertmanager": f.Alertmanager.URL(), "Grafana": f.Grafana.URL()} {
		if p.gates[name], err = f.Gate(url); err != nil {
			return nil, err
		}
	}
	if p.disk, err = p.cluster[0].Disk(diskSize); err != nil {
		say("No disk will be full: %v", err)
	}
	if err := p.cluster.Start(ctx); err != nil {
		return nil, err
	}
	return p, fleet.Eventually(ctx, p.cluster.Ready)
}

// kept is the retention of reports.
func (p *pond) kept() time.Duration { return max(leastKept, p.o.length/shareKept) }

// soak rains, harms and watches until the last alert has ended and been delivered.
func (p *pond) soak(ctx context.Context) error {
	p.say("Soaking for %s: %d alerts a second, seed %d", p.o.length, p.o.rate, p.o.seed)
	all, ctx := errgroup.WithContext(ctx)
	ctx, done := context.WithCancel(ctx)
	defer done()
	harming, calm := context.WithTimeout(ctx, p.o.length)
	defer calm()
	all.Go(func() error { return p.harmProcesses(harming) })
	all.Go(func() error { return p.harmServers(harming) })
	all.Go(func() error { return p.watch(ctx) })
	all.Go(func() error {
		defer done()
		if err := p.rain.fall(ctx, p.Prometheus); err != nil {
			return err
		}
		p.say("%d alerts have fired and ended", len(p.rain.alerts()))
		p.settle(ctx)
		return nil
	})
	return all.Wait()
}

// settle waits until nothing is missing, or time is up.
func (p *pond) settle(ctx context.Context) {
	for end := time.Now().Add(settleTime); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, readPause) {
		if !p.judge(ctx).broken() {
			return
		}
	}
}

// keepLogs writes the replicas' logs to a directory, which it creates.
func (p *pond) keepLogs(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, c := range p.cluster {
		f, err := os.Create(filepath.Join(dir, c.Name+".log"))
		if err != nil {
			return err
		}
		p.OnClose(f.Close)
		c.Log.To = f
	}
	return nil
}

// pause waits, and reports whether time is left.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
