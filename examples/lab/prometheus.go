// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// PrometheusOptions are the settings of a [Prometheus]. The zero value is a
// server without rules on a free port of the loopback interface.
type PrometheusOptions struct {
	Listen             string            // default 127.0.0.1:0
	Rules              string            // rule groups, as the YAML of a rule file
	ExternalLabels     map[string]string // on every alert that is sent, and on nothing else
	Alertmanagers      []string          // base URLs
	EvaluationInterval time.Duration     // of rule groups without an interval of their own; default 1s
	ResendDelay        time.Duration     // default 1m, as --rules.alert.resend-delay
	Logger             *slog.Logger      // default: silent

	// History fills the empty database before the first rule is evaluated.
	History func(context.Context, storage.Appendable) error
	// Recall returns a range of the history over which to evaluate the rules, too: alerts are
	// stored as ALERTS but not sent. nil: none.
	Recall func() (from, to time.Time)
}

// Prometheus is a Prometheus server without scraping: samples are appended.
type Prometheus struct {
	options PrometheusOptions
	url     string
	dir     string

	parser   parser.Parser
	db       *tsdb.DB
	engine   *promql.Engine
	rules    *rules.Manager
	notifier *notifier.Manager
	server   *http.Server

	closers []func() error // in the order of creation
}

// StartPrometheus starts a server and returns when it answers.
func StartPrometheus(ctx context.Context, o PrometheusOptions) (_ *Prometheus, err error) {
	o.setDefaults()
	p := &Prometheus{options: o, parser: parser.NewParser(parser.Options{})}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start the lab's Prometheus: %w", err), p.Close())
		}
	}()
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	p.url = "http://" + listener.Addr().String()
	p.closers = append(p.closers, func() error { return ignoreClosed(listener.Close()) })

	if err := p.openDB(); err != nil {
		return nil, err
	}
	if o.History != nil {
		if err := o.History(ctx, p.db); err != nil {
			return nil, fmt.Errorf("write the history: %w", err)
		}
	}
	if err := p.recall(ctx); err != nil {
		return nil, fmt.Errorf("evaluate the rules over the history: %w", err)
	}
	p.serve(listener)
	if err := p.startNotifier(); err != nil {
		return nil, err
	}
	return p, p.startRules()
}

// setDefaults replaces zero values.
func (o *PrometheusOptions) setDefaults() {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.EvaluationInterval == 0 {
		o.EvaluationInterval = time.Second
	}
	if o.ResendDelay == 0 {
		o.ResendDelay = time.Minute
	}
	if o.Logger == nil {
		o.Logger = promslog.NewNopLogger()
	}
}

// URL is the base URL of the server, without a slash at its end.
func (p *Prometheus) URL() string { return p.url }

// Appender returns an appender to the database, for one goroutine.
func (p *Prometheus) Appender(ctx context.Context) storage.Appender { return p.db.Appender(ctx) }

// Close stops the server and removes its data.
func (p *Prometheus) Close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	p.closers = nil
	return errors.Join(errs...)
}

func (p *Prometheus) openDB() error {
	dir, err := os.MkdirTemp("", "culprit-lab-prometheus-")
	if err != nil {
		return err
	}
	p.dir = dir
	p.closers = append(p.closers, func() error { return os.RemoveAll(dir) })

	if p.db, err = openHead(dir, p.options.Logger); err != nil {
		return err
	}
	p.closers = append(p.closers, p.db.Close)
	p.engine = promql.NewEngine(promql.EngineOpts{
		Logger:               p.options.Logger,
		MaxSamples:           50_000_000, // the defaults of the server
		Timeout:              2 * time.Minute,
		LookbackDelta:        5 * time.Minute,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 {
			return p.options.EvaluationInterval.Milliseconds()
		},
		Parser: p.parser,
	})
	p.closers = append(p.closers, p.engine.Close)
	return nil
}

