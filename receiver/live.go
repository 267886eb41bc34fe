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

// live is everything that a reload replaces as a whole.
type live struct {
	config  *config.Config
	servers *promql.Servers
	peers   []*alertmanager.Client

	annotators []annotator        // none: disabled
	silences   *sink.Silences     // nil: disabled
	outlets    []outlet           // everything that is written to
	traces     *tracing.Pipe      // exports spans; nil: tracing is off
	changes    *changelog.Grafana // reads Grafana's annotations as changes; nil: off
	mistaken   mistaken           // mistakes in the annotations of alerting rules
}

// pipeline returns the pipeline for alerts that rule matches.
func (d *Daemon) pipeline(l *live, rule *config.Rule) *Pipeline {
	ask := explain.By(l.config, rule)
	ask.Trust, ask.Changes = l.config.Expressions.FromAlerts, d.changes
	return &Pipeline{
		Ask: ask, Servers: l.servers, Store: d.store, Publisher: d.publisher,
		Base: d.URL(), Mistaken: &l.mistaken, Metrics: d.metrics, Log: d.log, Now: d.opt.Now,
	}
}

// Reload reads the configuration again. Everything that can fail comes first; then the new parts
// are swapped in at once. If it fails the daemon keeps what it has.
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
	if d.publisher != nil { // nil during New
		d.publisher.use(next.outlets)
	}
	d.replaced.add(last)
	d.replaced.closeIdle()
	for _, follower := range []chan struct{}{d.reloaded, d.rereading} {
		select {
		case follower <- struct{}{}:
		default: // already signalled
		}
	}
	d.metrics.reloads.Set(1)
	d.metrics.reloadTime.Set(float64(d.opt.Now().Unix()))
	d.log.Info("The configuration was loaded", "file", d.opt.ConfigFile, "rules", len(next.config.Rules))
	d.warn(last, next)
	return nil
}

// warn logs what is legal in a configuration but probably a mistake. It skips the warnings of the
// previous configuration: sidecars reload often.
func (d *Daemon) warn(last, next *live) {
	for _, w := range next.config.Warnings {
		if last == nil || !slices.Contains(last.config.Warnings, w) {
			d.log.Warn("The configuration may contain a mistake", "warning", w.String())
		}
	}
}

// usedFor is how long replaced parts may stay in use.
const usedFor = time.Minute

// replaced holds the parts that recent reloads have replaced. A round or a send that began before
// the reload still uses them and may open connections, so their idle connections are closed
// repeatedly for a while.
type replaced struct {
	mu  sync.Mutex
	all map[*live]time.Time // time of the replacement
}

func (r *replaced) add(l *live) {
	if l == nil {
		return // the first load
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[*live]time.Time{}
	}
	r.all[l] = time.Now()
}

func (r *replaced) closeIdle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l, at := range r.all {
		l.closeIdle()
		if time.Since(at) > usedFor {
			delete(r.all, l)
		}
	}
}

// closeIdle closes idle connections. Requests in progress finish.
func (l *live) closeIdle() {
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

// load makes all parts of a configuration.
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
