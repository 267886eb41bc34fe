// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/sink"
	"github.com/culprit-dev/culprit/tracing"
)

// live is everything that a reload replaces, as one.
type live struct {
	config  *config.Config
	servers *promql.Servers
	peers   []*alertmanager.Client

	annotations map[string]*sink.Annotations // by the address of the peer; empty: switched off
	silences    *sink.Silences               // nil: switched off
	outlets     []outlet                     // all that is written to
	traces      *tracing.Pipe                // to which spans are sent; nil: none are made
	changes     *changelog.Grafana           // whose annotations are changes; nil: none
	mistaken    mistaken                     // annotations of rules
}

// pipeline is the walk of an alert that is explained by rule.
func (d *Daemon) pipeline(l *live, rule *config.Rule) *Pipeline {
	ask := explain.By(l.config, rule)
	ask.Trust, ask.Changes = l.config.Expressions.FromAlerts, d.changes
	return &Pipeline{
		Ask: ask, Servers: l.servers, Store: d.store, Publisher: d.publisher,
		Base: d.URL(), Mistaken: &l.mistaken, Metrics: d.metrics, Log: d.log, Now: d.opt.Now,
	}
}

// Reload reads the configuration again. All that can fail runs first; then the
// new parts take the place of the old ones at once. If it fails the daemon goes
// on with what it has.
func (d *Daemon) Reload() error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	next, err := d.load()
	if err != nil {
		d.metrics.reloads.Set(0)
		said := "The configuration can't be used"
		if d.live.Load() != nil {
			said += "; the previous one stays in force"
		}
		d.log.Error(said, "file", d.opt.ConfigFile, "err", err)
		return err
	}
	last := d.live.Swap(next)
	if last != nil {
		d.shared.queries.Forget(last.config.Prometheus, next.config.Prometheus)
	}
	d.tracer.Use(next.traces)
	d.receivers.name(next.config)
	if d.publisher != nil { // else it is being made
		d.publisher.use(next.outlets)
	}
	d.left.add(last)
	d.left.leave()
	for _, follower := range []chan struct{}{d.reloaded, d.rereading} {
		select {
		case follower <- struct{}{}:
		default: // it is known
		}
	}
	d.metrics.reloads.Set(1)
	d.metrics.reloadTime.Set(float64(d.opt.Now().Unix()))
	d.log.Info("The configuration was loaded", "file", d.opt.ConfigFile, "rules", len(next.config.Rules))
	d.warn(last, next)
	return nil
}

// warn logs what is legal in a configuration and hardly meant, if that before it did
// not have it already: a sidecar reloads it often.
func (d *Daemon) warn(last, next *live) {
	for _, w := range next.config.Warnings {
		if last == nil || !slices.Contains(last.config.Warnings, w) {
			d.log.Warn("The configuration may contain a mistake", "warning", w.String())
		}
	}
}

// usedFor is for how long what a reload has replaced may still be in use.
const usedFor = time.Minute

// replaced is what reloads have replaced lately. A round or a message that has
// begun with it goes on to use it, and would leave a connection open behind it:
// so its connections are given back again and again for a while.
type replaced struct {
	mu  sync.Mutex
	all map[*live]time.Time // when it was replaced
}

func (r *replaced) add(l *live) {
	if l == nil {
		return // there was none before
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[*live]time.Time{}
	}
	r.all[l] = time.Now()
}

func (r *replaced) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l, at := range r.all {
		l.leave()
		if time.Since(at) > usedFor {
			delete(r.all, l)
		}
	}
}

// leave gives the connections back of what a reload has replaced. Whoever still
// uses a part of it finishes.
func (l *live) leave() {
	l.servers.CloseIdleConnections()
	for _, peer := range l.peers {
		peer.CloseIdleConnections()
	}
	if l.changes != nil {
		l.changes.CloseIdleConnections()
	}
	for _, o := range l.outlets {
		if own, ok := o.sink.(interface{ CloseIdleConnections() }); ok {
			own.CloseIdleConnections()
		}
	}
}

// load makes everything that a configuration asks for.
func (d *Daemon) load() (*live, error) {
	cfg, err := LoadConfig(d.opt.ConfigFile)
	if err != nil {
		return nil, err
	}
	l := &live{config: cfg}
	if l.servers, err = promql.NewServers(cfg.Prometheus, d.shared.queries); err != nil {
		return nil, err
	}
	for _, am := range cfg.Alertmanagers {
		peer, err := alertmanager.New(am, alertmanager.Options{})
		if err != nil {
			return nil, fmt.Errorf("alertmanager %s: %w", am.URL, err)
		}
		l.peers = append(l.peers, peer)
	}
	if cfg.Changes.Grafana != nil {
		if l.changes, err = changelog.NewGrafana(*cfg.Grafana, *cfg.Changes.Grafana); err != nil {
			return nil, fmt.Errorf("changes: %w", err)
		}
	}
	if l.traces, err = tracing.NewPipe(cfg.Tracing, tracing.Options{Log: d.log, Spans: d.metrics.spans}); err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	return l, d.addOutlets(l)
}