// openHead opens a database whose head holds all the history: blocks are so long that nothing is
// compacted, and there is no write-ahead log to replay.
func openHead(dir string, logger *slog.Logger) (*tsdb.DB, error) {
	opts := tsdb.DefaultOptions()
	opts.WALSegmentSize = -1
	opts.EnableExemplarStorage, opts.MaxExemplars = true, 1000
	opts.MinBlockDuration = (90 * 24 * time.Hour).Milliseconds()
	opts.MaxBlockDuration = opts.MinBlockDuration
	opts.RetentionDuration = opts.MinBlockDuration
	db, err := tsdb.Open(dir, logger, nil, opts, nil)
	if err == nil {
		db.DisableCompactions()
	}
	return db, err
}

// WriteData fills the data directory of a Prometheus that doesn't run yet.
func WriteData(ctx context.Context, dir string, history func(context.Context, storage.Appendable) error) (err error) {
	head, err := os.MkdirTemp("", "culprit-lab-head-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(head)) }()
	db, err := openHead(head, promslog.NewNopLogger())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := history(ctx, db); err != nil {
		return err
	}
	return db.Snapshot(dir, true)
}

// serve serves the HTTP API.
func (p *Prometheus) serve(listener net.Listener) {
	p.server = &http.Server{Handler: p.handler(), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.server.Serve(listener) // ends with Close
	}()
	p.closers = append(p.closers, func() error {
		err := p.server.Close()
		<-done
		return err
	})
}

// startNotifier starts the notifier, with a configuration file such as a user would write.
func (p *Prometheus) startNotifier() error {
	cfg, err := p.config()
	if err != nil {
		return err
	}
	p.notifier = notifier.NewManager(&notifier.Options{QueueCapacity: 10_000}, model.UTF8Validation, p.options.Logger)
	if err := p.notifier.ApplyConfig(cfg); err != nil {
		return err
	}
	targets := make(chan map[string][]*targetgroup.Group, 1)
	targets <- staticTargets(cfg)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.notifier.Run(targets)
	}()
	p.closers = append(p.closers, func() error {
		p.notifier.Stop()
		<-done
		return nil
	})
	return p.waitForTargets()
}

// waitForTargets returns when the notifier knows its Alertmanagers: an alert sent before is lost
// until the resend delay has passed.
func (p *Prometheus) waitForTargets() error {
	for range 500 {
		if len(p.notifier.Alertmanagers()) == len(p.options.Alertmanagers) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the notifier knows %d of the Alertmanagers %v after 5s",
		len(p.notifier.Alertmanagers()), p.options.Alertmanagers)
}

// config parses the configuration of this server.
func (p *Prometheus) config() (*config.Config, error) {
	text, err := p.configText()
	if err != nil {
		return nil, err
	}
	return config.Load(text, p.options.Logger)
}

// configText is the configuration as YAML, as /api/v1/status/config shows it.
func (p *Prometheus) configText() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "global:\n  evaluation_interval: %s\n", model.Duration(p.options.EvaluationInterval))
	if len(p.options.ExternalLabels) > 0 {
		b.WriteString("  external_labels:\n")
		labels.FromMap(p.options.ExternalLabels).Range(func(l labels.Label) {
			fmt.Fprintf(&b, "    %s: %q\n", l.Name, l.Value)
		})
	}
	if len(p.options.Alertmanagers) > 0 {
		b.WriteString("alerting:\n  alertmanagers:\n")
	}
	for _, am := range p.options.Alertmanagers {
		u, err := url.Parse(am)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("%q is not the URL of an Alertmanager, write http://host:port", am)
		}
		fmt.Fprintf(&b, "    - scheme: %s\n", u.Scheme)
		fmt.Fprintf(&b, "      path_prefix: %q\n", u.Path+"/")
		fmt.Fprintf(&b, "      static_configs: [{targets: [%q]}]\n", u.Host)
	}
	return b.String(), nil
}

// staticTargets replaces service discovery for static_configs.
func staticTargets(cfg *config.Config) map[string][]*targetgroup.Group {
	targets := map[string][]*targetgroup.Group{}
	for name, am := range cfg.AlertingConfig.AlertmanagerConfigs.ToMap() {
		for _, sd := range am.ServiceDiscoveryConfigs {
			if static, ok := sd.(discovery.StaticConfig); ok {
				targets[name] = append(targets[name], static...)
			}
		}
	}
	return targets
}

// ignoreClosed drops the error of a second Close.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
